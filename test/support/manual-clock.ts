import { type Clock, type Timer } from '#core';

/** A clock that stands still until it is moved. */
export class ManualClock implements Clock {
  #nowMs = 0;
  #timers: { atMs: number; callback: () => void }[] = [];

  wallNowMs(): number {
    return this.#nowMs;
  }

  monotonicMs(): number {
    return this.#nowMs;
  }

  setTimer(delayMs: number, callback: () => void): Timer {
    const entry = { atMs: this.#nowMs + delayMs, callback };
    this.#timers.push(entry);
    return {
      cancel: () => {
        this.#timers = this.#timers.filter(each => each !== entry);
      },
    };
  }

  get runningTimers(): number {
    return this.#timers.length;
  }

  /** Moves time on and runs what is due, in order. */
  advance(ms: number): void {
    const end = this.#nowMs + ms;
    for (;;) {
      const [next] = this.#timers.filter(each => each.atMs <= end).sort((a, b) => a.atMs - b.atMs);
      if (next === undefined) {
        break;
      }
      this.#timers = this.#timers.filter(each => each !== next);
      this.#nowMs = next.atMs;
      next.callback();
    }
    this.#nowMs = end;
  }
}
