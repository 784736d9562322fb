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

/** The full name of a header in lower case, whatever its case and form: the key that headers are found by. */
export function headerKey(name: string): string {
  const lower = name.toLowerCase();
  return lower.length === 1 ? (COMPACT[lower] ?? lower) : lower;
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

/** The usual spelling of a header name. Names that start with `X-` are left as they are. */
export function canonicalHeaderName(name: string): string {
  if (/^x-/i.test(name)) {
    return name;
  }
  const key = headerKey(name);
  return SPELLED[key] ?? key.replace(/(^|-)[a-z]/g, start => start.toUpperCase());
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
