/** Compact forms (RFC 3261 §7.3.3, §20, and the registry for the extensions), to full names in lower case. */
const COMPACT: Readonly<Record<string, string>> = {
  a: 'accept-contact',
  b: 'referred-by',
  c: 'content-type',
  d: 'request-disposition',
  e: 'content-encoding',
  f: 'from',
  i: 'call-id',
  j: 'reject-contact',
  k: 'supported',
  l: 'content-length',
  m: 'contact',
  n: 'identity-info',
  o: 'event',
  r: 'refer-to',
  s: 'subject',
  t: 'to',
  u: 'allow-events',
  v: 'via',
  x: 'session-expires',
  y: 'identity',
};

/** Headers that messages of calls usually have. */
const USUAL = [
  'accept',
  'allow',
  'allow-events',
  'authorization',
  'call-id',
  'contact',
  'content-disposition',
  'content-length',
  'content-type',
  'cseq',
  'date',
  'diversion',
  'event',
  'expires',
  'from',
  'history-info',
  'max-forwards',
  'mime-version',
  'min-se',
  'p-asserted-identity',
  'privacy',
  'proxy-authorization',
  'rack',
  'reason',
  'record-route',
  'refer-to',
  'referred-by',
  'remote-party-id',
  'replaces',
  'require',
  'route',
  'rseq',
  'server',
  'session-expires',
  'session-id',
  'subject',
  'supported',
  'to',
  'user-agent',
  'via',
];

const KEYS: ReadonlyMap<string, string> = new Map(USUAL.map(key => [key, key]));

/**
 * The full name of a header in lower case, whatever its case and form: the key that headers are found by. The usual
 * ones are the same string each time, because messages are many and kept.
 */
export function headerKey(name: string): string {
  const lower = name.toLowerCase();
  return lower.length === 1 ? (COMPACT[lower] ?? lower) : (KEYS.get(lower) ?? lower);
}

/** Names whose usual spelling is not "each part capitalised". */
const SPELLED: Readonly<Record<string, string>> = {
  'call-id': 'Call-ID',
  cseq: 'CSeq',
  'mime-version': 'MIME-Version',
  'min-se': 'Min-SE',
  'www-authenticate': 'WWW-Authenticate',
  rack: 'RAck',
  rseq: 'RSeq',
  'sip-etag': 'SIP-ETag',
  'sip-if-match': 'SIP-If-Match',
  'session-id': 'Session-ID',
  'p-asserted-identity': 'P-Asserted-Identity',
};

function spell(key: string): string {
  return SPELLED[key] ?? key.replace(/(^|-)[a-z]/g, start => start.toUpperCase());
}

const NAMES: ReadonlyMap<string, string> = new Map(USUAL.map(key => [key, spell(key)]));
const SPELLINGS: ReadonlyMap<string, string> = new Map(
  [...NAMES.values()].map(name => [name, name]),
);

/** The usual spelling of a header name. Names that start with `X-` are left as they are. */
export function canonicalHeaderName(name: string): string {
  if (/^x-/i.test(name)) {
    return name;
  }
  const key = headerKey(name);
  return NAMES.get(key) ?? spell(key);
}

/** The same name, as a string that messages share if it is spelled as usual. */
export function sharedHeaderName(name: string): string {
  return SPELLINGS.get(name) ?? name;
}

/** Headers of which a message must not have more than one (RFC 3261 §7.3.1, RFC 4475 §3.3.9). */
export const SINGLE_HEADERS: ReadonlySet<string> = new Set([
  'call-id',
  'content-length',
  'content-type',
  'cseq',
  'from',
  'max-forwards',
  'to',
]);
