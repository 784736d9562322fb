/**
 * Counters in shared memory: one row of doubles per slot (a port pair), written by the slot's worker only, read by
 * the facade at any time. An aligned double is read and written whole on the supported machines.
 */

/** Doubles per row. */
export const COUNTER_STRIDE = 24;

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
  /** What the leg sends, while watched: dBFS, and the wall clock of its measuring, ms. */
  levelDbfs: 8,
  levelAtMs: 9,
  /** SRTP and SRTCP that is not authentic, or a replay. */
  unauthentic: 15,
} as const;

/**
 * Columns of a recording stream's row; those of the same meaning stand where a leg's stand. What every packet
 * changes is in one line of the cache. Pending packets are what was
 * captured, replayed or made of silence and is in no count of what has gone.
 */
export const STREAM = {
  captured: 0,
  lastSentAtMs: 1,
  packetsSent: 2,
  bytesSent: 3,
  overflowed: 4,
  malformed: 5,
  rejectedSource: 6,
  sendErrors: 7,
  unaccepted: 8,
  firstSentAtMs: 9,
  /** Number of receiver reports read; 0: the three below mean nothing. */
  receiverReports: 10,
  fractionLost: 11,
  packetsLost: 12,
  jitterMs: 13,
  unauthentic: 15,
  /** Packets that were sent and then, for another SRS, made to wait again. */
  replayed: 14,
  /** Wall clock of the last receiver report. */
  receiverReportAtMs: 16,
  /** Packets that were sent in another codec than the leg's. */
  transcoded: 17,
  /** Payload type of the audio sent last, plus one; 0: none was. */
  sentType: 18,
  /** Packets of silence that fill pauses. */
  silence: 19,
} as const;

/** Reads one counter of a row. @param base index of the row's first column. */
export function get(counters: Float64Array, base: number, column: number): number {
  return counters[base + column] ?? 0;
}

/** Adds to one counter of a row. @param base index of the row's first column. */
export function add(counters: Float64Array, base: number, column: number, amount: number): void {
  counters[base + column] = (counters[base + column] ?? 0) + amount;
}

/** A row is somebody else's from now on. */
export function clearRow(counters: Float64Array, slot: number): void {
  counters.fill(0, slot * COUNTER_STRIDE, (slot + 1) * COUNTER_STRIDE);
}
