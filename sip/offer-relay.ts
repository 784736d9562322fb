import { errorMessage, type LegRole, type Logger } from '#core';
import { type CallLeg } from './call-leg';
import { type CallMedia } from './call-media';
import { ALLOWED_METHODS, passedHeaders } from './header-policy';
import { assertedIdentities } from './identity';
import { type Answered, type OfferOutcome } from './offer-queue';
import { type NameAddr } from './ports';
import { readSdpBody, refusalFor } from './sdp-body';
import { type MessageLike, type RequestLike, type ResponseLike } from './srf-types';
import { type UserAgent } from './user-agent';

export interface OfferRelayOptions {
  readonly userAgent: UserAgent;
  readonly logger: Logger;
  readonly media: CallMedia;
  /** The peer of a leg has asserted who it is (RFC 3325), in a request or an answer within the dialog. */
  readonly identityChanged: (role: LegRole, identities: readonly NameAddr[]) => void;
  /** The call cannot go on: one side has agreed to what the other has not, or its dialog is gone. */
  readonly broken: (by: LegRole, cause: 'bad-answer' | 'dialog-lost' | 'no-ack') => void;
}

interface Exchange {
  readonly from: CallLeg;
  readonly to: CallLeg;
  readonly request: RequestLike;
  readonly response: ResponseLike;
}

/**
 * Carries an offer of one leg to the other and the answer back (RFC 3261 §14, RFC 3311), with our media in both. The
 * offerer waits for the other side's word, a 491 included, so that glare is resolved between the two user agents
 * with their own timers.
 */
export class OfferRelay {
  readonly #options: OfferRelayOptions;

  constructor(options: OfferRelayOptions) {
    this.#options = options;
  }

  /** A re-INVITE or UPDATE has come on `from`. */
  relay(exchange: Exchange): void {
    const { from, to, request, response } = exchange;
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
      this.#relayBareUpdate(exchange);
      return;
    }
    const refusal = from.offers.admitPeerOffer();
    if (refusal !== null) {
      this.#options.userAgent.respond(response, refusal.status, { headers: refusal.headers });
      return;
    }
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
    const canUpdate = to.dialog.peerAllows?.has('UPDATE') === true;
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
      to.offers.agreed = { local: offer, remote: outcome.sdp ?? '' };
      from.offers.agreed = { local: answer, remote: readSdpBody(request) ?? '' };
      this.#answer(exchange, outcome.response, answer, {
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
          acknowledged: body => {
            const answer = this.#acknowledge(outcome, from.role, body);
            to.offers.agreed = { local: answer, remote: outcome.sdp ?? '' };
            from.offers.agreed = { local: offer, remote: body };
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
  #relayBareUpdate(exchange: Exchange): void {
    const { from, to, response } = exchange;
    if (to.dialog.peerAllows?.has('UPDATE') === true) {
      to.dialog.send('UPDATE', { headers: this.#headersFor(exchange, false) }, silent);
    }
    this.#options.userAgent.respond(response, 200, { headers: this.#ownHeaders(from) });
  }

  /** The ACK of one side, for the other; it must go out even when its answer is useless. */
  #acknowledge(outcome: Answered, answerer: LegRole, body: string): string {
    try {
      const answer = this.#options.media.answer(answerer, body, true);
      outcome.acknowledge(answer);
      return answer;
    } finally {
      outcome.acknowledge();
    }
  }

  /** 200 to the offerer. `acknowledged` gets the body of its ACK, for INVITE; `notSent`: it has cancelled. */
  #answer(
    exchange: Exchange,
    relayed: ResponseLike,
    body: string,
    then: { acknowledged(body: string): void; notSent(): void },
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
          ...passedHeaders(relayed, 'response', from.isTrusted),
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
          then.notSent();
        } else if (request.method === 'UPDATE') {
          from.offers.peerOfferDone();
        }
      },
    );
  }

  /** Offers a side what the other one has said last: after a cancelled offer, or for another peer over there. */
  restate(to: CallLeg): void {
    const { media, logger } = this.#options;
    to.offers
      .offer({
        method: 'INVITE',
        message: () => ({ body: media.restate(to.role) ?? '' }),
        expectsSdp: true,
        retryOn491: true,
      })
      .outcome.then(outcome => {
        if (outcome.kind === 'answered' && outcome.sdp !== null) {
          media.answer(to.role, outcome.sdp, true);
        } else {
          media.abandon();
        }
      })
      .catch((error: unknown) => {
        media.abandon();
        logger.warn('restating an offer failed', { error: errorMessage(error) });
      });
  }

  #refused(exchange: Exchange, relayed: ResponseLike): void {
    const { status } = relayed;
    this.#refuse(exchange, status, passedHeaders(relayed, 'response', exchange.from.isTrusted));
    if (status === 481 || status === 408) {
      // RFC 3261 §12.2.1.2: the dialog is gone, or its peer is.
      this.#options.broken(exchange.to.role, 'dialog-lost');
    }
  }

  #refuse(exchange: Exchange, status: number, headers: Readonly<Record<string, string>>): void {
    this.#options.userAgent.respond(exchange.response, status, { headers });
    exchange.from.offers.peerOfferDone();
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
    const identities = assertedIdentities(message);
    if (identities.length > 0) {
      this.#options.identityChanged(role, identities);
    }
  }

  #headersFor(exchange: Exchange, withSdp: boolean): Record<string, string> {
    return {
      ...passedHeaders(exchange.request, 'inDialog', exchange.to.isTrusted),
      Allow: ALLOWED_METHODS,
      ...(withSdp ? { 'Content-Type': 'application/sdp' } : {}),
    };
  }

  #ownHeaders(from: CallLeg): Record<string, string> {
    return {
      Allow: ALLOWED_METHODS,
      ...(from.dialog.contact === null ? {} : { Contact: from.dialog.contact }),
    };
  }
}

const silent = { final: () => undefined, failed: () => undefined };
