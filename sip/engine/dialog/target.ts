import { isIP } from 'node:net';
import { parseSipUri } from '../message';
import { type EngineTransport, type MessageSource, type Target } from '../transport';

const DEFAULT_SIP_PORT = 5060;

/**
 * Where a request for `uri` goes, as far as the URI itself says (RFC 3263 §4.1, without look-ups).
 * Without a transport parameter it is UDP if there is a UDP listener, else TCP.
 * @returns null: not a SIP URI, or a transport that the engine does not have (TLS included)
 */
export function targetOf(uri: string, available: readonly EngineTransport[]): Target | null {
  const parsed = parseSipUri(uri);
  if (parsed === null || parsed.scheme === 'sips') {
    return null;
  }
  const wanted = parsed.params.get('transport')?.toLowerCase();
  const transport = wanted ?? (available.includes('udp') ? 'udp' : 'tcp');
  if (transport !== 'udp' && transport !== 'tcp') {
    return null;
  }
  const host = parsed.params.get('maddr') ?? parsed.host;
  return { transport, host, port: parsed.port ?? DEFAULT_SIP_PORT };
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
