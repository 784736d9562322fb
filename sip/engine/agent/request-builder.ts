import {
  HeaderList,
  makeRequest,
  parseCSeq,
  parseNumber,
  type SipRequest,
  tagOf,
  withTag,
} from '../message';
import {
  isSips,
  outgoingHeaders,
  ownContact,
  type OwnAddress,
  replaceLocalhost,
} from './app-headers';
import { type AgentContext } from './context';

/** Requests that need a Contact (RFC 3261 table 2, RFC 3311, RFC 3515, RFC 6665). */
const CONTACT_METHODS: ReadonlySet<string> = new Set([
  'INVITE',
  'UPDATE',
  'SUBSCRIBE',
  'NOTIFY',
  'REFER',
]);

/** Completes what applications ask to be sent (RFC 3261 §8.1.1). */
export class RequestBuilder {
  readonly #context: AgentContext;
  #nextSequence: number;

  constructor(context: AgentContext) {
    this.#context = context;
    // §8.1.1.5: time-based, with room for 2^31 to stay far away.
    this.#nextSequence = Math.floor(context.clock.wallNowMs() / 1000) & 0x0fff_ffff;
  }

  /** From, To, Call-ID and CSeq of a new request, the application's where it gave them (§8.1.1). */
  newRequestHeaders(message: SipRequest): HeaderList {
    const given = message.headers;
    const hops = parseNumber(given.get('max-forwards') ?? '', 255);
    const from = given.get('from') ?? '<sip:localhost>';
    const sequence = parseCSeq(given.get('cseq'))?.number ?? this.#nextSequence++;
    return HeaderList.of(
      ['Max-Forwards', String(hops ?? 70)],
      ['From', tagOf(from) === null ? withTag(from, this.#context.newTag()) : from],
      ['To', given.get('to') ?? `<${message.uri}>`],
      ['Call-ID', given.get('call-id') ?? this.#context.ids.uuid()],
      ['CSeq', `${sequence} ${message.method}`],
    );
  }

  /** `headers` (the dialog's, or those of a new request) and then what the application gave. */
  complete(
    method: string,
    uri: string,
    headers: HeaderList,
    message: SipRequest,
    way: OwnAddress,
  ): SipRequest {
    const own = { ...way, isSips: isSips(uri, headers.getList('route')) };
    const extra = outgoingHeaders(message.headers, message.body, own);
    if (CONTACT_METHODS.has(method) && !extra.has('contact')) {
      extra.prepend('Contact', ownContact(own));
    }
    if (this.#context.userAgent !== null && !extra.has('user-agent')) {
      extra.append('User-Agent', this.#context.userAgent);
    }
    for (const entry of extra.entries()) {
      headers.appendEntry(entry);
    }
    return makeRequest(method, uri, headers, message.body);
  }

  /** A new request: like {@link complete}, with our address for `localhost` in From and To. */
  completeNew(message: SipRequest, headers: HeaderList, own: OwnAddress): SipRequest {
    const complete = headers.clone();
    complete.set('From', replaceLocalhost(headers.get('from') ?? '', own));
    complete.set('To', replaceLocalhost(headers.get('to') ?? '', own));
    return this.complete(message.method, message.uri, complete, message, own);
  }
}
