/** Which token each open descriptor has: numbers for numbers, of which the kernel gives the lowest that are free. */
export class TokensByDescriptor {
  /** By descriptor: the token plus one; 0: not open. */
  #tokens = new Int32Array(256);

  set(fd: number, token: number): void {
    if (fd >= this.#tokens.length) {
      const larger = new Int32Array(2 * fd);
      larger.set(this.#tokens);
      this.#tokens = larger;
    }
    this.#tokens[fd] = token + 1;
  }

  /** @returns null: the descriptor is not open. */
  get(fd: number): number | null {
    const entry = this.#tokens[fd] ?? 0;
    return entry === 0 ? null : entry - 1;
  }

  delete(fd: number): void {
    this.#tokens[fd] = 0;
  }

  /** Those that are open. */
  descriptors(): number[] {
    return [...this.#tokens.keys()].filter(fd => this.#tokens[fd] !== 0);
  }
}
