import { type Clock, type Timer } from '#core';

/** The running timers of one transaction, by name; starting one again replaces it. */
export class TimerSet<Name extends string> {
  readonly #clock: Clock;
  readonly #timers = new Map<Name, Timer>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** With no delay the callback runs at once (a zero timer of RFC 3261 §17 fires immediately). */
  start(name: Name, delayMs: number, callback: () => void): void {
    this.stop(name);
    if (delayMs <= 0) {
      callback();
      return;
    }
    this.#timers.set(
      name,
      this.#clock.setTimer(delayMs, () => {
        this.#timers.delete(name);
        callback();
      }),
    );
  }

  stop(name: Name): void {
    this.#timers.get(name)?.cancel();
    this.#timers.delete(name);
  }

  stopAll(): void {
    for (const timer of this.#timers.values()) {
      timer.cancel();
    }
    this.#timers.clear();
  }

  get size(): number {
    return this.#timers.size;
  }
}
