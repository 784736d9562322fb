import { z } from 'zod';
import { isIpLiteral, parseIpNetwork } from './ip-address';
import { parseIdentity } from './identity';
import { parsePattern } from './pattern';
import { parseHost, parseSipUri, type SipUriParts } from './sip-uri';

/** A string with a check that says in words what would be right (null: nothing to complain about). */
function text(
  complaint: (value: string) => string | null,
  options: { isSecret?: boolean } = {},
): z.ZodString {
  return z.string().check(ctx => {
    const message = complaint(ctx.value);
    if (message !== null) {
      // What is found goes into the message, unless it may be a secret.
      ctx.issues.push({ code: 'custom', message, input: options.isSecret ? undefined : ctx.value });
    }
  });
}

/** Names of networks, trunks, providers and organisations: they end up in log fields and metric labels. */
export const idSchema = text(value =>
  /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(value)
    ? null
    : 'must be a name of 1 to 64 letters, digits, dots, dashes or underscores that begins with a letter or digit',
);

/** User ids may also be e-mail addresses. */
export const userIdSchema = text(value =>
  /^[A-Za-z0-9][A-Za-z0-9._@-]{0,127}$/.test(value)
    ? null
    : 'must be a user name of 1 to 128 letters, digits, dots, dashes, underscores or @ that begins with a letter or digit',
);

export const nonEmptySchema = text(value => (value.trim() === '' ? 'must not be empty' : null));

export const secretSchema = text(value => (value.trim() === '' ? 'must not be empty' : null), {
  isSecret: true,
});

export const ipSchema = text(value =>
  isIpLiteral(value) ? null : 'must be an IP address such as 192.0.2.10, not a name',
);

/** An IP literal or a host name to connect to. */
export const hostSchema = text(value =>
  parseHost(value) !== null || isIpLiteral(value) ? null : 'must be an IP address or a host name',
);

export const cidrSchema = text(value => {
  const network = parseIpNetwork(value);
  return typeof network === 'string' ? network : null;
});

export const patternSchema = text(value => {
  const tokens = parsePattern(value);
  return typeof tokens === 'string' ? tokens : null;
});

/** A pattern of `user@host`, which is all of a URI that patterns of mailboxes are compared with. */
export const mailboxPatternSchema = text(value => {
  const tokens = parsePattern(value);
  if (typeof tokens === 'string') {
    return tokens;
  }
  if (/^(sips?|tel):/i.test(value)) {
    return 'must not begin with a scheme: it is compared with user@host (write vm-*@*, not sip:vm-*@*)';
  }
  if (/@[^@]*:\d+$/.test(value)) {
    return 'must not end in a port: it is compared with user@host';
  }
  return value.includes('@') || /[*?]/.test(value)
    ? null
    : 'never matches: it is compared with user@host (write vm@* for the user vm of any host)';
});

export const identitySchema = text(value =>
  parseIdentity(value) === null
    ? 'must be a SIP URI (sip:alice@example.com), a number (+15550100) or an extension (1001)'
    : null,
);

/** A next hop that TLS settings are for: as its URI names it. */
export const peerSchema = text(value => {
  const match = /^(.*?)(?::(\d{1,5}))?$/.exec(value);
  const [, host = '', port] = match ?? [];
  return parseHost(host) === null ||
    (port !== undefined && !(Number(port) >= 1 && Number(port) <= 65535))
    ? 'must be a host, or a host and a port, such as srs.example.com:5061'
    : null;
});

export const dnsServerSchema = text(value => {
  const match = /^(?:\[([^\]]+)\]|([^:]+))(?::(\d{1,5}))?$/.exec(value);
  const host = match?.[1] ?? match?.[2] ?? value;
  return isIpLiteral(host) ? null : 'must be an IP address, with or without a port: 192.0.2.53:53';
});

export const portSchema = z.number().int().min(1).max(65535);

/** A port to listen on; 0 lets the system choose. */
export const listenPortSchema = z.number().int().min(0).max(65535);

/** A next hop: where to send, not whom to call. */
export const nextHopSchema = text(value => {
  const uri = parseSipUri(value);
  return (
    complaintAboutUri(uri, 'sip:192.0.2.20:5060;transport=udp') ??
    (uri?.user === null
      ? null
      : 'must have no user part: the called user stays in the Request-URI; write sip:host:port')
  );
});

/** A recorder's URI. Without `transport=`, TCP: INVITEs with metadata outgrow a datagram (RFC 3261 §18.1.1). */
export const srsTargetSchema = text(value =>
  complaintAboutUri(parseSipUri(value), 'sip:srs.example.com:5060;transport=tcp'),
).transform(value => {
  const uri = parseSipUri(value);
  return uri?.scheme === 'sip' && uri.params['transport'] === undefined
    ? `${value};transport=tcp`
    : value;
});

/** A SIP URI that identifies somebody. */
export const sipUriSchema = text(value => complaintAboutUri(parseSipUri(value), 'sip:user@host'));

