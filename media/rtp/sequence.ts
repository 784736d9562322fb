/**
 * Sequence arithmetic of RTP (RFC 3550 §A.1): 16-bit numbers that wrap.
 */

/** A jump ahead of more packets than this is a source that restarted, not loss. */
export const MAX_DROPOUT = 3000;
/** A packet that is late by more than this is a source that restarted, not reordering. */
export const MAX_MISORDER = 100;

/** How far `sequence` is ahead of `reference`: −32768…32767. */
export function sequenceDelta(sequence: number, reference: number): number {
  return ((sequence - reference) << 16) >> 16;
}

/** How far one 32-bit timestamp is ahead of another: −2³¹…2³¹−1. */
export function timestampDelta(timestamp: number, reference: number): number {
  return (timestamp - reference) | 0;
}

/** Whether a distance can be loss or reordering within one run of a source (RFC 3550 §A.1). */
export function isContinuation(delta: number): boolean {
  return delta < MAX_DROPOUT && delta > -MAX_MISORDER;
}
