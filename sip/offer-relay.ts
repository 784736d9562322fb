import { errorMessage, type LegRole, type Logger } from '#core';
import { type CallLeg } from './call-leg';
import { type CallMedia } from './call-media';
import { SipError } from './errors';
import { ALLOWED_METHODS, passedHeaders } from './header-policy';
import { assertedIdentities } from './identity';
import { type Answered, type OfferOutcome } from './offer-queue';
import { type NameAddr } from './ports';
import { readSdpBody, refusalFor } from './sdp-body';
import { type SessionIds } from './session-id';
import { type MessageLike, type RequestLike, type ResponseLike } from './srf-types';
import { type UserAgent } from './user-agent';

export interface OfferRelayOptions {
  readonly userAgent: UserAgent;
  readonly logger: Logger;
  readonly media: CallMedia;
  readonly sessionIds: SessionIds;
  /** The peer of a leg has asserted who it is (RFC 3325), in a request or an answer within the dialog. */
  readonly identityChanged: (role: LegRole, identities: readonly NameAddr[]) => void;
  /** Both peers have agreed to an offer of one of them, and have been told so. */
  readonly relayed: () => void;
  /** The call cannot go on: one side has agreed to what the other has not, or its dialog is gone. */
  readonly broken: (by: LegRole, cause: 'bad-answer' | 'dialog-lost' | 'no-ack') => void;
}

interface PeerOffer {
  readonly from: CallLeg;
  readonly to: CallLeg;
  readonly request: RequestLike;
  readonly response: ResponseLike;
}

interface Exchange extends PeerOffer {
  /** Both sides know the outcome. Idempotent. */
  readonly over: () => void;
}

/**
 * Carries an offer of one leg to the other and the answer back (RFC 3261 §14, RFC 3311), with our media in both. The
 * offerer waits for the other side's word, a 491 included, so that glare is resolved between the two user agents
 * with their own timers.
 */
export class OfferRelay {
  readonly #options: OfferRelayOptions;
  #running: readonly PeerOffer[] = [];
  #waiting: { readonly resolve: () => void; readonly reject: (error: SipError) => void }[] = [];
  /** The exchange of our own that was asked for last. */
  #lastOwn: Promise<unknown> = Promise.resolve();
  #isClosed = false;

  constructor(options: OfferRelayOptions) {
    this.#options = options;
  }

  /** The call is over: nothing of our own begins any more. */
  close(): void {
    this.#isClosed = true;
    for (const { reject } of this.#waiting.splice(0)) {
      reject(gone());
    }
  }

  /**
   * Runs exchanges of our own one at a time, each when none between the peers is under way.
   * @throws what `run` throws; `REC_ERR_SIP_DIALOG_GONE` when the call ends before its turn
   */
  alone<T>(run: () => Promise<T>): Promise<T> {
    const turn = this.#lastOwn.then(() => this.#quiet()).then(run);
    this.#lastOwn = turn.catch(() => undefined);
    return turn;
  }

  /**
   * Offers a leg something in the name of the other one; for use within {@link alone}.
   * @param body written when its turn in the dialog has come
   * @param unneeded ends the waiting for a turn, and the one after a 491
   * @returns the status of the final response
   * @throws SipError as {@link OfferQueue.offer} (`REC_ERR_SIP_ABORTED` when `unneeded`), or `REC_ERR_SIP_BAD_ANSWER`, `REC_ERR_SIP_BAD_SDP`
   */
  async offerTo(to: CallLeg, body: () => string | null, unneeded?: AbortSignal): Promise<number> {
    const { media } = this.#options;
    let offer = '';
    try {
      const sent = to.offers.offer({
        method: 'INVITE',
        message: () => {
          offer = body() ?? '';
          if (offer === '') {
            throw new SipError('REC_ERR_SIP_ABORTED', 'there is nothing to offer');
          }
          return {
            body: offer,
            headers: { Allow: ALLOWED_METHODS, 'Content-Type': 'application/sdp' },
          };
        },
        expectsSdp: true,
        retryOn491: true,
      });
      unneeded?.addEventListener('abort', () => sent.cancel());
      const outcome = await sent.outcome;
      if (outcome.kind === 'answered' && outcome.sdp !== null) {
        media.answer(to.role, outcome.sdp, true);
      } else {
        media.abandon();
      }
      return outcome.response.status;
    } catch (error) {
      media.abandon();
      throw error;
    }
  }

