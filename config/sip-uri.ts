import { isIpLiteral } from './ip-address';

/** The parts of a SIP URI that configuration and look-ups care about (RFC 3261 §19.1). */
export interface SipUriParts {
  readonly scheme: 'sip' | 'sips';
  /** As written (percent-escapes kept), without a password; null when there is none. */
  readonly user: string | null;
  readonly hasPassword: boolean;
  /** Lower case, without brackets and without a trailing dot. */
  readonly host: string;
  readonly port: number | null;
  /** URI parameters, names in lower case; a parameter without a value is the empty string. */
  readonly params: Readonly<Record<string, string>>;
}

/** Longer URIs are refused everywhere (RFC 3261 sets no limit; hostile peers have none). */
export const MAX_SIP_URI_LENGTH = 2048;

const URI = /^(sips?):(?:([^@]*)@)?(\[[^\]]*\]|[^:;?[\]@]*)(?::(\d{1,5}))?(?:;([^?]*))?(?:\?.*)?$/i;
const USER = /^(?:[A-Za-z0-9\-_.!~*'()&=+$,;?/#]|%[0-9A-Fa-f]{2})+$/;
const HOST_NAME =
  /^(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/;
const PARAM = /^[A-Za-z0-9\-_.!~*'()[\]/:&+$%]+(?:=[A-Za-z0-9\-_.!~*'()[\]/:&+$%]+)?$/;

/** Parses a SIP or SIPS URI. @returns null for anything else; never throws. */
export function parseSipUri(text: string): SipUriParts | null {
  const match = text.length <= MAX_SIP_URI_LENGTH ? URI.exec(text) : null;
  if (match === null) {
    return null;
  }
  const [, scheme = '', userInfo, hostText = '', portText, paramText] = match;
  const host = parseHost(hostText);
  const port = portText === undefined ? null : Number(portText);
  const params = parseParams(paramText);
  // The last colon cannot be part of a user (RFC 3261 §25.1), so it introduces a password.
  const [user, ...password] = userInfo?.split(':') ?? [];
  if (host === null || params === null || (port !== null && (port < 1 || port > 65535))) {
    return null;
  }
  if (user !== undefined && !USER.test(user)) {
    return null;
  }
  return {
    scheme: scheme.toLowerCase() === 'sips' ? 'sips' : 'sip',
    user: user ?? null,
    hasPassword: password.length > 0,
    host,
    port,
    params,
  };
}

/** Lower-case host without brackets or trailing dot, or null when it is neither a name nor an IP literal. */
export function parseHost(text: string): string | null {
  if (text.startsWith('[')) {
    const literal = text.slice(1, -1).toLowerCase();
    return literal.includes(':') && isIpLiteral(literal) ? literal : null;
  }
  const host = text.toLowerCase().replace(/\.$/, '');
  return host.length <= 253 && HOST_NAME.test(host) && !/^[\d.]+$/.test(host)
    ? host
    : isIpLiteral(host) && !host.includes(':')
      ? host
      : null;
}

function parseParams(text: string | undefined): Readonly<Record<string, string>> | null {
  const params = new Map<string, string>();
  for (const part of text === undefined || text === '' ? [] : text.split(';')) {
    if (!PARAM.test(part)) {
      return null;
    }
    const [name = '', value = ''] = part.split('=');
    params.set(name.toLowerCase(), value);
  }
  return Object.fromEntries(params);
}
