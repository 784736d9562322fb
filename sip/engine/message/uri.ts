import { formatHostPort, formatParams, parseHostPort, type Params, parseParams } from './grammar';

/** `pname` (RFC 3261 §25.1): a URI parameter may have a few more characters than a header parameter. */
const PARAM_NAME = /^[A-Za-z0-9\-_.!~*'()[\]/:&+$%]+$/;

/** A SIP or SIPS URI (RFC 3261 §19.1). */
export interface SipUri {
  readonly scheme: 'sip' | 'sips';
  /** User part (with password) as written, escapes kept; null: none. */
  readonly user: string | null;
  /** Lower case; IPv6 without brackets. */
  readonly host: string;
  readonly port: number | null;
  readonly params: Params;
  /** What follows `?`, as written; null: nothing. */
  readonly headers: string | null;
}

/** @returns null for anything but a well-formed SIP or SIPS URI (`tel:` and others included). */
export function parseSipUri(text: string): SipUri | null {
  const match = /^(sips?):(.*)$/is.exec(text);
  if (match?.[1] === undefined || match[2] === undefined || /[\s<>"]/.test(match[2])) {
    return null;
  }
  let rest = match[2];
  let headers: string | null = null;
  const at = rest.indexOf('@');
  // A question mark or semicolon before the @ belongs to the user part (RFC 3261 §25.1, user-unreserved).
  const question = rest.indexOf('?', at + 1);
  if (question >= 0) {
    headers = rest.slice(question + 1);
    rest = rest.slice(0, question);
  }
  const user = at < 0 ? null : rest.slice(0, at);
  if (user === '') {
    return null;
  }
  const hostAndParams = at < 0 ? rest : rest.slice(at + 1);
  const semicolon = hostAndParams.indexOf(';');
  const hostPort = parseHostPort(semicolon < 0 ? hostAndParams : hostAndParams.slice(0, semicolon));
  const params = parseParams(semicolon < 0 ? '' : hostAndParams.slice(semicolon), PARAM_NAME);
  if (hostPort === null || params === null) {
    return null;
  }
  const scheme = match[1].toLowerCase() === 'sips' ? 'sips' : 'sip';
  return { scheme, user, ...hostPort, params, headers };
}

export function formatSipUri(uri: SipUri): string {
  const user = uri.user === null ? '' : `${uri.user}@`;
  const headers = uri.headers === null ? '' : `?${uri.headers}`;
  return `${uri.scheme}:${user}${formatHostPort(uri.host, uri.port)}${formatParams(uri.params)}${headers}`;
}

/** Whether the text may stand as a Request-URI: a scheme and something without white space. */
export function isAbsoluteUri(text: string): boolean {
  return /^[A-Za-z][A-Za-z0-9+.-]*:[^\s<>"]+$/.test(text);
}
