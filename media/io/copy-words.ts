/** Copies whole words. For the few hundred bytes of a packet a loop is cheaper than a view of them to copy by. */
export function copyWords(
  from: Int32Array,
  at: number,
  to: Int32Array,
  target: number,
  count: number,
): void {
  for (let i = 0; i < count; i++) {
    to[target + i] = from[at + i] ?? 0;
  }
}
