import { formatParams, type Params, parseParams } from './grammar';

/** One element of From, To, Contact, Route, Record-Route … (RFC 3261 §20.10). */
export interface NameAddrValue {
  /** As written, quotes included; empty: none. */
  readonly display: string;
  /** Without angle brackets. */
  readonly uri: string;
  /** Header parameters. In the form without brackets all parameters are header parameters (§20). */
  readonly params: Params;
}

/** Parses one name-addr or addr-spec with its parameters; null when malformed. */
export function parseNameAddr(text: string): NameAddrValue | null {
  const value = text.trim();
  let at = 0;
  if (value.startsWith('"')) {
    at = endOfQuoted(value);
    if (at < 0) {
      return null;
    }
  }
  const open = value.indexOf('<', at);
  if (open < 0) {
    const semicolon = value.indexOf(';');
    const uri = (semicolon < 0 ? value : value.slice(0, semicolon)).trim();
    const params = parseParams(semicolon < 0 ? '' : value.slice(semicolon));
    return params === null || !/^[A-Za-z][A-Za-z0-9+.-]*:[^\s<>"]+$/.test(uri)
      ? null
      : { display: '', uri, params };
  }
  const close = value.indexOf('>', open);
  if (close < 0) {
    return null;
  }
  const rest = value.slice(close + 1).trim();
  const params = rest === '' || rest.startsWith(';') ? parseParams(rest) : null;
  const uri = value.slice(open + 1, close).trim();
  if (params === null || uri === '' || /[\s"]/.test(uri)) {
    return null;
  }
  return { display: value.slice(0, open).trim(), uri, params };
}

export function formatNameAddr(value: NameAddrValue): string {
  const display = value.display === '' ? '' : `${value.display} `;
  return `${display}<${value.uri}>${formatParams(value.params)}`;
}

/** The `tag` of a From or To value; null: none or malformed. */
export function tagOf(value: string | null): string | null {
  return value === null ? null : (parseNameAddr(value)?.params.get('tag') ?? null);
}

/** The value with `tag` set, everything else as it was. */
export function withTag(value: string, tag: string): string {
  const parsed = parseNameAddr(value);
  if (parsed === null) {
    return value;
  }
  const params = new Map(parsed.params);
  params.set('tag', tag);
  return formatNameAddr({ ...parsed, params });
}

/** Index after the closing quote of a quoted string that starts the text; -1: it does not end. */
function endOfQuoted(text: string): number {
  for (let i = 1; i < text.length; i++) {
    if (text[i] === '\\') {
      i++;
    } else if (text[i] === '"') {
      return i + 1;
    }
  }
  return -1;
}
