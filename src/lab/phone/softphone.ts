import { randomUUID } from 'node:crypto';
import { type Clock, errorMessage, type Logger, type SrtpSuite } from '#core';
import {
  type ClientTlsOptions,
  type EngineTransport,
  HeaderList,
  makeRequest,
  makeResponse,
  parseSipUri,
  type ServerTls,
  type SipResponse,
  type TimerValues,
} from '#sip/engine';
import { type PcmSource } from '../audio/pcm';
import { type SpeechEncoding } from '../audio/speech-codec';
import { LabError } from '../errors';
import { dialogOfRequest, dialogOfResponse, newTag } from '../sip/dialog';
import {
  type IncomingRequest,
  SipEndpoint,
  type SipTap,
  tapped,
  targetOf,
} from '../sip/sip-endpoint';
import { reachableHost } from '../sip/reachable-host';
import { CallMedia } from './call-media';
import { IncomingCall, type IncomingCallHandler } from './incoming-call';
import { PhoneCall } from './phone-call';

/** A SIP endpoint on which many phones live, told apart by user part. */
export interface PhoneExchange {
  readonly endpoint: SipEndpoint;
  /** Requests to a user go to the phone that is registered here. */
  readonly phones: Map<string, (incoming: IncomingRequest) => void>;
  close(): Promise<void>;
}

export interface PhoneExchangeOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  /** IP literal to bind. */
  readonly host: string;
  /** 0 or absent: any free port. */
  readonly port?: number;
  readonly transports: readonly EngineTransport[];
  readonly timers?: Partial<TimerValues>;
  /** The certificate that it listens with over TLS. */
  readonly listenerTls?: ServerTls;
  /** TLS of its own connections. */
  readonly tls?: ClientTlsOptions;
  /** Sees every message of these sockets. */
  readonly tap?: SipTap;
}

/** Opens sockets that any number of softphones can share. @throws LabError `REC_ERR_LAB_BIND`. */
export async function openPhoneExchange(options: PhoneExchangeOptions): Promise<PhoneExchange> {
  const { clock, logger, host, timers, tap } = options;
  const phones: PhoneExchange['phones'] = new Map();
  const endpoint = await SipEndpoint.open({
    clock,
    logger,
    listeners: options.transports.map(transport => ({
      transport,
      host,
      port: options.port ?? 0,
      advertisedHost: reachableHost(host),
      ...(transport === 'tls' && options.listenerTls !== undefined
        ? { tls: options.listenerTls }
        : {}),
    })),
    ...(options.tls === undefined ? {} : { tls: options.tls }),
    ...(timers === undefined ? {} : { timers }),
    ...(tap === undefined ? {} : tapped(tap)),
    onRequest: incoming => {
      const user = parseSipUri(incoming.request.uri)?.user ?? '';
      // A phone that lives alone takes every call.
      const phone = phones.get(user) ?? (phones.size === 1 ? [...phones.values()][0] : undefined);
      if (phone === undefined) {
        incoming.transaction.respond(makeResponse(incoming.request, 404, { toTag: newTag() }));
      } else {
        phone(incoming);
      }
    },
  });
  return { endpoint, phones, close: () => endpoint.close() };
}

export interface SoftphoneOptions {
  /** User part of the phone's address, and what others call it. */
  readonly name: string;
  readonly displayName?: string;
  /** IP literal for signalling and media; of all addresses (`0.0.0.0`) one is told to others. */
  readonly host: string;
  /** SIP port; any free one by default. Ignored with `exchange`. */
  readonly port?: number;
  readonly transport: EngineTransport;
  /** What the phone says in each call. */
  readonly audio: PcmSource;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Sockets shared with other phones; the phone does not close them. */
  readonly exchange?: PhoneExchange;
  /** Calls of ours are offered as RTP/SAVP with this suite (RFC 4568). Default: plain RTP; offers of either kind are taken. */
  readonly srtp?: SrtpSuite;
  /** What it offers and takes, most preferred first. Default: PCMU, PCMA. */
  readonly codecs?: readonly SpeechEncoding[];
  /** Default true. */
  readonly telephoneEvents?: boolean;
  /** Keeps every RTP datagram of each call, for bit-exact comparison. Default false. */
  readonly capture?: boolean;
  readonly timers?: Partial<TimerValues>;
  /** The certificate that it listens with over TLS. */
  readonly listenerTls?: ServerTls;
  /** TLS of its own connections. */
  readonly tls?: ClientTlsOptions;
}

