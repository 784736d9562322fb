import { randomBytes } from 'node:crypto';
import { type Timer } from '#core';
import { DigestClient, type DigestRequest } from './digest';
import { type SipError } from './errors';
import { contactOf } from './incoming-invite';
import { tagOf } from './name-addr';
import { sdpMessage } from './offer-queue';
import { type CallTarget } from './ports';
import { reasonHeaders } from './reason';
import { type DialogOwner, SipDialog } from './sip-dialog';
import {
  type AckFunction,
  type MessageLike,
  type RequestLike,
  type ResponseLike,
} from './srf-types';
import { type CallTimeouts } from './timeouts';
import { type PendingRequest, type UserAgent } from './user-agent';

/** Why a target did not answer. */
export interface InviteFailure {
  /** SIP status for the caller; made up where there was no response. */
  readonly status: number;
  readonly response: ResponseLike | null;
  readonly cause: 'refused' | 'timeout' | 'unreachable' | 'engine-lost';
  /** Why nothing was sent, or nothing came. */
  readonly error?: SipError;
}

/** How an INVITE of ours fares. `answered` or `failed` is called at most once, nothing after cancel(). */
export interface OutgoingInviteEvents {
  progressed(response: ResponseLike): void;
  /** The 2xx is not acknowledged yet: the owner must call `ack` (the first call counts) and take the dialog over. */
  answered(answer: {
    readonly response: ResponseLike;
    readonly dialog: SipDialog;
    ack(body?: string): void;
  }): void;
  failed(failure: InviteFailure): void;
}

export interface InviteMessage {
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** After CANCEL the final response is due within 64·T1 (RFC 3261 §9.1); the engine makes up a 408 by then. */
const CANCEL_DEADLINE_MS = 40_000;

/**
 * One INVITE to one target (RFC 3261 §13.2). After {@link cancel} it looks after itself: a 2xx that comes all the
 * same is acknowledged and ended with BYE.
 */
export class OutgoingInvite {
  readonly target: CallTarget;
  readonly #userAgent: UserAgent;
  readonly #timeouts: Pick<CallTimeouts, 'ringMs' | 'byeMs'>;
  readonly #events: OutgoingInviteEvents;
  readonly #owner: DialogOwner;
  /** null: the final response is there, and nothing is sent any more. */
  #message: InviteMessage | null;
  readonly #document: string;
  readonly #digest: DigestClient | null;
  #challenges: DigestRequest | null = null;
  #authorizations: Readonly<Record<string, string>> = {};
  #pending: PendingRequest | null;
  #sent: RequestLike | null = null;
  #timer: Timer | null = null;
  #isRinging = false;
  #isOver = false;

  constructor(options: {
    userAgent: UserAgent;
    timeouts: Pick<CallTimeouts, 'ringMs' | 'byeMs'>;
    target: CallTarget;
    message: InviteMessage;
    /** What the message is, for errors. */
    document: string;
    events: OutgoingInviteEvents;
    owner: DialogOwner;
  }) {
    this.target = options.target;
    this.#userAgent = options.userAgent;
    this.#timeouts = options.timeouts;
    this.#events = options.events;
    this.#owner = options.owner;
    this.#timer = this.#userAgent.clock.setTimer(this.target.answerTimeoutMs, () =>
      this.#timedOut(),
    );
    this.#message = options.message;
    this.#document = options.document;
    const { credentials } = options.target;
    this.#digest =
      credentials === undefined
        ? null
        : new DigestClient(credentials, () => randomBytes(8).toString('hex'));
    this.#pending = this.#send({});
  }

  #send(more: Readonly<Record<string, string>>): PendingRequest {
    const { headers, body } = this.#message ?? { headers: {} };
    return this.#userAgent.send(
      {
        method: 'INVITE',
        uri: this.target.requestUri,
        nextHop: this.target.nextHop,
        headers: { ...(this.#digest === null ? headers : withoutCredentials(headers)), ...more },
        ...(body === undefined ? {} : { body }),
        finalDeadlineMs: this.target.answerTimeoutMs + this.#timeouts.ringMs + CANCEL_DEADLINE_MS,
        document: this.#document,
      },
      {
        sent: request => {
          this.#sent = request;
        },
        provisional: response => this.#provisional(response),
        final: (response, ack) => this.#final(response, ack),
        failed: error => this.#failed(error),
      },
    );
  }

  /** Gives up: no event comes any more. Idempotent. */
  cancel(reason: string | null = null): void {
    if (!this.#isOver) {
      this.#end();
      this.#pending?.cancel(reasonHeaders(reason));
    }
  }

