/** A notice that waits for its turn on a leg, or has it. */
export interface QueuedNotice {
  /** The facade's number. */
  readonly number: number;
  readonly soundId: string;
  /** Gain of speech under it, linear. */
  readonly duckGain: number;
  /** Length of the sound, ms. */
  readonly durationMs: number;
  /** Wall clock, ms; null until the leg begins to hear it. */
  startedAtMs: number | null;
  /** Monotonic ms after which it is given up, whatever holds it up; Infinity until it has its turn. */
  deadlineMs: number;
  isStopping: boolean;
}

/** More than this never wait on one leg. */
export const MAX_QUEUED = 16;
