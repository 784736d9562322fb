import { errorMessage, ownString, type Timer } from '#core';
import { type DigestClient } from './digest';
import { SipError } from './errors';
import { allowedMethods } from './identity';
import {
  type InDialogHandler,
  type MessageLike,
  type RequestLike,
  type ResponseLike,
} from './srf-types';
import { type PendingRequest, type ResponseHandlers, type UserAgent } from './user-agent';

/** What a dialog's owner does with the peer's requests. Each must answer its request. */
export interface DialogOwner {
  /** re-INVITE, or UPDATE with an offer or without. */
  offerReceived(request: RequestLike, response: ResponseLike): void;
  /** Anything else but ACK, BYE, PRACK. */
  requestReceived(request: RequestLike, response: ResponseLike): void;
  /** The peer (or, after a lost ACK, the engine) has ended the dialog; the BYE is answered. */
  byeReceived(bye: { readonly request: RequestLike; readonly byEngine: boolean }): void;
  /** ACK of a 2xx of ours; its body answers an offer that the 2xx carried. */
  ackReceived?(body: string): void;
  /** The connection to the engine is gone, and the dialog with it. */
  engineLost?(): void;
}

export interface SipDialogOptions {
  readonly userAgent: UserAgent;
  readonly id: string;
  readonly sipCallId: string;
  /** `uas`: the peer created the dialog, and our requests wait for the ACK of our 200. */
  readonly role: 'uas' | 'uac';
  /** Our Contact as sent; repeated in target refresh requests and their answers (RFC 3261 §12.2). */
  readonly contact: string | null;
  /** Our tag and the peer's (RFC 3261 §12); absent where nobody will ask. */
  readonly tags?: { readonly local: string; readonly remote: string };
  readonly socket: unknown;
  readonly owner: DialogOwner;
  /** Answers challenges of the peer to requests of ours. */
  readonly digest?: DigestClient;
}

/** How long requests toward a caller wait for the ACK of the 200: 64·T1, then the engine ends the dialog. */
const ACK_WAIT_MS = 33_000;
/** Longer than any transaction of the engine (64·T1). */
const REQUEST_DEADLINE_MS = 36_000;

/**
 * An INVITE dialog as the application sees it, registered with drachtio-srf under the engine's dialog id. It replaces
 * srf's own Dialog, which answers re-INVITEs by itself, loses the last SDP, and stops forever after a 491.
 */
export class SipDialog implements InDialogHandler {
  readonly dialogType = 'INVITE';
  readonly id: string;
  readonly sipCallId: string;
  readonly role: 'uas' | 'uac';
  readonly tags: { readonly local: string; readonly remote: string };
  contact: string | null;
  /** Whether the peer says that it takes UPDATE (RFC 3311 §4); null: not said. */
  peerAllowsUpdate: boolean | null = null;
  /** Headers that every request of ours carries unless it has its own. */
  stamp: () => Readonly<Record<string, string>> = () => ({});
  readonly #options: Pick<SipDialogOptions, 'userAgent' | 'socket' | 'owner' | 'digest'>;
  #state: 'early' | 'open' | 'ending' | 'gone';
  #acknowledged: boolean;
  #waitingForAck: (() => void)[] = [];
  #ackTimer: Timer | null = null;

  constructor(options: SipDialogOptions) {
    const { userAgent, socket, owner, digest } = options;
    this.#options = { userAgent, socket, owner, ...(digest === undefined ? {} : { digest }) };
    this.id = ownString(options.id);
    this.sipCallId = ownString(options.sipCallId);
    this.role = options.role;
    const { local, remote } = options.tags ?? { local: '', remote: '' };
    this.tags = { local: ownString(local), remote: ownString(remote) };
    this.contact = options.contact === null ? null : ownString(options.contact);
    this.#state = options.role === 'uas' ? 'early' : 'open';
    this.#acknowledged = options.role === 'uac';
    userAgent.addDialog(this);
  }

  get isGone(): boolean {
    return this.#state === 'gone';
  }

  /** Our 200 has been sent: the dialog is confirmed from our side. */
  confirm(contact: string | null): void {
    this.contact = contact === null ? null : ownString(contact);
    if (this.#state === 'early') {
      this.#state = 'open';
    }
  }

  /** Remembers what the peer says about itself. */
  learn(message: MessageLike): void {
    this.peerAllowsUpdate = allowedMethods(message)?.has('UPDATE') ?? this.peerAllowsUpdate;
  }