export interface CallOptions {
  /** Where the INVITE is sent, e.g. `sip:127.0.0.1:5060;transport=tcp`. Default: where the URI says. */
  readonly nextHop?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Our own offer by default; text of the test's making; null: an INVITE without an offer. */
  readonly offer?: string | null;
  /** What is said in this call, instead of the phone's audio. */
  readonly audio?: PcmSource;
  /** An unanswered call is given up after this. Default 60 s. */
  readonly ringTimeoutMs?: number;
  /** Default: random. */
  readonly callId?: string;
}

/** A scriptable SIP phone: G.711 and telephone-events, no registration. */
export interface Softphone {
  readonly name: string;
  /** A URI that reaches it. */
  readonly uri: string;
  /** Calls that have not ended. */
  readonly calls: readonly PhoneCall[];
  /** Sends an INVITE. Resolves as soon as it is out; `PhoneCall.waitFor()` tells what came of it. */
  call(uri: string, options?: CallOptions): Promise<PhoneCall>;
  /** Who takes calls; without a handler they are refused with 480. */
  onIncoming(handler: IncomingCallHandler): void;
  /** Hangs up every call and frees the sockets. Idempotent. */
  close(): Promise<void>;
}

const DEFAULT_RING_TIMEOUT_MS = 60_000;
/** Calls of one phone at a time. */
const MAX_CALLS = 1000;

/** @throws LabError `REC_ERR_LAB_BIND`. */
export async function createSoftphone(options: SoftphoneOptions): Promise<Softphone> {
  const exchange =
    options.exchange ?? (await openPhoneExchange({ ...options, transports: [options.transport] }));
  return new SipSoftphone(options, exchange);
}

class SipSoftphone implements Softphone {
  readonly name: string;
  readonly #options: SoftphoneOptions;
  readonly #exchange: PhoneExchange;
  readonly #calls = new Set<PhoneCall>();
  #handler: IncomingCallHandler | null = null;
  #isClosed = false;

  constructor(options: SoftphoneOptions, exchange: PhoneExchange) {
    this.name = options.name;
    this.#options = options;
    this.#exchange = exchange;
    exchange.phones.set(options.name, incoming => this.#onRequest(incoming));
  }

  get uri(): string {
    return this.#exchange.endpoint.uri(this.name, this.#options.transport);
  }

  get calls(): readonly PhoneCall[] {
    return [...this.#calls];
  }

  onIncoming(handler: IncomingCallHandler): void {
    this.#handler = handler;
  }

  async call(uri: string, options: CallOptions = {}): Promise<PhoneCall> {
    const target = targetOf(options.nextHop ?? uri, this.#options.transport);
    const { call, localTag } = await this.#newCall(
      'out',
      options.callId ?? randomUUID(),
      options.audio,
    );
    const body = options.offer === undefined ? call.offer() : (options.offer ?? '');
    const headers = HeaderList.of(
      ['Max-Forwards', '70'],
      ['From', `${this.#address};tag=${localTag}`],
      ['To', `<${uri}>`],
      ['Call-ID', call.callId],
      ['CSeq', '1 INVITE'],
      ['Contact', `<${this.uri}>`],
      ['Allow', 'INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, UPDATE'],
      ...Object.entries(options.headers ?? {}),
    );
    if (body !== '') {
      headers.append('Content-Type', 'application/sdp');
    }
    const invite = makeRequest('INVITE', uri, headers, body);
    const { endpoint } = this.#exchange;
    const sent = endpoint.request(invite, target, {
      onProvisional: response => call.progressed(response),
      onRepeated: response => call.onRepeatedResponse(response),
    });
    let isCancelled = false;
    const giveUp = this.#options.clock.setTimer(
      options.ringTimeoutMs ?? DEFAULT_RING_TIMEOUT_MS,
      () => void call.hangUp(),
    );
    const settled = sent.response
      .then(response => {
        if (response.status >= 300) {
          return isCancelled
            ? call.end({ by: 'us', status: response.status, reason: response.reason })
            : call.refused(response);
        }
        return this.#onAnswer(call, invite, response, options.offer === null, isCancelled);
      })
      .catch((error: unknown) =>
        call.end({ by: isCancelled ? 'us' : 'peer', status: 408, reason: errorMessage(error) }),
      )
      .finally(() => giveUp.cancel());
    call.hangUpAction = () => {
      isCancelled = true;
      endpoint.cancel(sent.transaction);
      return settled;
    };
    return call;
  }

  async close(): Promise<void> {
    if (this.#isClosed) {
      return;
    }
    this.#isClosed = true;
    this.#exchange.phones.delete(this.name);
    await Promise.all(this.calls.map(call => call.hangUp()));
    if (this.#options.exchange === undefined) {
      await this.#exchange.close();
    }
  }

  get #address(): string {
    const display = this.#options.displayName;
    const quoted = display === undefined ? '' : `"${display.replace(/(["\\])/g, '\\$1')}" `;
    return `${quoted}<sip:${this.name}@${this.#exchange.endpoint.address(this.#options.transport).host}>`;
  }