const HEADER_NAME = /^[A-Za-z0-9\-.!%*_+`'~]{1,64}$/;
// Headers that the SIP stack owns: a second copy would break the dialog or the body.
const OWNED_HEADERS = new Set(
  (
    'via from to call-id cseq contact max-forwards route record-route require supported accept allow ' +
    'content-length content-type content-disposition mime-version v f t i m l c k'
  ).split(' '),
);

export const headerNameSchema = text(value =>
  !HEADER_NAME.test(value)
    ? 'must be a SIP header name'
    : OWNED_HEADERS.has(value.toLowerCase())
      ? 'is a header that the gateway writes itself'
      : null,
);

/** Header values may carry credentials. */
export const headerValueSchema = text(
  value =>
    // eslint-disable-next-line no-control-regex -- control characters are what is looked for
    value.length > 1024 || /[\u0000-\u0008\u000a-\u001f\u007f]/.test(value)
      ? 'must be at most 1024 characters without line breaks or control characters'
      : null,
  { isSecret: true },
);

function complaintAboutUri(uri: SipUriParts | null, example: string): string | null {
  if (uri === null) {
    return `must be a SIP URI such as ${example}`;
  }
  if (uri.hasPassword) {
    return 'must not contain a password';
  }
  const transport = uri.params['transport']?.toLowerCase();
  if (uri.scheme === 'sips' && transport !== undefined && !['tcp', 'tls'].includes(transport)) {
    return 'is sips:, which is TLS; leave transport out, or write transport=tcp';
  }
  if (transport !== undefined && !['udp', 'tcp', 'tls'].includes(transport)) {
    return 'must have transport=udp, transport=tcp or transport=tls';
  }
  return null;
}

/** A language tag (BCP 47): `en`, `pt-BR`. */
export const languageSchema = text(value =>
  /^[a-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}$/.test(value)
    ? null
    : 'must be a language tag such as en or pt-BR',
);

/** What FreeSWITCH is told to play or to say goes into lines of its protocol. */
const MAX_PROMPT_TEXT = 2000;

/** A file of FreeSWITCH's, or `say:` and what is to be spoken. */
export const renderedPromptSchema = text(value =>
  value.trim() === '' || value === 'say:' || value.length > MAX_PROMPT_TEXT
    ? `must be a file, or say: and a text, of up to ${MAX_PROMPT_TEXT} characters`
    : // eslint-disable-next-line no-control-regex -- these are what is looked for.
      /[\u0000-\u001f\u007f]/.test(value) || (value.startsWith('say:') && value.includes('|'))
      ? 'must be one line, and a text must not contain |'
      : null,
);

/** `engine:voice` of FreeSWITCH's speak application. */
export const voiceSchema = text(value =>
  /^[\w.-]{1,64}:[\w./-]{1,128}$/.test(value)
    ? null
    : 'must be an engine and a voice such as flite:slt',
);

/** A profile of FreeSWITCH's mod_sofia; drachtio-fsmrf makes a pattern of it. */
export const sofiaProfileSchema = text(value =>
  /^[A-Za-z0-9_-]{1,64}$/.test(value) ? null : 'must be a name of letters, digits, _ and -',
);

/** A day, or a moment with its time zone (RFC 3339). */
export const dateSchema = text(value =>
  /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:\d\d))?$/.test(value) &&
  !Number.isNaN(Date.parse(value))
    ? null
    : 'must be a date such as 2026-01-31, or 2026-01-31T12:00:00Z',
);

/** Keys of a telephone that control a recording; `none`: there is no such code. */
export const featureCodeSchema = text(value =>
  value === 'none' || /^[0-9*#]{2,8}$/.test(value)
    ? null
    : 'must be 2 to 8 keys of a telephone such as *44, or none',
);

export const sha256Schema = text(value =>
  /^[0-9a-f]{64}$/.test(value) ? null : 'must be a SHA-256 of 64 lower-case hexadecimal digits',
);

/** A token whose holder may do things: long enough that nobody guesses it. */
export const tokenSchema = text(
  value =>
    /^[\x21-\x7e]{16,512}$/.test(value)
      ? null
      : 'must be 16 to 512 printable characters without blanks',
  { isSecret: true },
);

export const webhookUrlSchema = text(value => {
  const url = URL.canParse(value) ? new URL(value) : null;
  return url === null || (url.protocol !== 'https:' && url.protocol !== 'http:')
    ? 'must be an http: or https: URL'
    : url.username !== '' || url.password !== ''
      ? 'must not contain credentials: messages are signed with secret'
      : null;
});

/** Stream labels (RFC 4574 §4: a token). */
export const labelSchema = text(value =>
  /^[A-Za-z0-9!#$%&'*+.^_`{|}~-]{1,64}$/.test(value)
    ? null
    : "must be a token of 1 to 64 letters, digits or any of !#$%&'*+.^_`{|}~-",
);

/** Encoding names as in SDP, upper case. */
export const encodingSchema = text(value =>
  /^[A-Z0-9-]{1,32}$/.test(value) ? null : 'must be an encoding in upper case such as PCMU',
);

/** Groups and names under which a provider knows users: they end up in SIP headers and XML. */
export const platformIdSchema = text(value =>
  // eslint-disable-next-line no-control-regex -- control characters are what is looked for
  value.trim() === '' || value.length > 128 || /[\u0000-\u001f\u007f]/.test(value)
    ? 'must be 1 to 128 characters without control characters'
    : null,
);
