/**
 * How fast a recording that lies behind is sent. All its streams share one playhead in capture time, so that they
 * stay in lockstep; it moves at a multiple of real time until it has reached the present.
 */

/** A worker that was held up longer than this does not make up for it in one burst, ms. */
const MAX_STEP_MS = 100;

export interface PlayheadFacts {
  readonly playheadMs: number;
  /** Real time since the playhead moved last, ms. */
  readonly elapsedMs: number;
  /** Times real time, ≥ 1. */
  readonly factor: number;
  readonly nowMs: number;
  /** Capture time of the oldest unsent packet of all streams. */
  readonly oldestPendingMs: number;
  /** Whether a pause of the recording lies before that packet, in each stream that has one. */
  readonly isAfterPause: boolean;
}

/** The playhead's next position. Nothing is gained by playing a pause: it is jumped over. Pure. */
export function movePlayhead(facts: PlayheadFacts): number {
  const step = Math.max(0, Math.min(MAX_STEP_MS, facts.elapsedMs)) * facts.factor;
  const moved = Math.min(facts.nowMs, facts.playheadMs + step);
  return facts.isAfterPause && facts.oldestPendingMs > moved ? facts.oldestPendingMs : moved;
}