  async #newCall(
    direction: 'out' | 'in',
    callId: string,
    audio: PcmSource = this.#options.audio,
  ): Promise<{ call: PhoneCall; localTag: string }> {
    if (this.#isClosed || this.#calls.size >= MAX_CALLS) {
      throw new LabError('REC_ERR_LAB_STATE', `${this.name} can make no call`);
    }
    const { clock, logger, codecs, telephoneEvents, capture, srtp } = this.#options;
    const host = reachableHost(this.#options.host);
    const localTag = newTag();
    let call: PhoneCall | null = null;
    const media = await CallMedia.open({
      host,
      clock,
      audio,
      codecs: codecs ?? ['PCMU', 'PCMA'],
      ...(srtp === undefined ? {} : { srtp }),
      telephoneEvents: telephoneEvents ?? true,
      capture: capture ?? false,
      onReceived: () => call?.noteActivity(),
    });
    const created = new PhoneCall({
      endpoint: this.#exchange.endpoint,
      media,
      direction,
      callId,
      localTag,
      contact: `<${this.uri}>`,
      mediaHost: host,
      logger,
      onEnded: () => void this.#calls.delete(created),
    });
    call = created;
    this.#calls.add(created);
    return { call: created, localTag };
  }

  /** A 2xx to our INVITE: acknowledged whatever it says (RFC 3261 §13.2.2.4). */
  async #onAnswer(
    call: PhoneCall,
    invite: ReturnType<typeof makeRequest>,
    response: SipResponse,
    isOfferInResponse: boolean,
    isCancelled: boolean,
  ): Promise<void> {
    let ackBody: string | undefined;
    let problem: string | null = isCancelled ? 'the call was cancelled' : null;
    try {
      const sdp = response.body.toString('utf8');
      if (isOfferInResponse) {
        ackBody = call.answerTo(sdp);
      } else {
        call.takeRemote(sdp);
      }
    } catch (error) {
      problem ??= errorMessage(error);
    }
    const dialog = call.answered(
      dialogOfResponse(invite, response, this.#options.transport),
      response,
    );
    dialog.acknowledge(1, ackBody);
    if (problem !== null) {
      this.#options.logger.debug('hanging up at once', { cause: problem });
      await dialog.request('BYE').catch(() => null);
      await call.end({ by: 'us', status: isCancelled ? 487 : 488, reason: problem });
    }
  }

  #onRequest(incoming: IncomingRequest): void {
    const { request, transaction } = incoming;
    if (request.method !== 'INVITE') {
      const status = request.method === 'OPTIONS' ? 200 : 405;
      transaction.respond(makeResponse(request, status, { toTag: newTag() }));
      return;
    }
    if (this.#handler === null) {
      transaction.respond(makeResponse(request, 480, { toTag: newTag() }));
      return;
    }
    this.#takeCall(incoming, this.#handler).catch((error: unknown) => {
      this.#options.logger.warn('a call could not be taken', { cause: errorMessage(error) });
      transaction.respond(makeResponse(request, 500, { toTag: newTag() }));
    });
  }

  async #takeCall(incoming: IncomingRequest, handler: IncomingCallHandler): Promise<void> {
    const { request, transaction, source } = incoming;
    transaction.respond(makeResponse(request, 100));
    // The caller may give up while the ports are being opened.
    const early = { isCancelled: false };
    incoming.onCancelled = () => (early.isCancelled = true);
    const { call, localTag } = await this.#newCall('in', request.headers.get('call-id') ?? '');
    const dialog = dialogOfRequest(request, localTag, source.transport);
    const waiting = new IncomingCall({
      incoming,
      call,
      localTag,
      contact: `<${this.uri}>`,
      dialog,
      clock: this.#options.clock,
    });
    if (early.isCancelled) {
      waiting.cancelled();
    } else {
      handler(waiting);
    }
  }
}
