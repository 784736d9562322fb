import { randomBytes } from 'node:crypto';
import { type Timer } from '#core';
import {
  type EngineTransport,
  HeaderList,
  makeRequest,
  parseCSeq,
  parseNameAddr,
  parseSipUri,
  type SipRequest,
  type SipResponse,
  tagOf,
  type Target,
  withTag,
} from '#sip/engine';
import { LabError } from '../errors';
import { type IncomingRequest, type SipEndpoint, targetOf } from './sip-endpoint';

/** The state of a dialog (RFC 3261 §12). */
export interface DialogState {
  readonly callId: string;
  readonly localTag: string;
  readonly remoteTag: string;
  /** Our From in requests, with the tag. */
  readonly local: string;
  /** Their To in our requests, with the tag. */
  readonly remote: string;
  readonly remoteTarget: string;
  readonly routeSet: readonly string[];
  readonly localCSeq: number;
  readonly remoteCSeq: number | null;
  readonly transport: EngineTransport;
}

export function newTag(): string {
  return randomBytes(6).toString('hex');
}

/** The dialog that a response to our INVITE makes. @throws LabError when the response lacks its parts. */
export function dialogOfResponse(
  invite: SipRequest,
  response: SipResponse,
  transport: EngineTransport,
): DialogState {
  return {
    ...identity(response, 'from', 'to'),
    remoteTarget: contactOf(response) ?? invite.uri,
    // §12.1.2: the UAC takes the Record-Route in reverse order.
    routeSet: [...response.headers.getList('record-route')].reverse(),
    localCSeq: parseCSeq(invite.headers.get('cseq'))?.number ?? 1,
    remoteCSeq: null,
    transport,
  };
}

/** The dialog that we make by answering an INVITE with `localTag`. @throws LabError likewise. */
export function dialogOfRequest(
  request: SipRequest,
  localTag: string,
  transport: EngineTransport,
): DialogState {
  const headers = request.headers.clone();
  headers.set('To', withTag(headers.get('to') ?? '', localTag));
  const remoteTarget = contactOf(request);
  if (remoteTarget === null) {
    throw new LabError('REC_ERR_LAB_STATE', 'the INVITE has no Contact');
  }
  return {
    ...identity({ headers }, 'to', 'from'),
    remoteTarget,
    routeSet: request.headers.getList('record-route'),
    localCSeq: 0,
    remoteCSeq: parseCSeq(request.headers.get('cseq'))?.number ?? null,
    transport,
  };
}

/** One dialog of ours with its requests in both directions. */
export class Dialog {
  readonly #endpoint: SipEndpoint;
  readonly #contact: string;
  #state: DialogState;
  /** Repeats our 2xx until its ACK comes. */
  #awaitedAck: { cseq: number; timer: Timer; settle: (ack: SipRequest | null) => void } | null =
    null;
  /** Sends the ACK of our newest INVITE again. */
  #ackAgain: { cseq: number; send: () => void } | null = null;

  /** @param contact our Contact in every request of the dialog. */
  constructor(endpoint: SipEndpoint, state: DialogState, contact: string) {
    this.#endpoint = endpoint;
    this.#state = state;
    this.#contact = contact;
  }

  get state(): DialogState {
    return this.#state;
  }

  /** Whether a 2xx of ours still waits for its ACK. */
  get awaitsAck(): boolean {
    return this.#awaitedAck !== null;
  }

