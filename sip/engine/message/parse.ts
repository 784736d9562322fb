import { isUtf8 } from 'node:buffer';
import { DEFAULT_ENGINE_LIMITS, type MessageLimits } from '../limits';
import { countBodyParts } from './body-parts';
import { parseCSeq } from './cseq';
import { isToken, parseNumber, trimBlanks } from './grammar';
import { type HeaderEntry, HeaderList } from './header-list';
import { headerKey, sharedHeaderName, SINGLE_HEADERS } from './header-names';
import { type SipMessage, type SipRequest } from './message';
import { parseNameAddr } from './name-addr';
import { isAbsoluteUri, parseSipUri } from './uri';
import { parseVia } from './via';

/** Why a message was refused: for counters, a closed set. */
export type ParseFailureCode =
  | 'no-header-end'
  | 'start-line'
  | 'version'
  | 'uri'
  | 'header-line'
  | 'too-many-headers'
  | 'too-large'
  | 'too-many-parts'
  | 'missing-header'
  | 'duplicate-header'
  | 'bad-header'
  | 'content-length';

export interface ParseFailure {
  readonly ok: false;
  readonly code: ParseFailureCode;
  /** For people; fit to be a reason phrase. */
  readonly reason: string;
  /** What to answer if `request` is there. */
  readonly status: number;
  /**
   * The request as far as it was understood, when its topmost Via says where an answer goes; other
   * headers may be missing or malformed. null otherwise: then it can only be dropped.
   */
  readonly request: SipRequest | null;
}

export type ParseResult = { readonly ok: true; readonly message: SipMessage } | ParseFailure;

const CRLF_CRLF = Buffer.from('\r\n\r\n');
const NO_BODY = Buffer.alloc(0);

type StartLine =
  | { readonly kind: 'request'; readonly method: string; readonly uri: string }
  | { readonly kind: 'response'; readonly status: number; readonly reason: string };

/** One failure without the request; the caller adds it. */
type Fault = Omit<ParseFailure, 'ok' | 'request'>;

function fault(code: ParseFailureCode, reason: string, status = 400): Fault {
  return { code, reason, status };
}

/**
 * Parses one complete message: a datagram, or what the stream framer cut out (RFC 3261 §7).
 *
 * Without Content-Length the body is all that follows the head; with one, what goes beyond it is dropped
 * (§18.3). The head is UTF-8; when it is not, each byte is taken for one character, because a display
 * name in another code page is no reason to lose a call. Never throws.
 */
export function parseMessage(
  bytes: Buffer,
  limits: MessageLimits = DEFAULT_ENGINE_LIMITS,
): ParseResult {
  // CRLF before the start line is ignored (§7.5).
  let start = 0;
  while (bytes[start] === 0x0d && bytes[start + 1] === 0x0a) {
    start += 2;
  }
  const headEnd = bytes.indexOf(CRLF_CRLF, start);
  if (headEnd < 0) {
    return { ok: false, ...fault('no-header-end', 'No End Of Headers'), request: null };
  }
  const headBytes = bytes.subarray(start, headEnd);
  const head = headBytes.toString(isUtf8(headBytes) ? 'utf8' : 'latin1');
  const faults: Fault[] = [];
  if (bytes.length - start > limits.messageBytes) {
    faults.push(fault('too-large', 'Message Too Large', 513));
  }
  const lines = head.split('\r\n');
  const startLine = parseStartLine(lines[0] ?? '', limits, faults);
  if (startLine === null) {
    const first = faults.find(entry => entry.code === 'start-line');
    return { ok: false, ...(first ?? fault('start-line', 'Bad Start Line')), request: null };
  }
  const headers = parseHeaders(lines, limits, faults);
  const body = cutBody(bytes.subarray(headEnd + CRLF_CRLF.length), headers, faults);
  if (countBodyParts(headers.get('content-type'), body, limits.bodyParts) > limits.bodyParts) {
    faults.push(fault('too-many-parts', 'Too Many Body Parts', 413));
  }
  const message: SipMessage = { ...startLine, headers, body };
  const answerable = checkHeaders(message, faults);
  const [worst] = faults;
  if (worst === undefined) {
    return { ok: true, message };
  }
  return {
    ok: false,
    ...worst,
    request: answerable && message.kind === 'request' ? message : null,
  };
}

function parseStartLine(line: string, limits: MessageLimits, faults: Fault[]): StartLine | null {
  const response = /^SIP\/(\d+\.\d+) ([1-6]\d\d)(?: (.*))?$/is.exec(line);
  if (response?.[1] !== undefined && response[2] !== undefined) {
    if (response[1] !== '2.0') {
      faults.push(fault('version', 'Version Not Supported', 505));
    }
    const reason = response[3] ?? '';
    if (/[\r\n]/.test(reason)) {
      faults.push(fault('start-line', 'Bad Start Line'));
    }
    return { kind: 'response', status: Number(response[2]), reason };
  }
  const request = /^(\S+) (.*) SIP\/(\d+\.\d+)([ \t]*)$/is.exec(line);
  if (
    request?.[1] === undefined ||
    request[2] === undefined ||
    !isToken(request[1]) ||
    /[\r\n]/.test(line)
  ) {
    return null;
  }
  const uri = request[2];
  if (request[3] !== '2.0') {
    faults.push(fault('version', 'Version Not Supported', 505));
  } else if (request[4] !== '') {
    faults.push(fault('start-line', 'Bad Start Line'));
  }
  if (Buffer.byteLength(uri) > limits.uriBytes) {
    faults.push(fault('uri', 'Request-URI Too Long', 414));
  } else if (!isRequestUri(uri)) {
    faults.push(fault('uri', 'Bad Request-URI'));
  }
  return { kind: 'request', method: request[1], uri };
}

