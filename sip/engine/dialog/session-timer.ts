import { type Clock, type Timer } from '#core';

/** A session interval that is in force. */
export interface SessionInterval {
  readonly intervalS: number;
  /** We send the refreshes; otherwise the peer does. */
  readonly weRefresh: boolean;
}

/**
 * The clock of one session (RFC 4028 §10): our refresh at half of the interval; without any refresh the
 * session is given up shortly before the interval ends, by a third of it or 32 s.
 */
export class SessionTimer {
  readonly #clock: Clock;
  readonly #onRefresh: () => void;
  readonly #onExpired: () => void;
  #interval: SessionInterval | null = null;
  #expiresAtMs = 0;
  #refresh: Timer | null = null;
  #expiry: Timer | null = null;

  constructor(options: { clock: Clock; onRefresh: () => void; onExpired: () => void }) {
    this.#clock = options.clock;
    this.#onRefresh = options.onRefresh;
    this.#onExpired = options.onExpired;
  }

  /** null: the session does not expire. */
  get interval(): SessionInterval | null {
    return this.#interval;
  }

  /** Begins anew with every refresh, of either side. */
  start(interval: SessionInterval): void {
    this.stop();
    this.#interval = interval;
    const intervalMs = Math.min(interval.intervalS * 1000, LONGEST_TIMER_MS);
    const lifeMs = intervalMs - Math.min(32_000, intervalMs / 3);
    this.#expiresAtMs = this.#clock.monotonicMs() + lifeMs;
    this.#expiry = this.#clock.setTimer(lifeMs, () => {
      this.stop();
      this.#onExpired();
    });
    if (interval.weRefresh) {
      this.#refresh = this.#clock.setTimer(intervalMs / 2, this.#onRefresh);
    }
  }

  /** Another try of a refresh, which must come before the end to make sense. */
  retryIn(delayMs: number): void {
    if (this.#interval === null) {
      return;
    }
    this.#refresh?.cancel();
    this.#refresh = this.#clock.setTimer(delayMs, this.#onRefresh);
  }

  /** Half of what is left: for the next try after one that failed. */
  retry(): void {
    this.retryIn(Math.max(0, this.#expiresAtMs - this.#clock.monotonicMs()) / 2 + RETRY_FLOOR_MS);
  }

  /** The session does not expire any more, or is over. Idempotent. */
  stop(): void {
    this.#interval = null;
    this.#refresh?.cancel();
    this.#expiry?.cancel();
  }
}

/** Node's timers cannot do more than 2^31 - 1 ms. */
const LONGEST_TIMER_MS = 0x7fff_ffff;
const RETRY_FLOOR_MS = 100;