  /** Where our requests go: the first hop of the route set, or the remote target (§12.2.1.1). */
  get target(): Target {
    const [route] = this.#state.routeSet;
    const uri = route === undefined ? null : parseNameAddr(route)?.uri;
    return targetOf(uri ?? this.#state.remoteTarget, this.#state.transport);
  }

  /**
   * Sends a request and waits for its final response. A 2xx to an INVITE is acknowledged at once, with what
   * `ackBody` makes of it as the body, and again when it is repeated.
   */
  async request(
    method: string,
    options: {
      headers?: HeaderList;
      body?: string | Buffer;
      ackBody?: (response: SipResponse) => string;
      onProvisional?: (response: SipResponse) => void;
    } = {},
  ): Promise<SipResponse> {
    this.#state = { ...this.#state, localCSeq: this.#state.localCSeq + 1 };
    const cseq = this.#state.localCSeq;
    const request = this.#build(method, cseq, options.headers, options.body);
    const { response } = this.#endpoint.request(request, this.target, {
      ...(options.onProvisional === undefined ? {} : { onProvisional: options.onProvisional }),
      onRepeated: repeated => this.repeatedResponse(repeated),
    });
    const final = await response;
    if (final.status < 300 && (method === 'INVITE' || method === 'UPDATE')) {
      this.#refreshTarget(final);
    }
    if (final.status < 300 && method === 'INVITE') {
      this.acknowledge(cseq, options.ackBody?.(final));
    }
    return final;
  }

  /** Sends the ACK to a 2xx of our INVITE with that CSeq. */
  acknowledge(cseq: number, body?: string): void {
    const headers = body === undefined ? new HeaderList() : sdpHeaders();
    const ack = this.#build('ACK', cseq, headers, body ?? '');
    this.#ackAgain = { cseq, send: this.#endpoint.sendAck(ack, this.target) };
  }

  /** Answers a 2xx that came again: our ACK was lost (§13.2.2.4). */
  repeatedResponse(response: SipResponse): void {
    const cseq = parseCSeq(response.headers.get('cseq'));
    if (cseq?.method === 'INVITE' && cseq.number === this.#ackAgain?.cseq) {
      this.#ackAgain.send();
    }
  }

  /**
   * Checks a request's order and takes its new Contact (§12.2.2).
   * @returns false when it is older than one before: to be answered 500.
   */
  accept(request: SipRequest): boolean {
    const cseq = parseCSeq(request.headers.get('cseq'))?.number ?? 0;
    if (this.#state.remoteCSeq !== null && cseq <= this.#state.remoteCSeq) {
      return false;
    }
    this.#state = { ...this.#state, remoteCSeq: cseq };
    if (request.method === 'INVITE' || request.method === 'UPDATE') {
      this.#refreshTarget(request);
    }
    return true;
  }

  /**
   * Answers an INVITE with a 2xx and repeats it until the ACK comes.
   * @returns the ACK, or null when it did not come in 64*T1 (§13.3.1.4: then the dialog should be ended).
   */
  respondReliably(incoming: IncomingRequest, response: SipResponse): Promise<SipRequest | null> {
    const { clock, timers } = this.#endpoint;
    const cseq = parseCSeq(incoming.request.headers.get('cseq'))?.number ?? 0;
    const untilMs = clock.monotonicMs() + 64 * timers.t1Ms;
    this.#awaitedAck?.settle(null);
    return new Promise(resolve => {
      let intervalMs = timers.t1Ms;
      const settle = (ack: SipRequest | null): void => {
        this.#awaitedAck?.timer.cancel();
        this.#awaitedAck = null;
        resolve(ack);
      };
      const again = (): void => {
        if (clock.monotonicMs() >= untilMs) {
          settle(null);
          return;
        }
        incoming.transaction.respond(response);
        this.#awaitedAck = { cseq, settle, timer: clock.setTimer(intervalMs, again) };
        intervalMs = Math.min(2 * intervalMs, timers.t2Ms);
      };
      again();
    });
  }

  /** Takes an ACK. Repeated ones are nothing new. */
  ack(request: SipRequest): void {
    const cseq = parseCSeq(request.headers.get('cseq'))?.number;
    if (cseq === this.#awaitedAck?.cseq) {
      this.#awaitedAck?.settle(request);
    }
  }

  /** Stops waiting for an ACK. */
  end(): void {
    this.#awaitedAck?.settle(null);
  }

  #build(
    method: string,
    cseq: number,
    extraHeaders: HeaderList | undefined,
    body: string | Buffer | undefined,
  ): SipRequest {
    const { callId, local, remote, routeSet, remoteTarget } = this.#state;
    const headers = HeaderList.of(
      ['Max-Forwards', '70'],
      ['From', local],
      ['To', remote],
      ['Call-ID', callId],
      ['CSeq', `${cseq} ${method}`],
    );
    for (const route of routeSet) {
      headers.append('Route', route);
    }
    if (method !== 'ACK' && method !== 'BYE') {
      headers.append('Contact', this.#contact);
    }
    for (const entry of extraHeaders?.entries() ?? []) {
      headers.appendEntry(entry);
    }
    return makeRequest(method, remoteTarget, headers, body);
  }

  #refreshTarget(message: SipRequest | SipResponse): void {
    const remoteTarget = contactOf(message);
    if (remoteTarget !== null) {
      this.#state = { ...this.#state, remoteTarget };
    }
  }
}

export function sdpHeaders(): HeaderList {
  return HeaderList.of(['Content-Type', 'application/sdp']);
}

function identity(
  message: { headers: HeaderList },
  localSide: 'from' | 'to',
  remoteSide: 'from' | 'to',
): Pick<DialogState, 'callId' | 'localTag' | 'remoteTag' | 'local' | 'remote'> {
  const local = message.headers.get(localSide) ?? '';
  const remote = message.headers.get(remoteSide) ?? '';
  const callId = message.headers.get('call-id');
  const localTag = tagOf(local);
  if (callId === null || localTag === null) {
    throw new LabError('REC_ERR_LAB_STATE', 'the message makes no dialog');
  }
  // RFC 2543 peers may have no tag (§12.1.1).
  return { callId, localTag, remoteTag: tagOf(remote) ?? '', local, remote };
}

function contactOf(message: { headers: HeaderList }): string | null {
  const [contact] = message.headers.getList('contact');
  const uri = contact === undefined ? undefined : parseNameAddr(contact)?.uri;
  return uri === undefined || parseSipUri(uri) === null ? null : uri;
}
