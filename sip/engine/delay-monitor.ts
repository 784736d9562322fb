import { type Clock, type Timer } from '#core';

const INTERVAL_MS = 200;
/** How much of the average the newest look makes: one long pause is no overload, a second of them is. */
const SHARE = 0.3;

/** How late this thread comes to its work: the lateness of a timer, averaged over about a second. */
export class DelayMonitor {
  readonly #clock: Clock;
  #averageMs = 0;
  #dueMs = 0;
  #timer: Timer | null = null;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#arm();
  }

  get delayMs(): number {
    return this.#averageMs;
  }

  close(): void {
    this.#timer?.cancel();
  }

  #arm(): void {
    this.#dueMs = this.#clock.monotonicMs() + INTERVAL_MS;
    this.#timer = this.#clock.setTimer(INTERVAL_MS, () => {
      const lateMs = Math.max(0, this.#clock.monotonicMs() - this.#dueMs);
      this.#averageMs += SHARE * (lateMs - this.#averageMs);
      this.#arm();
    });
  }
}
