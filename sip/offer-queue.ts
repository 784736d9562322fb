import { type Clock, type Timer } from '#core';
import { SipError } from './errors';
import { readSdpBody } from './sdp-body';
import { type SipDialog } from './sip-dialog';
import { type ResponseLike } from './srf-types';
import { type PendingRequest } from './user-agent';

/** One offer/answer exchange that we begin. */
export interface LocalOffer {
  readonly method: 'INVITE' | 'UPDATE';
  /**
   * Gives the message when its turn has come. No body: the peer is to make the offer, in its 200 (INVITE only), and
   * the exchange lasts until {@link Answered.acknowledge}.
   */
  readonly message: () => {
    readonly body?: string;
    readonly headers?: Readonly<Record<string, string>>;
  };
  /** Whether the message carries an offer or asks for one; false for a metadata-only UPDATE. */
  readonly expectsSdp: boolean;
  /** Try again after a 491 by the timers of RFC 3261 §14.1; else the 491 is the outcome. */
  readonly retryOn491: boolean;
  readonly document?: string;
}

export interface Answered {
  readonly kind: 'answered';
  readonly response: ResponseLike;
  /** The SDP of the 200, or null. */
  readonly sdp: string | null;
  /** After an offerless INVITE: sends the ACK with our answer. Otherwise the ACK has gone, and this does nothing. */
  acknowledge(answer?: string): void;
}

export interface Refused {
  readonly kind: 'refused';
  readonly response: ResponseLike;
}

export type OfferOutcome = Answered | Refused;

export interface OfferQueueOptions {
  readonly dialog: SipDialog;
  readonly clock: Clock;
  /** 0 (inclusive) to 1 (exclusive). */
  readonly random: () => number;
}

interface Job {
  readonly offer: LocalOffer;
  readonly resolve: (outcome: OfferOutcome) => void;
  readonly reject: (error: SipError) => void;
  attempts: number;
  /** Set while it backs off after a 491. */
  backOff: Timer | null;
  pending: PendingRequest | null;
  isCancelled: boolean;
}

/** Both sides backing off at random meet again rarely; a peer that says 491 more often is not going to agree. */
const MAX_ATTEMPTS = 5;
const MAX_QUEUED = 32;
/** A 200 is retransmitted for 64·T1 (RFC 3261 §13.3.1.4); afterwards nobody waits for the ACK. */
const ACKNOWLEDGE_DEADLINE_MS = 32_000;

/**
 * One offer at a time per dialog, ours or the peer's (RFC 3264 §4, RFC 3261 §14): our offers wait in line, an
 * offer of the peer that crosses ours is to be answered 491, and a 491 for ours leads to a later attempt.
 */
export class OfferQueue {
  readonly #options: OfferQueueOptions;
  readonly #waiting: Job[] = [];
  #running: Job | null = null;
  #peerOfferTimer: Timer | null = null;
  #isPeerOfferAnswered = false;
  #isClosed = false;

  constructor(options: OfferQueueOptions) {
    this.#options = options;
  }

  /** Nothing is under way or waiting, in either direction. */
  get isIdle(): boolean {
    return this.#running === null && this.#waiting.length === 0 && this.#peerOfferTimer === null;
  }

