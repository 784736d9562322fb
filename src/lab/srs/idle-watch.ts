import { type Clock } from '#core';
import { type SipResponse } from '#sip/engine';
import { type SessionTimers } from './session-timers';

export interface IdleWatchOptions {
  readonly clock: Clock;
  readonly timers: SessionTimers;
  /** After this long without SIP and RTP the SRC is asked whether it is still there. */
  readonly idleTimeoutMs: number;
  /** Asks it, by OPTIONS in the dialog. */
  readonly ask: () => Promise<SipResponse>;
  /** It is not there any more. */
  readonly gone: () => Promise<void>;
}

/** A session without any sign of life is asked for one, and ended when none comes. */
export class IdleWatch {
  readonly #options: IdleWatchOptions;
  #lastActivityMs: number;

  constructor(options: IdleWatchOptions) {
    this.#options = options;
    this.#lastActivityMs = options.clock.monotonicMs();
  }

  noteActivity(): void {
    this.#lastActivityMs = this.#options.clock.monotonicMs();
  }

  /** From now on. */
  watch(): void {
    const { clock, timers, idleTimeoutMs, ask, gone } = this.#options;
    const idleMs = clock.monotonicMs() - this.#lastActivityMs;
    if (idleMs < idleTimeoutMs) {
      timers.later(idleTimeoutMs - idleMs, () => this.watch());
      return;
    }
    ask()
      .then(
        ({ status }) => (status === 481 || status === 408 ? gone() : undefined),
        () => gone(),
      )
      .then(() => timers.later(idleTimeoutMs, () => this.watch()))
      .catch(() => undefined);
  }
}