  #provisional(response: ResponseLike): void {
    if (response.status === 100 || this.#isOver) {
      return;
    }
    if (!this.#isRinging) {
      this.#isRinging = true;
      this.#timer?.cancel();
      this.#timer = this.#userAgent.clock.setTimer(this.#timeouts.ringMs, () => this.#timedOut());
    }
    this.#events.progressed(response);
  }

  #final(response: ResponseLike, ack: AckFunction): void {
    if (response.status >= 300) {
      const authorization = this.#isOver ? null : this.#answerTo(response);
      if (authorization !== null) {
        this.#authorizations = { ...this.#authorizations, ...authorization };
        this.#pending = this.#send({ ...this.#authorizations, ...sameCallAgain(this.#sent) });
        return;
      }
      this.#letGo();
      if (this.#end()) {
        const { status } = response;
        this.#events.failed({ status, response, cause: causeOf(response) });
      }
      return;
    }
    const sent = this.#sent;
    this.#letGo();
    const dialog = new SipDialog({
      userAgent: this.#userAgent,
      id: response.stackDialogId ?? '',
      sipCallId: response.get('call-id') ?? '',
      role: 'uac',
      contact: sent === null ? null : contactOf(sent),
      tags: { local: tagOf(response.get('from')), remote: tagOf(response.get('to')) },
      socket: sent?.socket,
      ...(this.#digest === null ? {} : { digest: this.#digest }),
      owner: this.#owner,
    });
    dialog.learn(response);
    if (!this.#end()) {
      // RFC 3261 §9.1: the 2xx has crossed our CANCEL. The ACK comes first (§13.2.2.4).
      ack();
      void dialog.bye({}, this.#timeouts.byeMs);
      return;
    }
    let isAcknowledged = false;
    this.#events.answered({
      response,
      dialog,
      ack: body => {
        if (!isAcknowledged) {
          isAcknowledged = true;
          ack(sdpMessage(body));
        }
      },
    });
  }

  /** RFC 3261 §22.1: the request is sent again as a new one with the answer to its challenge. */
  #answerTo(response: ResponseLike): Record<string, string> | null {
    const uri = this.#sent?.uri ?? this.target.requestUri;
    this.#challenges ??= this.#digest?.newRequest() ?? null;
    return this.#challenges?.answer(response, { method: 'INVITE', uri }) ?? null;
  }

  #failed(error: SipError): void {
    if (this.#end()) {
      this.#events.failed(
        error.code === 'REC_ERR_SIP_ENGINE_LOST'
          ? { status: 503, response: null, cause: 'engine-lost', error }
          : error.code === 'REC_ERR_SIP_TIMEOUT'
            ? { status: 408, response: null, cause: 'timeout', error }
            : { status: 503, response: null, cause: 'unreachable', error },
      );
    }
  }

  #timedOut(): void {
    if (this.#end()) {
      this.#pending?.cancel();
      this.#events.failed({ status: 408, response: null, cause: 'timeout' });
    }
  }

  /** The call may go on for hours, with this in the hands of its owner: the messages of its INVITE are not kept. */
  #letGo(): void {
    this.#message = null;
    this.#sent = null;
    this.#pending = null;
  }

  #end(): boolean {
    this.#timer?.cancel();
    this.#timer = null;
    const wasRunning = !this.#isOver;
    this.#isOver = true;
    return wasRunning;
  }
}

/**
 * What a request that is sent again after a challenge has in common with the one before (RFC 3261 §8.1.3.5, §22.2): Call-ID and
 * From, and the next sequence number. Empty when nothing is known of that.
 */
export function sameCallAgain(sent: MessageLike | null): Record<string, string> {
  const callId = sent?.get('call-id');
  const from = sent?.get('from');
  const [, sequence, method] = /^\s*(\d+)\s+(\S+)/.exec(sent?.get('cseq') ?? '') ?? [];
  return callId === undefined || from === undefined || sequence === undefined
    ? {}
    : { 'Call-ID': callId, From: from, CSeq: `${Number(sequence) + 1} ${method ?? ''}` };
}

/** Where we answer challenges ourselves, what the caller has for somebody else must not get in the way. */
function withoutCredentials(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).filter(([name]) => !/^(?:proxy-)?authorization$/i.test(name)),
  );
}

/** The engine makes up a 408 when nothing comes, and a 503 when nobody listens; then there is no source address. */
function causeOf(response: ResponseLike): InviteFailure['cause'] {
  if ((response.source_address ?? '') !== '') {
    return 'refused';
  }
  return response.status === 408 ? 'timeout' : response.status === 503 ? 'unreachable' : 'refused';
}

/** Whether the next target may have better luck: 408, 5xx, or nothing at all; a refusal by the user is final. */
export function isRetriable(failure: InviteFailure): boolean {
  return (
    failure.cause !== 'engine-lost' &&
    (failure.status === 408 || (failure.status >= 500 && failure.status < 600))
  );
}