  /** Whether an offer of ours would go now, or as soon as the peer has acknowledged an answer of ours. */
  get isOpenForOffer(): boolean {
    return (
      this.#running === null &&
      this.#waiting.length === 0 &&
      (this.#peerOfferTimer === null || this.#isPeerOfferAnswered)
    );
  }

  /**
   * Queues an offer of ours.
   * @returns outcome: rejects with `REC_ERR_SIP_DIALOG_GONE`, `_TIMEOUT`, `_NOT_SENT`, `_ENGINE_LOST`,
   *   `_BODY_TOO_LARGE`; cancel(): gives up waiting, or sends CANCEL
   */
  offer(offer: LocalOffer): { readonly outcome: Promise<OfferOutcome>; cancel(): void } {
    let job: Job | null = null;
    const outcome = new Promise<OfferOutcome>((resolve, reject) => {
      if (this.#isClosed || this.#waiting.length >= MAX_QUEUED) {
        reject(gone());
        return;
      }
      job = {
        offer,
        resolve,
        reject,
        attempts: 0,
        backOff: null,
        pending: null,
        isCancelled: false,
      };
      this.#waiting.push(job);
    });
    this.#pump();
    return {
      outcome,
      cancel: () => {
        if (job !== null) {
          this.#cancel(job);
        }
      },
    };
  }

  /**
   * Asks whether an offer (or an offerless re-INVITE) of the peer may be taken now. After `null` the owner must
   * call {@link peerOfferDone} when the exchange is over; the queue does so itself when that never comes.
   * @returns status and headers to refuse with, or null
   */
  admitPeerOffer(): { readonly status: number; readonly headers: Record<string, string> } | null {
    if (this.#peerOfferTimer !== null) {
      // RFC 3261 §14.2: a second INVITE before we have answered the first.
      const seconds = Math.floor(this.#options.random() * 11);
      return { status: 500, headers: { 'Retry-After': String(seconds) } };
    }
    if (this.#running !== null) {
      // RFC 3261 §14.2: crossing offers.
      return { status: 491, headers: {} };
    }
    this.#peerOfferTimer = this.#options.clock.setTimer(2 * ACKNOWLEDGE_DEADLINE_MS, () =>
      this.peerOfferDone(),
    );
    return null;
  }

  /** The peer's offer has got its answer; only the ACK is outstanding, and with it {@link peerOfferDone}. */
  peerOfferAnswered(): void {
    this.#isPeerOfferAnswered = this.#peerOfferTimer !== null;
  }

  /** The peer's exchange is over: answered and acknowledged, or refused. Idempotent. */
  peerOfferDone(): void {
    this.#peerOfferTimer?.cancel();
    this.#peerOfferTimer = null;
    this.#isPeerOfferAnswered = false;
    this.#pump();
  }

  /** The dialog has ended: everything that waits is rejected. Idempotent. */
  close(): void {
    this.#isClosed = true;
    this.#peerOfferTimer?.cancel();
    this.#peerOfferTimer = null;
    for (const job of this.#waiting.splice(0)) {
      job.backOff?.cancel();
      job.reject(gone());
    }
  }

  #pump(): void {
    const next = this.#waiting[0];
    if (next?.backOff !== null || this.#running !== null || this.#peerOfferTimer !== null) {
      return;
    }
    this.#waiting.shift();
    this.#running = next;
    next.attempts++;
    const { offer } = next;
    let message: ReturnType<LocalOffer['message']>;
    try {
      message = offer.message();
    } catch (error) {
      this.#running = null;
      next.reject(
        error instanceof SipError
          ? error
          : new SipError('REC_ERR_SIP_ABORTED', 'the offer could not be made', { cause: error }),
      );
      this.#pump();
      return;
    }
    const isOfferless =
      offer.method === 'INVITE' && (message.body ?? '') === '' && offer.expectsSdp;
    next.pending = this.#options.dialog.send(
      offer.method,
      { ...message, ...(offer.document === undefined ? {} : { document: offer.document }) },
      {
        final: (response, ack) => {
          if (response.status === 491 && this.#retryLater(next)) {
            return;
          }
          if (response.status >= 300) {
            this.#finish(next);
            next.resolve({ kind: 'refused', response });
            return;
          }
          this.#options.dialog.learn(response);
          this.#answered(next, response, body => ack(sdpMessage(body)), isOfferless);
        },
        failed: error => {
          this.#finish(next);
          next.reject(error);
        },
      },
    );
  }

  #answered(
    job: Job,
    response: ResponseLike,
    sendAck: (body?: string) => void,
    isOfferless: boolean,
  ): void {
    let isAcknowledged = false;
    const acknowledge = (answer?: string): void => {
      if (!isAcknowledged) {
        isAcknowledged = true;
        deadline?.cancel();
        if (job.offer.method === 'INVITE') {
          sendAck(answer);
        }
        this.#finish(job);
      }
    };
    const deadline = isOfferless
      ? this.#options.clock.setTimer(ACKNOWLEDGE_DEADLINE_MS, () => acknowledge())
      : null;
    if (!isOfferless) {
      acknowledge();
    }
    job.resolve({ kind: 'answered', response, sdp: sdpOrNull(response), acknowledge });
  }

  /** RFC 3261 §14.1: 2.1–4 s for whoever owns the Call-ID, 0–2 s for the other, in steps of 10 ms. */
  #retryLater(job: Job): boolean {
    if (
      !job.offer.retryOn491 ||
      job.attempts >= MAX_ATTEMPTS ||
      job.isCancelled ||
      this.#isClosed
    ) {
      return false;
    }
    const { random, dialog, clock } = this.#options;
    const delayMs =
      dialog.role === 'uac'
        ? 2_100 + 10 * Math.floor(random() * 191)
        : 10 * Math.floor(random() * 201);
    // It keeps its place at the head: later offers supersede it, they must not be overtaken by it.
    this.#waiting.unshift(job);
    job.backOff = clock.setTimer(delayMs, () => {
      job.backOff = null;
      this.#pump();
    });
    this.#running = null;
    job.pending = null;
    return true;
  }

  #cancel(job: Job): void {
    job.isCancelled = true;
    job.pending?.cancel();
    const at = this.#waiting.indexOf(job);
    if (at !== -1) {
      this.#waiting.splice(at, 1);
      job.backOff?.cancel();
      job.reject(new SipError('REC_ERR_SIP_ABORTED', 'the offer was given up before it was sent'));
      this.#pump();
    }
  }

  #finish(job: Job): void {
    if (this.#running === job) {
      this.#running = null;
      this.#pump();
    }
  }
}

/** Body and header of a message that carries SDP, or nothing. */
export function sdpMessage(body: string | undefined): {
  headers?: Record<string, string>;
  body?: string;
} {
  return body === undefined ? {} : { headers: { 'Content-Type': 'application/sdp' }, body };
}

function sdpOrNull(response: ResponseLike): string | null {
  try {
    return readSdpBody(response);
  } catch {
    return null;
  }
}

function gone(): SipError {
  return new SipError('REC_ERR_SIP_DIALOG_GONE', 'the dialog has ended');
}
