import { formatHostPort, HeaderList, headerKey } from '../message';
import { type EngineTransport } from '../transport';

/** The address that stands for us on one way to a peer. */
export interface OwnAddress {
  readonly host: string;
  readonly port: number;
  readonly transport: EngineTransport;
  /** The request is for a `sips:` URI, and so our Contact must be one (RFC 3261 §8.1.1.8, §12.1.1). */
  readonly isSips?: boolean;
}

/** Headers that the engine makes itself; the application's are left out. */
const ENGINE_HEADERS: ReadonlySet<string> = new Set([
  'via',
  'from',
  'to',
  'call-id',
  'cseq',
  'max-forwards',
  'route',
  'record-route',
  'rseq',
  'content-length',
]);

/** Headers in which the host `localhost` means us. */
const LOCALHOST_HEADERS: ReadonlySet<string> = new Set(['contact', 'p-asserted-identity']);

/** `localhost`, with or without a port, where a SIP URI has its host. */
const LOCALHOST = /(sips?:(?:[^@\s<>;,]*@)?)localhost(?::\d+)?(?=[;?>,\s]|$)/gi;

const TLS_PARAM = /;transport=tls(?=[;?>,\s]|$)/gi;

/** Puts our address where a URI says `localhost`. */
export function replaceLocalhost(value: string, own: OwnAddress): string {
  return value.replace(LOCALHOST, `$1${formatHostPort(own.host, own.port)}`);
}

/** Whether a request is one for `sips:`: its URI, or the first of its routes (RFC 3261 §8.1.1.8, §12.1.1). */
export function isSips(uri: string, routes: readonly string[]): boolean {
  return /^sips:/i.test(uri) || /(^|<)sips:/i.test(routes[0] ?? '');
}

/** Our Contact URI; UDP is the default and not named. */
export function ownContact(own: OwnAddress): string {
  const transport =
    own.transport === 'udp' || own.isSips === true ? '' : `;transport=${own.transport}`;
  return `<${own.isSips === true ? 'sips' : 'sip'}:${formatHostPort(own.host, own.port)}${transport}>`;
}

/** The application's headers as they go out: without the engine's, with our address for `localhost`. */
export function outgoingHeaders(headers: HeaderList, body: Buffer, own: OwnAddress): HeaderList {
  const result = new HeaderList();
  for (const entry of headers.entries()) {
    if (ENGINE_HEADERS.has(entry.key)) {
      continue;
    }
    const value = LOCALHOST_HEADERS.has(entry.key)
      ? replaceLocalhost(withTransport(entry.key, entry.value, own), own)
      : entry.value;
    result.append(entry.name, value);
  }
  if (body.length > 0 && !result.has('content-type') && isSdp(body)) {
    result.append('Content-Type', 'application/sdp');
  }
  return result;
}

/**
 * A Contact that means us must bring the peer back on the same transport; one of a `sips:` request is
 * `sips:` and says nothing of TLS (RFC 3261 §26.2.2).
 */
function withTransport(key: string, value: string, own: OwnAddress): string {
  if (key === headerKey('contact') && own.isSips === true) {
    return value
      .replace(LOCALHOST, match => match.replace(/^sip:/i, 'sips:'))
      .replace(TLS_PARAM, '');
  }
  return key === headerKey('contact') && own.transport !== 'udp' && !/;transport=/i.test(value)
    ? value.replace(LOCALHOST, match => `${match};transport=${own.transport}`)
    : value;
}

/** drachtio-srf sends SDP without a Content-Type. */
export function isSdp(body: Buffer): boolean {
  return body.subarray(0, 3).toString('latin1') === 'v=0';
}
