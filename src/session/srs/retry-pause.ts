/** Pauses between rounds of invitations while nobody takes the recording; the last one repeats, ms. */
const RETRY_PAUSES_MS = [1_000, 2_000, 4_000, 8_000, 15_000];

/** @param failures rounds, or losses, in a row; none: no pause. @returns ms. */
export function pauseBeforeRound(failures: number): number {
  return failures <= 0 ? 0 : (RETRY_PAUSES_MS[Math.min(failures, RETRY_PAUSES_MS.length) - 1] ?? 0);
}
