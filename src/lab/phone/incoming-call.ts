import { type Clock, type Timer } from '#core';
import { HeaderList, makeResponse, type SipRequest } from '#sip/engine';
import { type DialogState, sdpHeaders } from '../sip/dialog';
import { type IncomingRequest } from '../sip/sip-endpoint';
import { LabError } from '../errors';
import { type PhoneCall } from './phone-call';

/** Decides about a call that has arrived. Must not throw. */
export type IncomingCallHandler = (incoming: IncomingCall) => void;

export interface ResponseOptions {
  readonly reason?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A call that rings at a softphone. */
export class IncomingCall {
  readonly call: PhoneCall;
  readonly #incoming: IncomingRequest;
  readonly #localTag: string;
  readonly #contact: string;
  readonly #dialog: DialogState;
  readonly #clock: Clock;
  #isDecided = false;
  #timer: Timer | null = null;

  constructor(options: {
    incoming: IncomingRequest;
    call: PhoneCall;
    localTag: string;
    contact: string;
    dialog: DialogState;
    clock: Clock;
  }) {
    this.#incoming = options.incoming;
    this.call = options.call;
    this.#localTag = options.localTag;
    this.#contact = options.contact;
    this.#dialog = options.dialog;
    this.#clock = options.clock;
    options.incoming.onCancelled = () => this.cancelled();
    options.call.hangUpAction = () => {
      this.reject(480);
      return Promise.resolve();
    };
  }

  /** The INVITE. */
  get request(): SipRequest {
    return this.#incoming.request;
  }

  /** Runs `action` after a while, unless the call is decided before. */
  after(delayMs: number, action: () => void): void {
    this.#timer?.cancel();
    this.#timer = this.#clock.setTimer(delayMs, () => {
      if (!this.#isDecided) {
        action();
      }
    });
  }

  /**
   * Sends a provisional response.
   * @param options.earlyMedia answers the offer in it, and plays from now on (183, RFC 3960).
   */
  ring(status = 180, options: ResponseOptions & { earlyMedia?: boolean } = {}): void {
    if (this.#isDecided) {
      return;
    }
    const body = options.earlyMedia === true ? this.#answerBody() : '';
    this.#respond(status, body, options);
    this.call.rang();
    if (body !== '') {
      this.call.startEarlyMedia();
    }
  }

  /** Answers the call. A bad offer is refused with 488. */
  answer(options: ResponseOptions = {}): void {
    if (this.#isDecided) {
      return;
    }
    const isOfferless = this.#incoming.request.body.length === 0;
    let body: string;
    try {
      body = isOfferless ? this.call.offer() : this.#answerBody();
    } catch (error) {
      this.reject(error instanceof LabError && error.code === 'REC_ERR_LAB_BAD_SDP' ? 488 : 500);
      return;
    }
    this.#decide();
    const dialog = this.call.answered(this.#dialog, null);
    const response = this.#response(200, body, options);
    void dialog.respondReliably(this.#incoming, response).then(async ack => {
      if (ack === null) {
        // RFC 3261 §13.3.1.4: without an ACK the call is ended.
        await this.call.hangUp();
      } else if (isOfferless) {
        try {
          this.call.takeRemote(ack.body.toString('utf8'));
        } catch {
          await this.call.hangUp();
        }
      }
    });
  }

  /** Refuses the call. */
  reject(status: number, options: ResponseOptions = {}): void {
    if (!this.#isDecided) {
      this.#decide();
      this.#respond(status, '', options);
      void this.call.end({ by: 'us', status, reason: options.reason ?? '' });
    }
  }

  /** @internal The caller gave up (RFC 3261 §9.2). */
  cancelled(): void {
    if (!this.#isDecided) {
      this.#decide();
      this.#respond(487, '', {});
      void this.call.end({ by: 'peer', status: 487, reason: 'cancelled' });
    }
  }

  #decide(): void {
    this.#isDecided = true;
    this.#timer?.cancel();
  }

  #answerBody(): string {
    return this.call.answerTo(this.#incoming.request.body.toString('utf8'));
  }

  #respond(status: number, body: string, options: ResponseOptions): void {
    this.#incoming.transaction.respond(this.#response(status, body, options));
  }

  #response(
    status: number,
    body: string,
    options: ResponseOptions,
  ): ReturnType<typeof makeResponse> {
    const headers = body === '' ? new HeaderList() : sdpHeaders();
    headers.append('Contact', this.#contact);
    for (const [name, value] of Object.entries(options.headers ?? {})) {
      headers.set(name, value);
    }
    return makeResponse(this.#incoming.request, status, {
      toTag: this.#localTag,
      headers,
      body,
      ...(options.reason === undefined ? {} : { reason: options.reason }),
    });
  }
}

/** Rings for a while (ms), then answers. */
export function answerAfter(ringMs: number, options: ResponseOptions = {}): IncomingCallHandler {
  return incoming => {
    if (ringMs <= 0) {
      incoming.answer(options);
      return;
    }
    incoming.ring();
    incoming.after(ringMs, () => incoming.answer(options));
  };
}

/** Refuses at once. */
export function rejectWith(status: number, options: ResponseOptions = {}): IncomingCallHandler {
  return incoming => incoming.reject(status, options);
}

/** Rings and never answers. */
export const ringForever: IncomingCallHandler = incoming => incoming.ring();
