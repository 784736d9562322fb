import { ownString } from '#core';
import {
  HeaderList,
  parseCSeq,
  parseNameAddr,
  parseNumber,
  type SipRequest,
  type SipResponse,
  tagOf,
  withTag,
} from '../message';
import { type MessageSource, type Target } from '../transport';
import { addressBy } from './route-set';
import { isBehindNat } from './target';

/** How many routes a peer may make us carry. */
const MAX_ROUTES = 30;

/** The headers and the address of a request inside a dialog, before a method is put to it. */
export interface DialogRequest {
  readonly requestUri: string;
  readonly nextHop: string;
  /** Set when the way is known from the peer's own packets (NAT). */
  readonly fixedTarget: Target | null;
  /** Max-Forwards, Route, From, To, Call-ID, CSeq. */
  readonly headers: HeaderList;
}

interface DialogParts {
  readonly callId: string;
  readonly localTag: string;
  readonly remoteTag: string;
  readonly localAddress: string;
  readonly remoteAddress: string;
  readonly routeSet: readonly string[];
  readonly localSequence: number;
  readonly remoteSequence: number | null;
}

/** State of one dialog (RFC 3261 §12). What it means to the application is the leg's business. */
export class Dialog {
  readonly callId: string;
  readonly localTag: string;
  readonly remoteTag: string;
  readonly #localAddress: string;
  readonly #remoteAddress: string;
  #routeSet: readonly string[];
  #localSequence: number;
  #remoteSequence: number | null;
  #remoteTarget: string | null = null;
  #natTarget: Target | null = null;

  private constructor(parts: DialogParts) {
    this.callId = ownString(parts.callId);
    this.localTag = ownString(parts.localTag);
    this.remoteTag = ownString(parts.remoteTag);
    this.#localAddress = ownString(parts.localAddress);
    this.#remoteAddress = ownString(parts.remoteAddress);
    this.#routeSet = ownRoutes(parts.routeSet);
    this.#localSequence = parts.localSequence;
    this.#remoteSequence = parts.remoteSequence;
  }

  /** UAS side (§12.1.1). `localTag` is the tag that we answer with. */
  static ofServer(invite: SipRequest, localTag: string, source: MessageSource): Dialog {
    const { headers } = invite;
    const dialog = new Dialog({
      callId: headers.get('call-id') ?? '',
      localTag,
      remoteTag: tagOf(headers.get('from')) ?? '',
      localAddress: withTag(headers.get('to') ?? '', localTag),
      remoteAddress: headers.get('from') ?? '',
      routeSet: headers.getList('record-route'),
      localSequence: 0,
      remoteSequence: parseCSeq(headers.get('cseq'))?.number ?? 0,
    });
    dialog.refreshTarget(headers, source);
    return dialog;
  }

  /** UAC side (§12.1.2). The response has a To tag, possibly the empty one of RFC 2543. */
  static ofClient(invite: SipRequest, response: SipResponse, source: MessageSource): Dialog {
    const { headers } = response;
    const dialog = new Dialog({
      callId: invite.headers.get('call-id') ?? '',
      localTag: tagOf(invite.headers.get('from')) ?? '',
      remoteTag: tagOf(headers.get('to')) ?? '',
      localAddress: invite.headers.get('from') ?? '',
      remoteAddress: headers.get('to') ?? '',
      routeSet: [...headers.getList('record-route')].reverse(),
      localSequence: parseCSeq(invite.headers.get('cseq'))?.number ?? 0,
      remoteSequence: null,
    });
    dialog.refreshTarget(headers, source);
    return dialog;
  }

  /** Whether requests can be sent: the peer gave a Contact. */
  get isReachable(): boolean {
    return this.#remoteTarget !== null;
  }

  /** A Contact of a target refresh request or its 2xx (§12.2). Without one the target stays. */
  refreshTarget(headers: HeaderList, source: MessageSource): void {
    const contact = parseNameAddr(headers.getList('contact')[0] ?? '');
    if (contact === null) {
      return;
    }
    this.#remoteTarget = ownString(contact.uri);
    this.#natTarget =
      this.#routeSet.length === 0 && isBehindNat(contact.uri, source)
        ? { transport: source.transport, host: source.remoteHost, port: source.remotePort }
        : null;
  }

  /** The 2xx confirms a dialog that a 1xx began: its route set counts (§13.2.2.4). */
  refreshRoutes(response: SipResponse): void {
    const routes = [...response.headers.getList('record-route')].reverse();
    this.#routeSet = ownRoutes(routes);
  }

  /** Checks and notes the CSeq of a peer's request. @returns false: out of order (§12.2.2: 500) */
  acceptSequence(request: SipRequest): boolean {
    const { number } = parseCSeq(request.headers.get('cseq')) ?? { number: 0 };
    if (this.#remoteSequence !== null && number < this.#remoteSequence) {
      return false;
    }
    this.#remoteSequence = number;
    return true;
  }

  /** The CSeq number of a request that is sent again with a new one (RFC 3261 §8.1.3.5). */
  takeSequence(): number {
    return ++this.#localSequence;
  }

  /**
   * The frame of a new request in this dialog. ACK has the CSeq number of its INVITE, which is given
   * (§13.2.2.4); any other method takes the next number.
   */
  nextRequest(method: string, maxForwards: string | null, ackOf?: number): DialogRequest {
    const sequence = ackOf ?? ++this.#localSequence;
    const { requestUri, routes, nextHop } = addressBy(this.#routeSet, this.#remoteTarget ?? '');
    const hops = maxForwards === null ? null : parseNumber(maxForwards, 255);
    const headers = HeaderList.of(['Max-Forwards', String(hops ?? 70)]);
    for (const route of routes) {
      headers.append('Route', route);
    }
    headers
      .append('From', this.#localAddress)
      .append('To', this.#remoteAddress)
      .append('Call-ID', this.callId)
      .append('CSeq', `${sequence} ${method}`);
    return { requestUri, nextHop, fixedTarget: this.#natTarget, headers };
  }
}

/** Of its own: a dialog outlives the message that its routes came in. */
function ownRoutes(routes: readonly string[]): readonly string[] {
  return routes.slice(0, MAX_ROUTES).map(ownString);
}
