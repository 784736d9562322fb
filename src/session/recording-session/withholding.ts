import { type Clock } from '#core';

/** A time in which nothing was captured although it was desired. Wall clock, ms. */
export interface WithheldTime {
  readonly fromMs: number;
  /** null: it still is so. */
  readonly untilMs: number | null;
}

/** Remembers when the parties of a recorded call believed not to be recorded. */
export class Withholding {
  readonly #clock: Clock;
  readonly #times: WithheldTime[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get isOn(): boolean {
    return this.#times.at(-1)?.untilMs === null;
  }

  get times(): readonly WithheldTime[] {
    return [...this.#times];
  }

  set(isOn: boolean): void {
    const nowMs = this.#clock.wallNowMs();
    const last = this.#times.at(-1);
    if (isOn && !this.isOn) {
      this.#times.push({ fromMs: nowMs, untilMs: null });
    } else if (!isOn && last?.untilMs === null) {
      this.#times.splice(-1, 1, { ...last, untilMs: nowMs });
    }
  }
}