  #quiet(): Promise<void> {
    if (this.#isClosed) {
      return Promise.reject(gone());
    }
    return this.#running.length === 0
      ? Promise.resolve()
      : new Promise((resolve, reject) => {
          this.#waiting.push({ resolve, reject });
        });
  }

  #begin(offer: PeerOffer): Exchange {
    this.#running = this.#running.concat(offer);
    return {
      ...offer,
      over: () => {
        if (!this.#running.includes(offer)) {
          return;
        }
        this.#running = this.#running.filter(each => each !== offer);
        if (this.#running.length === 0) {
          for (const { resolve } of this.#waiting.splice(0)) {
            resolve();
          }
        }
      },
    };
  }

  /** A re-INVITE or UPDATE has come on `from`. */
  relay(offer: PeerOffer): void {
    const { from, to, request, response } = offer;
    let sdp: string | null;
    try {
      sdp = readSdpBody(request, 'refuse');
    } catch (error) {
      const { status, headers } = refusalFor(error);
      this.#options.userAgent.respond(response, status, { headers });
      return;
    }
    if (sdp === null && request.method === 'UPDATE') {
      // No part of any offer/answer exchange: it may come while one is under way (RFC 3311 §5.1).
      this.#tellIdentities(from.role, request);
      this.#relayBareUpdate(offer);
      return;
    }
    const refusal = from.offers.admitPeerOffer();
    if (refusal !== null) {
      this.#options.userAgent.respond(response, refusal.status, { headers: refusal.headers });
      return;
    }
    const exchange = this.#begin(offer);
    if (!to.offers.isOpenForOffer) {
      // The other side is in the middle of an exchange that may need this side's answer.
      this.#refuse(exchange, 491, {});
      return;
    }
    this.#tellIdentities(from.role, request);
    try {
      if (sdp === null) {
        this.#relayWithoutOffer(exchange);
      } else {
        this.#relayOffer(exchange, this.#options.media.offer(from.role, sdp));
      }
    } catch (error) {
      const { status, headers } = refusalFor(error);
      this.#refuse(exchange, status, headers);
    }
  }

  #relayOffer(exchange: Exchange, offer: string): void {
    const { to, request } = exchange;
    const canUpdate = to.dialog.peerAllowsUpdate === true;
    const sent = to.offers.offer({
      method: request.method === 'UPDATE' && canUpdate ? 'UPDATE' : 'INVITE',
      message: () => ({ body: offer, headers: this.#headersFor(exchange, true) }),
      expectsSdp: true,
      retryOn491: false,
    });
    request.on('cancel', () => sent.cancel());
    this.#settle(exchange, sent.outcome, outcome => {
      if (outcome.kind === 'refused') {
        this.#options.media.abandon();
        this.#refused(exchange, outcome.response);
        return;
      }
      const { from } = exchange;
      this.#tellIdentities(to.role, outcome.response);
      const answer = this.#options.media.answer(to.role, outcome.sdp ?? '', true);
      this.#answer(exchange, outcome.response, answer, {
        sent: () => {
          exchange.over();
          this.#options.relayed();
        },
        acknowledged: () => undefined,
        notSent: () => this.restate(to),
      });
      // Both sides know the outcome: an offer of the other one need not be refused, it waits for the ACK.
      from.offers.peerOfferAnswered();
    });
  }

  #relayWithoutOffer(exchange: Exchange): void {
    const { from, to, request } = exchange;
    // RFC 3261 §14.1: the other side makes the offer in its 200, this one answers in its ACK.
    const sent = to.offers.offer({
      method: 'INVITE',
      message: () => ({ headers: this.#headersFor(exchange, false) }),
      expectsSdp: true,
      retryOn491: false,
    });
    request.on('cancel', () => sent.cancel());
    this.#settle(exchange, sent.outcome, outcome => {
      if (outcome.kind === 'refused') {
        this.#refused(exchange, outcome.response);
        return;
      }
      try {
        const offer = this.#options.media.offer(to.role, outcome.sdp ?? '');
        this.#answer(exchange, outcome.response, offer, {
          sent: () => undefined,
          acknowledged: body => {
            exchange.over();
            this.#acknowledge(outcome, from.role, body);
            this.#options.relayed();
          },
          notSent: () => {
            this.#options.media.abandon();
            outcome.acknowledge();
          },
        });
      } catch (error) {
        outcome.acknowledge();
        throw error;
      }
    });
  }

  /** An UPDATE without SDP refreshes targets and identities (RFC 3311 §5.1); nobody has to know who does not want to. */
  #relayBareUpdate(exchange: PeerOffer): void {
    const { from, to, response } = exchange;
    if (to.dialog.peerAllowsUpdate === true) {
      to.dialog.send('UPDATE', { headers: this.#headersFor(exchange, false) }, silent);
    }
    this.#options.userAgent.respond(response, 200, { headers: this.#ownHeaders(from) });
  }

  /** The ACK of one side, for the other; it must go out even when its answer is useless. */
  #acknowledge(outcome: Answered, answerer: LegRole, body: string): void {
    try {
      outcome.acknowledge(this.#options.media.answer(answerer, body, true));
    } finally {
      outcome.acknowledge();
    }
  }

  /** 200 to the offerer. `acknowledged` gets the body of its ACK, for INVITE; `notSent`: it has cancelled. */
  #answer(
    exchange: Exchange,
    relayed: ResponseLike,
    body: string,
    then: { sent(): void; acknowledged(body: string): void; notSent(): void },
  ): void {
    const { from, request, response } = exchange;
    if (request.method === 'INVITE') {
      from.whenAcknowledged(ackBody => {
        from.offers.peerOfferDone();
        try {
          then.acknowledged(ackBody);
        } catch (error) {
          this.#broken(from.role, error);
        }
      });
    }
    this.#options.userAgent.respond(
      response,
      200,
      {
        headers: {
          ...passedHeaders(relayed, 'response', isTrusted(exchange)),
          ...this.#ownHeaders(from),
          'Content-Type': 'application/sdp',
        },
        body,
      },
      outcome => {
        if (outcome.error !== null) {
          // The offerer has cancelled in the meantime.
          from.whenAcknowledged(() => undefined);
          from.offers.peerOfferDone();
          exchange.over();
          then.notSent();
          return;
        }
        if (request.method === 'UPDATE') {
          from.offers.peerOfferDone();
        }
        then.sent();
      },
    );
  }

  /** Offers a side what the other one has said last: after a cancelled offer, or for another peer over there. */
  restate(to: CallLeg): void {
    const { media, logger } = this.#options;
    this.alone(() => this.offerTo(to, () => media.restate(to.role))).catch((error: unknown) => {
      logger.warn('restating an offer failed', { error: errorMessage(error) });
    });
  }

  #refused(exchange: Exchange, relayed: ResponseLike): void {
    const { status } = relayed;
    this.#refuse(exchange, status, {
      ...passedHeaders(relayed, 'response', isTrusted(exchange)),
      ...this.#options.sessionIds.toward(exchange.from.role),
    });
    if (status === 481 || status === 408) {
      // RFC 3261 §12.2.1.2: the dialog is gone, or its peer is.
      this.#options.broken(exchange.to.role, 'dialog-lost');
    }
  }

  #refuse(exchange: Exchange, status: number, headers: Readonly<Record<string, string>>): void {
    this.#options.userAgent.respond(exchange.response, status, { headers });
    exchange.from.offers.peerOfferDone();
    exchange.over();
  }

  #settle(
    exchange: Exchange,
    outcome: Promise<OfferOutcome>,
    run: (outcome: OfferOutcome) => void,
  ): void {
    outcome
      .then(
        result => {
          if (exchange.from.isEnded || exchange.to.isEnded) {
            this.#overtaken(exchange, result);
          } else {
            run(result);
          }
        },
        (error: unknown) => {
          if (!exchange.to.isEnded) {
            this.#options.media.abandon();
          }
          this.#options.logger.info('relaying an offer failed', { error: errorMessage(error) });
          this.#refuse(exchange, 504, {});
        },
      )
      .catch((error: unknown) => {
        // One side has agreed already, and the other cannot be told to what.
        const { status, headers } = refusalFor(error);
        this.#refuse(exchange, status, headers);
        this.#broken(exchange.to.role, error);
      });
  }

  /** A leg has ended, or its peer was replaced, meanwhile: what was agreed with it means nothing any more. */
  #overtaken(exchange: Exchange, outcome: OfferOutcome): void {
    if (outcome.kind === 'answered') {
      outcome.acknowledge();
    }
    // RFC 3261 §15.1.2 for a request of an ended dialog; the other side may try again.
    this.#refuse(exchange, exchange.from.isEnded ? 487 : 491, {});
  }

  #broken(by: LegRole, error: unknown): void {
    this.#options.media.abandon();
    this.#options.logger.warn('an SDP answer could not be used', { error: errorMessage(error) });
    this.#options.broken(by, 'bad-answer');
  }

  #tellIdentities(role: LegRole, message: MessageLike): void {
    this.#options.sessionIds.learn(role, message);
    const identities = assertedIdentities(message);
    if (identities.length > 0) {
      this.#options.identityChanged(role, identities);
    }
  }

  #headersFor(exchange: PeerOffer, withSdp: boolean): Record<string, string> {
    return {
      ...passedHeaders(exchange.request, 'inDialog', isTrusted(exchange)),
      Allow: ALLOWED_METHODS,
      ...(withSdp ? { 'Content-Type': 'application/sdp' } : {}),
    };
  }

  #ownHeaders(from: CallLeg): Record<string, string> {
    return {
      Allow: ALLOWED_METHODS,
      ...(from.dialog.contact === null ? {} : { Contact: from.dialog.contact }),
      ...this.#options.sessionIds.toward(from.role),
    };
  }
}

/** RFC 3325 §4: identities go from one trusted peer to another. */
function isTrusted({ from, to }: PeerOffer): boolean {
  return from.isTrusted && to.isTrusted;
}

function gone(): SipError {
  return new SipError('REC_ERR_SIP_DIALOG_GONE', 'the call is over');
}

const silent = { final: () => undefined, failed: () => undefined };
