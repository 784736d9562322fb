import { type Clock, type Logger, type Timer } from '#core';

import { type Metrics } from '../../observability';
import { type ProviderSettings } from '../settings';
import { remembered } from './remember';
import { pauseBeforeRound } from './retry-pause';
import { type SrsHealth } from './srs-health';
import {
  type AcceptedInvitation,
  type SrsAttempt,
  SrsInvitation,
  type SrsInvitationOptions,
} from './srs-invitation';

export interface SrsSearchOptions {
  readonly provider: Pick<ProviderSettings, 'providerId' | 'targets' | 'failover'>;
  readonly health: Pick<SrsHealth, 'order' | 'succeeded' | 'failed'>;
  readonly metrics: Metrics;
  readonly clock: Clock;
  readonly logger: Logger;
}

export interface SrsSearchEvents {
  readonly invite: SrsInvitationOptions['invite'];
  /** An SRS has taken the recording. */
  readonly accepted: (accepted: AcceptedInvitation) => void;
  /** Nobody takes it for now; another round follows, unless the search is stopped. */
  readonly exhausted: (isFirstRound: boolean) => void;
  /** Another round begins. */
  readonly again: () => void;
}

/**
 * Looks for an SRS that takes a recording, in rounds of invitations, for as long as it takes: at the beginning, and whenever one
 * was lost. SRSs that are believed to be well are asked first.
 */
export class SrsSearch {
  readonly #options: SrsSearchOptions;
  readonly #events: SrsSearchEvents;
  #attempts: readonly SrsAttempt[] = [];
  #invitation: SrsInvitation | null = null;
  #retry: Timer | null = null;
  /** Rounds in a row that nobody has taken it in, the present one included. */
  #rounds = 0;
  #isStopped = false;
  /** Resolves once: whether an SRS took the recording in the first round of invitations. Never rejects. */
  readonly firstOutcome: Promise<boolean>;
  readonly #settleFirst: (isEstablished: boolean) => void;

  constructor(options: SrsSearchOptions, events: SrsSearchEvents) {
    this.#options = options;
    this.#events = events;
    let settle: (isEstablished: boolean) => void = () => undefined;
    this.firstOutcome = new Promise(resolve => {
      settle = resolve;
    });
    this.#settleFirst = settle;
  }

  /** In order; the first and the newest. */
  get attempts(): readonly SrsAttempt[] {
    return this.#attempts;
  }

  /** Begins a round of invitations. */
  begin(): void {
    void this.#invite();
  }

  /** Begins another round after a while, unless the search is stopped. @param pauseMs 0: at once, before this returns. */
  resumeAfter(pauseMs: number): void {
    if (this.#isStopped) {
      return;
    }
    const resume = (): void => {
      this.#events.again();
      this.begin();
    };
    if (pauseMs === 0) {
      resume();
    } else {
      this.#retry = this.#options.clock.setTimer(pauseMs, resume);
    }
  }

  /** No further round begins; one that is under way goes on. */
  stop(): void {
    this.#isStopped = true;
    this.#retry?.cancel();
  }

  /** Gives up the round that is under way. */
  abort(): void {
    this.stop();
    this.#invitation?.abort();
  }

  /** No SRS will take the recording any more, if none has by now. */
  conclude(): void {
    this.#settleFirst(false);
  }

  async #invite(): Promise<void> {
    const { provider, health, clock, logger } = this.#options;
    this.#rounds++;
    this.#invitation = new SrsInvitation({
      targets: health.order(provider.targets),
      maxResponseWaitMs: provider.failover.maxResponseWaitMs,
      invite: this.#events.invite,
      attempted: attempt => this.#attempted(attempt),
      clock,
      logger,
    });
    const accepted = await this.#invitation.outcome;
    this.#invitation = null;
    if (accepted === null) {
      this.#exhausted();
    } else {
      this.#rounds = 0;
      this.#settleFirst(true);
      this.#events.accepted(accepted);
    }
  }

  #attempted(attempt: SrsAttempt): void {
    const { provider, health, metrics } = this.#options;
    this.#attempts = remembered(this.#attempts, attempt);
    if (attempt.result === 'established') {
      health.succeeded(attempt.uri);
    } else if (attempt.result !== 'REC_ERR_SIP_ABORTED') {
      health.failed(attempt.uri);
      metrics.srsFailure(provider.providerId, attempt.result);
    }
  }

  /** What is said meanwhile stays in the rings as long as they reach. */
  #exhausted(): void {
    const { provider, logger, metrics } = this.#options;
    const isFirstRound = this.#rounds === 1;
    if (isFirstRound) {
      logger.error('call that must be recorded is not', {
        provider: provider.providerId,
        attempts: this.#attempts.length,
      });
      metrics.srsFailure(provider.providerId, 'exhausted');
      this.#settleFirst(false);
    }
    this.#events.exhausted(isFirstRound);
    this.resumeAfter(pauseBeforeRound(this.#rounds));
  }
}
