import { isIP } from 'node:net';
import { parseSipUri } from '../message';
import { type EngineTransport, type MessageSource, type Target } from '../transport';

const DEFAULT_PORTS: Readonly<Record<EngineTransport, number>> = {
  udp: 5060,
  tcp: 5060,
  tls: 5061,
};
const TRANSPORTS: readonly EngineTransport[] = ['udp', 'tcp', 'tls'];

/**
 * Where a request for `uri` goes, as far as the URI itself says (RFC 3263 §4.1, without look-ups).
 * A `sips:` URI is TLS whatever it says (RFC 3261 §26.2.1). Without a transport parameter a `sip:` URI is UDP
 * if there is a UDP listener, else the first transport that there is.
 * @returns null: not a SIP URI, or a transport that the engine does not have
 */
export function targetOf(uri: string, available: readonly EngineTransport[]): Target | null {
  const parsed = parseSipUri(uri);
  if (parsed === null) {
    return null;
  }
  const said = parsed.params.get('transport')?.toLowerCase();
  if (parsed.scheme === 'sips' && said !== undefined && said !== 'tcp' && said !== 'tls') {
    return null;
  }
  const wanted = parsed.scheme === 'sips' ? 'tls' : said;
  const transport = TRANSPORTS.find(each =>
    wanted === undefined ? available.includes(each) : each === wanted,
  );
  if (wanted !== undefined && transport === undefined) {
    return null;
  }
  const found = transport ?? 'udp';
  const host = parsed.params.get('maddr') ?? parsed.host;
  if (parsed.port !== null || isIP(host) !== 0) {
    return { transport: found, host, port: parsed.port ?? DEFAULT_PORTS[found] };
  }
  const lookUp = wanted === undefined ? 'any' : 'service';
  return { transport: found, host, port: DEFAULT_PORTS[found], lookUp };
}

/**
 * Whether a Contact cannot be reached because its owner is behind NAT: a private address seen from a
 * public source. Then in-dialog requests go where the peer's own came from.
 */
export function isBehindNat(contactUri: string, source: MessageSource): boolean {
  const host = parseSipUri(contactUri)?.host ?? '';
  return isIP(host) !== 0 && isPrivate(host) && !isPrivate(source.remoteHost);
}

/** RFC 1918, RFC 6598, loopback, link-local, RFC 4193, and the unspecified address. */
function isPrivate(host: string): boolean {
  if (isIP(host) === 6) {
    return /^(::1?$|f[cd]|fe[89ab])/i.test(host);
  }
  const [a = 0, b = 0] = host.split('.').map(Number);
  return (
    a === 0 ||
    a === 10 ||
    a === 127 ||
    (a === 100 && b >= 64 && b <= 127) ||
    (a === 169 && b === 254) ||
    (a === 172 && b >= 16 && b <= 31) ||
    (a === 192 && b === 168)
  );
}