  /** Called by drachtio-srf. Never throws. */
  handle(request: RequestLike, response: ResponseLike): void {
    try {
      this.#dispatch(request, response);
    } catch (error) {
      this.#options.userAgent.logger.error('handling a request within a dialog failed', {
        method: request.method,
        error: errorMessage(error),
      });
      if (request.method !== 'ACK' && !response.finalResponseSent) {
        this.#options.userAgent.respond(response, 500);
      }
    }
  }

  /**
   * Sends a request within the dialog; toward a caller that has not acknowledged our 200 yet, as soon as it has
   * (RFC 3261 §15: not even BYE may go before).
   */
  send(
    method: string,
    message: {
      readonly headers?: Readonly<Record<string, string>>;
      readonly body?: string;
      readonly document?: string;
      readonly finalDeadlineMs?: number;
    },
    handlers: ResponseHandlers,
  ): PendingRequest {
    let pending: PendingRequest | null = null;
    let cancelHeaders: Readonly<Record<string, string>> | null = null;
    const challenges = this.#options.digest?.newRequest();
    const transmit = (authorizations: Readonly<Record<string, string>>): void => {
      let uri = '';
      pending = this.#options.userAgent.send(
        {
          method,
          dialogId: this.id,
          socket: this.#options.socket,
          headers: {
            ...this.stamp(),
            ...message.headers,
            ...authorizations,
            ...(this.contact !== null && (method === 'INVITE' || method === 'UPDATE')
              ? { Contact: this.contact }
              : {}),
          },
          finalDeadlineMs: message.finalDeadlineMs ?? REQUEST_DEADLINE_MS,
          ...(message.body === undefined ? {} : { body: message.body }),
          ...(message.document === undefined ? {} : { document: message.document }),
        },
        {
          ...handlers,
          sent: request => {
            uri = request.uri;
            handlers.sent?.(request);
          },
          final: (response, ack) => {
            const answer =
              cancelHeaders === null && this.#state !== 'gone'
                ? challenges?.answer(response, { method, uri })
                : null;
            if (answer === null || answer === undefined) {
              handlers.final(response, ack);
            } else {
              transmit({ ...authorizations, ...answer });
            }
          },
        },
      );
      if (cancelHeaders !== null) {
        pending.cancel(cancelHeaders);
      }
    };
    this.#whenAcknowledged(() => {
      if (this.#state === 'gone') {
        // Never from within send(): its caller does not hold the result yet.
        queueMicrotask(() =>
          handlers.failed(new SipError('REC_ERR_SIP_DIALOG_GONE', 'the dialog has ended')),
        );
        return;
      }
      transmit({});
    });
    return {
      cancel: headers => {
        cancelHeaders = headers ?? {};
        pending?.cancel(cancelHeaders);
      },
    };
  }

  /**
   * Ends the dialog with BYE and resolves when it is answered or the deadline has passed; the engine goes on
   * retransmitting by itself. Never rejects; harmless on a dialog that is gone.
   */
  bye(
    message: { readonly headers?: Readonly<Record<string, string>>; readonly body?: string },
    deadlineMs: number,
  ): Promise<void> {
    if (this.#state === 'gone' || this.#state === 'ending') {
      return Promise.resolve();
    }
    const wasEarly = this.#state === 'early';
    this.#state = 'ending';
    return new Promise(resolve => {
      const finish = (): void => {
        this.close();
        resolve();
      };
      if (wasEarly) {
        // An early dialog of a caller ends with the INVITE's final response.
        finish();
        return;
      }
      const sendBye = (body: string | undefined): void => {
        const { headers } = message;
        this.send(
          'BYE',
          {
            ...(headers === undefined ? {} : { headers }),
            ...(body === undefined ? {} : { body }),
            finalDeadlineMs: deadlineMs,
          },
          {
            final: finish,
            failed: error => {
              if (error.code === 'REC_ERR_SIP_BODY_TOO_LARGE' && body !== undefined) {
                // Better a BYE without its document than no BYE.
                sendBye(undefined);
              } else {
                finish();
              }
            },
          },
        );
      };
      sendBye(message.body);
    });
  }

  engineLost(): void {
    if (this.#state !== 'gone') {
      this.close();
      this.#options.owner.engineLost?.();
    }
  }

  /** The dialog is gone: no request of it is handled any more. Idempotent. */
  close(): void {
    if (this.#state !== 'gone') {
      this.#state = 'gone';
      this.#ackTimer?.cancel();
      this.#options.userAgent.removeDialog(this);
      this.#release();
    }
  }

  #dispatch(request: RequestLike, response: ResponseLike): void {
    const { userAgent, owner } = this.#options;
    const { method } = request;
    if (method === 'ACK') {
      this.#acknowledged = true;
      this.#release();
      owner.ackReceived?.(request.body ?? '');
    } else if (method === 'BYE') {
      const wasOpen = this.#state !== 'ending';
      userAgent.respond(response, 200);
      this.close();
      if (wasOpen) {
        owner.byeReceived({ request, byEngine: request.source === 'application' });
      }
    } else if (this.#state === 'ending') {
      // RFC 3261 §15.1.2: after BYE the dialog takes nothing any more.
      userAgent.respond(response, 481);
    } else if (method === 'INVITE' || method === 'UPDATE') {
      this.learn(request);
      if (method === 'INVITE') {
        userAgent.watchUpdates(request);
      }
      owner.offerReceived(request, response);
    } else if (method === 'PRACK') {
      // We send no reliable provisional responses that a PRACK could match (RFC 3262 §3).
      userAgent.respond(response, 481);
    } else {
      owner.requestReceived(request, response);
    }
  }

  #whenAcknowledged(run: () => void): void {
    if (this.#acknowledged || this.#state === 'gone') {
      run();
      return;
    }
    this.#waitingForAck.push(run);
    this.#ackTimer ??= this.#options.userAgent.clock.setTimer(ACK_WAIT_MS, () => this.close());
  }

  #release(): void {
    this.#ackTimer?.cancel();
    this.#ackTimer = null;
    const waiting = this.#waitingForAck;
    this.#waitingForAck = [];
    for (const run of waiting) {
      run();
    }
  }
}
