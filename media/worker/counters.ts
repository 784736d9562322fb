/**
 * Counters in shared memory: one row of doubles per slot (a port pair), written by the slot's worker only, read by
 * the facade at any time. An aligned double is read and written whole on the supported machines.
 */

/** Doubles per row. */
export const COUNTER_STRIDE = 16;

/** Columns of a leg's row. */
export const LEG = {
  packetsReceived: 0,
  bytesReceived: 1,
  packetsSent: 2,
  bytesSent: 3,
  packetsLost: 4,
  malformed: 5,
  rejectedSource: 6,
  sendErrors: 7,
} as const;

/** Columns of a recording stream's row; those of the same meaning stand where a leg's stand. */
export const STREAM = {
  captured: 0,
  overflowed: 1,
  packetsSent: 2,
  bytesSent: 3,
  unaccepted: 4,
  malformed: 5,
  rejectedSource: 6,
  sendErrors: 7,
  pending: 8,
  firstSentAtMs: 9,
  lastSentAtMs: 10,
  /** Number of receiver reports read; 0: the three below mean nothing. */
  receiverReports: 11,
  fractionLost: 12,
  packetsLost: 13,
  jitterMs: 14,
} as const;

/** Adds to one counter of a row. @param base index of the row's first column. */
export function add(counters: Float64Array, base: number, column: number, amount: number): void {
  counters[base + column] = (counters[base + column] ?? 0) + amount;
}
