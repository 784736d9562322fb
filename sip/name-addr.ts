import { type NameAddr } from './ports';

const MAX_VALUE_CHARS = 4_096;
const MAX_LIST = 32;
const MAX_PARAMS = 32;

/** A header value on one line: folds become one space (RFC 3261 §7.3.1), other controls vanish. */
export function unfold(value: string): string {
  // eslint-disable-next-line no-control-regex -- control characters are what must not pass
  return value.replace(/\r?\n[ \t]+/g, ' ').replace(/[\u0000-\u0008\u000a-\u001f\u007f]/g, '');
}

/** Splits a header value at commas that stand outside quotes and angle brackets. Bounded. */
export function splitList(value: string): readonly string[] {
  const items: string[] = [];
  let quoted = false;
  let bracketed = false;
  let start = 0;
  const text = unfold(value).slice(0, MAX_VALUE_CHARS * 4);
  for (let i = 0; i < text.length && items.length < MAX_LIST; i++) {
    const char = text[i];
    if (quoted) {
      if (char === '\\') {
        i++;
      } else if (char === '"') {
        quoted = false;
      }
    } else if (char === '"') {
      quoted = true;
    } else if (char === '<' || char === '>') {
      bracketed = char === '<';
    } else if (char === ',' && !bracketed) {
      items.push(text.slice(start, i).trim());
      start = i + 1;
    }
  }
  if (items.length < MAX_LIST) {
    items.push(text.slice(start).trim());
  }
  return items.filter(item => item !== '');
}

/**
 * Reads a name-addr or addr-spec (RFC 3261 §20.10) as generously as it can be understood.
 * @returns null when there is no URI in it or it is unreasonably long
 */
export function parseNameAddr(value: string): NameAddr | null {
  const text = unfold(value).trim();
  if (text === '' || text.length > MAX_VALUE_CHARS) {
    return null;
  }
  const quoted = /^"((?:[^"\\]|\\.)*)"\s*</.exec(text);
  const open = quoted === null ? text.indexOf('<') : quoted[0].length - 1;
  if (open === -1) {
    // RFC 3261 §20: without brackets, parameters belong to the header, not to the URI.
    const [uri = '', ...params] = text.split(';');
    return hasScheme(uri.trim())
      ? { uri: uri.trim(), displayName: null, params: readParams(params) }
      : null;
  }
  const close = text.indexOf('>', open);
  const uri = text.slice(open + 1, close === -1 ? undefined : close).trim();
  if (close === -1 || !hasScheme(uri)) {
    return null;
  }
  const name = quoted?.[1]?.replace(/\\(.)/g, '$1') ?? text.slice(0, open).trim();
  return {
    uri,
    displayName: name === '' ? null : name,
    params: readParams(splitParams(text.slice(close + 1))),
  };
}

/** The tag of a From or To value; empty without one. */
export function tagOf(value: string | undefined): string {
  return /;\s*tag\s*=\s*([^;,\s]+)\s*(?:;[^<>]*)?$/i.exec(unfold(value ?? ''))?.[1] ?? '';
}

/** Every usable name-addr of a header value. */
export function parseNameAddrs(value: string | undefined): readonly NameAddr[] {
  return value === undefined
    ? []
    : splitList(value)
        .map(parseNameAddr)
        .filter(each => each !== null);
}

/** Prints display name and URI in the one form that can hold anything. Parameters are not printed. */
export function formatNameAddr(nameAddr: Pick<NameAddr, 'uri' | 'displayName'>): string {
  const name = nameAddr.displayName;
  return name === null
    ? `<${nameAddr.uri}>`
    : `"${unfold(name).replace(/(["\\])/g, '\\$1')}" <${nameAddr.uri}>`;
}

/** The parts of a SIP or SIPS URI that a B2BUA moves about. */
export interface UriParts {
  readonly scheme: string;
  /** As written, escapes included; null without one. */
  readonly user: string | null;
  /** Host and port as written. */
  readonly hostPort: string;
}

/** Splits `sip:user@host:port;params?headers`. @returns null for other schemes and nonsense */
export function splitSipUri(uri: string): UriParts | null {
  const match = /^(sips?):(?:([^@<>\s"]*)@)?([^@;?<>\s"]+)/i.exec(uri);
  const [, scheme, user, hostPort] = match ?? [];
  if (scheme === undefined || hostPort === undefined) {
    return null;
  }
  return { scheme: scheme.toLowerCase(), user: user ?? null, hostPort };
}

function hasScheme(uri: string): boolean {
  return /^[a-z][a-z0-9+.-]*:[^\s<>"]+$/i.test(uri);
}

function splitParams(text: string): readonly string[] {
  return text.match(/;(?:[^;"]|"(?:[^"\\]|\\.)*")*/g)?.map(each => each.slice(1)) ?? [];
}

function readParams(items: readonly string[]): Readonly<Record<string, string>> {
  const entries = items.slice(0, MAX_PARAMS).flatMap(item => {
    const equals = item.indexOf('=');
    const name = (equals === -1 ? item : item.slice(0, equals)).trim().toLowerCase();
    const raw = equals === -1 ? '' : item.slice(equals + 1).trim();
    const value = /^".*"$/.test(raw) ? raw.slice(1, -1).replace(/\\(.)/g, '$1') : raw;
    return name === '' || name === '__proto__' ? [] : [[name, value] as const];
  });
  return Object.fromEntries(entries);
}
