/** A running timer. `cancel()` is idempotent. */
export interface Timer {
  cancel(): void;
}

/** The only source of time and timers outside `media/worker`, so that tests can own time. */
export interface Clock {
  /** Wall clock, milliseconds since the epoch; may jump. */
  wallNowMs(): number;
  /** Never goes back; for durations, in milliseconds with fractions. */
  monotonicMs(): number;
  /** Runs `callback` once after `delayMs`. */
  setTimer(delayMs: number, callback: () => void): Timer;
}

class SystemTimer implements Timer {
  #handle: NodeJS.Timeout | null;

  constructor(delayMs: number, callback: () => void) {
    this.#handle = setTimeout(callback, delayMs);
  }

  cancel(): void {
    if (this.#handle !== null) {
      clearTimeout(this.#handle);
      // Who keeps the timer of something that is over does not keep more than that.
      this.#handle = null;
    }
  }
}

/** The system's clock. Its timers keep the process alive. */
export const systemClock: Clock = {
  wallNowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  setTimer: (delayMs, callback) => new SystemTimer(delayMs, callback),
};

/** Rejects with `makeError()` unless `promise` settles within `deadlineMs`. */
export function withDeadline<T>(
  clock: Clock,
  promise: Promise<T>,
  deadlineMs: number,
  makeError: () => Error,
): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const timer = clock.setTimer(deadlineMs, () => reject(makeError()));
    promise.then(
      value => {
        timer.cancel();
        resolve(value);
      },
      (error: unknown) => {
        timer.cancel();
        reject(error instanceof Error ? error : new Error(String(error)));
      },
    );
  });
}
