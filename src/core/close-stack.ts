/** Something that can be closed; closing twice is harmless. */
export interface Closeable {
  close(): Promise<void> | void;
}

/**
 * Closes things in the reverse order of their opening. Every one is closed even if another throws; the
 * errors are handed back together.
 */
export class CloseStack {
  readonly #entries: { name: string; close: () => Promise<void> | void }[] = [];
  #closing: Promise<readonly Error[]> | null = null;

  push(name: string, close: () => Promise<void> | void): void {
    this.#entries.push({ name, close });
  }

  /** @returns the errors met, each named after its entry; never rejects. */
  close(): Promise<readonly Error[]> {
    this.#closing ??= this.#closeAll();
    return this.#closing;
  }

  async #closeAll(): Promise<readonly Error[]> {
    const errors: Error[] = [];
    for (const entry of this.#entries.reverse()) {
      try {
        await entry.close();
      } catch (error) {
        errors.push(new Error(`closing ${entry.name} failed`, { cause: error }));
      }
    }
    return errors;
  }
}