/** §19.1.1: a SIP Request-URI has no headers. Of other schemes only the outer form is known. */
function isRequestUri(uri: string): boolean {
  if (!/^sips?:/i.test(uri)) {
    return isAbsoluteUri(uri);
  }
  const parsed = parseSipUri(uri);
  return parsed !== null && parsed.headers === null;
}

function parseHeaders(
  lines: readonly string[],
  limits: MessageLimits,
  faults: Fault[],
): HeaderList {
  const entries: HeaderEntry[] = [];
  for (let i = 1; i < lines.length;) {
    let raw = lines[i] ?? '';
    i++;
    // A line that begins with white space continues the one before it (§7.3.1).
    while (i < lines.length && /^[ \t]/.test(lines[i] ?? '')) {
      raw += `\r\n${lines[i] ?? ''}`;
      i++;
    }
    if (entries.length >= limits.headerCount) {
      faults.push(fault('too-many-headers', 'Too Many Headers'));
      break;
    }
    if (raw.length > limits.headerLineBytes) {
      faults.push(fault('too-large', 'Header Too Large', 513));
      continue;
    }
    const colon = raw.indexOf(':');
    const name = trimBlanks(raw.slice(0, Math.max(colon, 0)));
    const value = trimBlanks(raw.slice(colon + 1).replace(/\r\n[ \t]+/g, ' '));
    // A bare CR or LF is no line end for us, but it may be for whoever reads this next.
    if (!isToken(name) || /[\r\n]/.test(value)) {
      faults.push(fault('header-line', 'Bad Header Line'));
      continue;
    }
    entries.push({
      name: sharedHeaderName(name),
      key: headerKey(name),
      value,
      raw: isPlain(raw, name, value) ? null : raw,
    });
  }
  return new HeaderList(entries);
}

/** Whether the line would be written just so: then it need not be kept. */
function isPlain(raw: string, name: string, value: string): boolean {
  return (
    raw.length === name.length + 2 + value.length &&
    raw.startsWith(': ', name.length) &&
    raw.startsWith(name)
  );
}

function cutBody(rest: Buffer, headers: HeaderList, faults: Fault[]): Buffer {
  const text = headers.get('content-length');
  if (text === null) {
    return rest.length === 0 ? NO_BODY : rest;
  }
  const length = parseNumber(text, Number.MAX_SAFE_INTEGER);
  if (length === null || length > rest.length) {
    faults.push(fault('content-length', 'Bad Content-Length'));
    return NO_BODY;
  }
  // An empty slice would keep the whole message.
  return length === 0 ? NO_BODY : rest.subarray(0, length);
}

/** Checks the headers that everything else relies on (§8.1.1). @returns whether it can be answered */
function checkHeaders(message: SipMessage, faults: Fault[]): boolean {
  const { headers } = message;
  const vias = headers.getList('via').map(parseVia);
  if (vias.length === 0) {
    faults.push(fault('missing-header', 'Missing Via'));
  } else if (vias.some(via => via === null || via.version !== undefined)) {
    faults.push(fault('bad-header', 'Bad Via'));
  }
  let isComplete = true;
  for (const name of ['From', 'To', 'Call-ID', 'CSeq']) {
    if (!headers.has(name)) {
      faults.push(fault('missing-header', `Missing ${name}`));
      isComplete = false;
    }
  }
  const counts = new Map<string, number>();
  for (const { key } of headers.entries()) {
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  for (const key of SINGLE_HEADERS) {
    if ((counts.get(key) ?? 0) > 1) {
      faults.push(fault('duplicate-header', `Repeated ${key}`));
    }
  }
  if (isComplete) {
    checkRequiredHeaders(message, faults);
  }
  return vias[0] !== undefined && vias[0] !== null;
}

function checkRequiredHeaders(message: SipMessage, faults: Fault[]): void {
  const { headers } = message;
  for (const name of ['From', 'To']) {
    if (parseNameAddr(headers.get(name) ?? '') === null) {
      faults.push(fault('bad-header', `Bad ${name}`));
    }
  }
  if (!/^\S+$/.test(headers.get('call-id') ?? '')) {
    faults.push(fault('bad-header', 'Bad Call-ID'));
  }
  const cseq = parseCSeq(headers.get('cseq'));
  if (cseq === null) {
    faults.push(fault('bad-header', 'Bad CSeq'));
  } else if (message.kind === 'request' && cseq.method !== message.method) {
    faults.push(fault('bad-header', 'CSeq Method Mismatch'));
  }
  const maxForwards = headers.get('max-forwards');
  if (maxForwards !== null && parseNumber(maxForwards, 255) === null) {
    faults.push(fault('bad-header', 'Bad Max-Forwards'));
  }
}
