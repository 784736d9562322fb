import { type Clock, type Timer } from '#core';

/** What a recording session does later, unless it has ended by then. */
export class SessionTimers {
  readonly #clock: Clock;
  readonly #timers = new Set<Timer>();
  #isOver = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  later(delayMs: number, action: () => void): void {
    if (this.#isOver) {
      return;
    }
    const timer = this.#clock.setTimer(delayMs, () => {
      this.#timers.delete(timer);
      action();
    });
    this.#timers.add(timer);
  }

  /** For good. */
  cancel(): void {
    this.#isOver = true;
    for (const timer of this.#timers) {
      timer.cancel();
    }
    this.#timers.clear();
  }
}
