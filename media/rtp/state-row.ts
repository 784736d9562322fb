/**
 * A stretch of shared memory where an object keeps the fields that every packet reads and writes. Objects of V8 lie
 * anywhere, and with hundreds of calls each of them is a miss of the cache; fields that are used together and lie
 * together are one.
 */
export interface StateRow {
  readonly words: Int32Array;
  /** The same memory. */
  readonly doubles: Float64Array;
  /** Index of the first word, even. */
  readonly at: number;
}

/** Words in a line of the processor's cache (64 bytes). */
export const LINE_WORDS = 16;

/** A row of its own, for what is not on the path of every packet. */
export function ownRow(words = LINE_WORDS): StateRow {
  const buffer = new ArrayBuffer(4 * words);
  return { words: new Int32Array(buffer), doubles: new Float64Array(buffer), at: 0 };
}
