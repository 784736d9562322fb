import { type Clock, type Timer } from '#core';

/** A clock that stands still until it is told to go on. Wall and monotonic time move together. */
export class ManualClock implements Clock {
  readonly #wallStartMs: number;
  #nowMs = 0;
  #timers: { dueMs: number; callback: () => void }[] = [];

  constructor(wallStartMs = 1_700_000_000_000) {
    this.#wallStartMs = wallStartMs;
  }

  /** Timers that wait. */
  get pending(): number {
    return this.#timers.length;
  }

  wallNowMs(): number {
    return this.#wallStartMs + this.#nowMs;
  }

  monotonicMs(): number {
    return this.#nowMs;
  }

  setTimer(delayMs: number, callback: () => void): Timer {
    const timer = { dueMs: this.#nowMs + delayMs, callback };
    this.#timers.push(timer);
    return { cancel: () => void (this.#timers = this.#timers.filter(other => other !== timer)) };
  }

  /** Lets time pass; timers run in the order in which they are due. */
  advance(ms: number): void {
    const untilMs = this.#nowMs + ms;
    for (;;) {
      const next = this.#timers
        .filter(timer => timer.dueMs <= untilMs)
        .sort((a, b) => a.dueMs - b.dueMs)[0];
      if (next === undefined) {
        break;
      }
      this.#timers = this.#timers.filter(timer => timer !== next);
      this.#nowMs = Math.max(this.#nowMs, next.dueMs);
      next.callback();
    }
    this.#nowMs = untilMs;
  }

  /** Jumps without running timers in between, as a stalled event loop does; they run afterwards. */
  stall(ms: number): void {
    this.#nowMs += ms;
    this.advance(0);
  }
}
