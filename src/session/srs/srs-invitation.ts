import { type Clock, errorMessage, isGatewayError, type Logger, type Timer } from '#core';
import { type RecordingDialog, type RecordingDialogEnd } from '#sip';

import { type SrsTarget } from './srs-target';

/** One attempt to reach an SRS. */
export interface SrsAttempt {
  readonly uri: string;
  /** `established`, or the code of the error that ended the attempt. */
  readonly result: string;
  /** SIP status of a refusal. */
  readonly status: number | null;
  readonly atMs: number;
  readonly tookMs: number;
  /** Call-ID of the dialog, which the SRS knows too. */
  readonly srsCallId?: string;
}

export interface SrsInvitationOptions {
  /** In the order in which they are asked; at least one. */
  readonly targets: readonly SrsTarget[];
  /** An SRS that has given no final answer after this is overtaken by the next, ms. */
  readonly maxResponseWaitMs: number;
  /** Invites one SRS; rejects when it refuses, when its answer cannot be used, and when the signal aborts. */
  readonly invite: (target: SrsTarget, signal: AbortSignal) => Promise<InvitedSrs>;
  /** Told of each attempt as it ends. */
  readonly attempted: (attempt: SrsAttempt) => void;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** What an SRS said between its 200 and the moment at which it won the race. */
export interface EarlyEvents {
  end: { readonly cause: RecordingDialogEnd; readonly reason: string | null } | null;
  wantsSnapshot: boolean;
}

/** An SRS that has accepted. */
export interface InvitedSrs {
  readonly dialog: RecordingDialog;
  readonly early: EarlyEvents;
}

/** The SRS that took the recording. */
export interface AcceptedInvitation {
  readonly target: SrsTarget;
  readonly invited: InvitedSrs;
}

/**
 * Finds one SRS for a recording: the targets are asked in order, the next one as soon as the one before has refused or
 * has been silent for too long. A silent one stays in the race, since it may be the only one that will ever answer; the first
 * that accepts wins, and the late answers of all others are ended properly.
 */
export class SrsInvitation {
  readonly #options: SrsInvitationOptions;
  readonly #waiting: SrsTarget[];
  readonly #running = new Map<SrsTarget, AbortController>();
  readonly #settle: (accepted: AcceptedInvitation | null) => void;
  #overtake: Timer | null = null;
  #newest: SrsTarget | null = null;
  #isOver = false;
  /** Resolves once: the SRS that has accepted; null: none did. Never rejects. */
  readonly outcome: Promise<AcceptedInvitation | null>;

  constructor(options: SrsInvitationOptions) {
    this.#options = options;
    this.#waiting = [...options.targets];
    let settle: (accepted: AcceptedInvitation | null) => void = () => undefined;
    this.outcome = new Promise(resolve => {
      settle = resolve;
    });
    this.#settle = settle;
    this.#next();
  }

  /** Gives every attempt up. Idempotent. */
  abort(): void {
    this.#finish(null);
  }

  #next(): void {
    this.#overtake?.cancel();
    this.#overtake = null;
    const target = this.#waiting.shift();
    if (target === undefined) {
      if (this.#running.size === 0) {
        this.#finish(null);
      }
      return;
    }
    const { clock, maxResponseWaitMs } = this.#options;
    if (this.#waiting.length > 0) {
      this.#overtake = clock.setTimer(maxResponseWaitMs, () => this.#next());
    }
    this.#newest = target;
    void this.#attempt(target);
  }

  async #attempt(target: SrsTarget): Promise<void> {
    const { clock, logger, attempted, invite } = this.#options;
    const abort = new AbortController();
    this.#running.set(target, abort);
    const atMs = clock.wallNowMs();
    const begunMs = clock.monotonicMs();
    const ended = (result: string, status: number | null, srsCallId?: string): void =>
      attempted({
        uri: target.uri,
        result,
        status,
        atMs,
        tookMs: Math.round(clock.monotonicMs() - begunMs),
        ...(srsCallId === undefined ? {} : { srsCallId }),
      });
    let invited: InvitedSrs;
    try {
      invited = await invite(target, abort.signal);
    } catch (error) {
      const code = isGatewayError(error) ? error.code : 'REC_ERR_INTERNAL';
      const status = isGatewayError(error) ? error.details['status'] : null;
      ended(code, typeof status === 'number' ? status : null);
      logger.warn('srs attempt failed', { srsUri: target.uri, code, error: errorMessage(error) });
      this.#running.delete(target);
      // One that was overtaken already hands nothing on, unless it was the last.
      if (!this.#isOver && (target === this.#newest || this.#running.size === 0)) {
        this.#next();
      }
      return;
    }
    this.#running.delete(target);
    if (this.#isOver) {
      // Somebody else was faster, or nobody wants it any more.
      ended('REC_ERR_SIP_ABORTED', null);
      await invited.dialog.bye({
        reason: 'SIP;cause=487;text="Another recorder has taken the call"',
      });
      return;
    }
    ended('established', null, invited.dialog.sipCallId);
    this.#finish({ target, invited });
  }

  #finish(accepted: AcceptedInvitation | null): void {
    if (this.#isOver) {
      return;
    }
    this.#isOver = true;
    this.#overtake?.cancel();
    this.#waiting.length = 0;
    this.#running.forEach(abort => abort.abort());
    this.#settle(accepted);
  }
}
