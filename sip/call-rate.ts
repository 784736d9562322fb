import { type Clock } from '#core';

/**
 * How many new calls per second are taken, with bursts of up to one second's worth. What is refused does not
 * count, so that callers who keep trying do not lock everybody out.
 */
export class CallRate {
  readonly #clock: Clock;
  readonly #perSecond: number;
  #available: number;
  #updatedAtMs: number;

  /** @param perSecond above 0; Infinity: no limit */
  constructor(clock: Clock, perSecond: number) {
    this.#clock = clock;
    this.#perSecond = perSecond;
    // A rate below one call per second must still let one pass.
    this.#available = this.#burst;
    this.#updatedAtMs = clock.monotonicMs();
  }

  /** Takes one call. @returns false: too many */
  admit(): boolean {
    const nowMs = this.#clock.monotonicMs();
    const gained = ((nowMs - this.#updatedAtMs) / 1_000) * this.#perSecond;
    this.#updatedAtMs = nowMs;
    // Infinity times zero is no number.
    this.#available = Number.isNaN(gained)
      ? this.#burst
      : Math.min(this.#burst, this.#available + gained);
    if (this.#available < 1) {
      return false;
    }
    this.#available -= 1;
    return true;
  }

  get #burst(): number {
    return Math.max(1, this.#perSecond);
  }
}
