import { type Clock, type Timer } from '#core';

/**
 * When the reminder tone of a call sounds. Several recordings may want one: the parties hear a single tone, at the
 * shortest of the intervals, from the moment that the first of them wants it.
 */
export class ReminderTone {
  readonly #clock: Clock;
  readonly #sound: () => void;
  #wishes: readonly { readonly who: object; readonly intervalMs: number }[] = [];
  #intervalMs: number | null = null;
  #timer: Timer | null = null;

  /** @param sound called each time that the tone is due */
  constructor(clock: Clock, sound: () => void) {
    this.#clock = clock;
    this.#sound = sound;
  }

  /** Every so often from now on; null: not any more. The same wish again changes nothing. */
  set(who: object, intervalMs: number | null): void {
    const others = this.#wishes.filter(wish => wish.who !== who);
    this.#wishes = intervalMs === null ? others : others.concat({ who, intervalMs });
    const intervals = this.#wishes.map(wish => wish.intervalMs);
    const shortest = intervals.length === 0 ? null : Math.min(...intervals);
    if (shortest !== this.#intervalMs) {
      this.#intervalMs = shortest;
      this.#timer?.cancel();
      this.#timer = null;
      if (shortest !== null) {
        this.#wait(this.#clock.monotonicMs() + shortest, shortest);
      }
    }
  }

  stop(): void {
    this.#wishes = [];
    this.#intervalMs = null;
    this.#timer?.cancel();
    this.#timer = null;
  }

  /** Late timers do not add up: each tone is due at a multiple of the interval. */
  #wait(dueAtMs: number, intervalMs: number): void {
    const delayMs = Math.max(0, dueAtMs - this.#clock.monotonicMs());
    this.#timer = this.#clock.setTimer(delayMs, () => {
      this.#wait(dueAtMs + intervalMs, intervalMs);
      this.#sound();
    });
  }
}
