import { type Clock, type Timer } from '#core';
import { patienceMs, type TimerValues } from '../transaction';

/**
 * A final 2xx (or reliable provisional response) of ours that waits to be acknowledged: sent again at T1,
 * then at doubling gaps, on every transport because a later hop may be UDP; given up after 64*T1
 * (RFC 3261 §13.3.1.4, RFC 3262 §3).
 */
export class Acceptance {
  readonly #clock: Clock;
  readonly #timers: TimerValues;
  readonly #limitMs: number;
  readonly #resend: () => void;
  #gapMs: number;
  #next: Timer;
  #deadline: Timer;

  constructor(options: {
    clock: Clock;
    timers: TimerValues;
    /** Longest gap; T2 for a 2xx, none for a provisional response. */
    limitMs: number;
    resend: () => void;
    onTimeout: () => void;
  }) {
    this.#clock = options.clock;
    this.#timers = options.timers;
    this.#limitMs = options.limitMs;
    this.#resend = options.resend;
    this.#gapMs = options.timers.t1Ms;
    this.#next = this.#schedule();
    this.#deadline = this.#clock.setTimer(patienceMs(this.#timers), () => {
      this.stop();
      options.onTimeout();
    });
  }

  /** Acknowledged, or not of interest any more. Idempotent. */
  stop(): void {
    this.#next.cancel();
    this.#deadline.cancel();
  }

  #schedule(): Timer {
    return this.#clock.setTimer(this.#gapMs, () => {
      this.#resend();
      this.#gapMs = Math.min(this.#gapMs * 2, this.#limitMs);
      this.#next = this.#schedule();
    });
  }
}
