import { HeaderList } from './header-list';

export interface SipRequest {
  readonly kind: 'request';
  /** Case-sensitive (RFC 3261 §7.1). */
  readonly method: string;
  readonly uri: string;
  readonly headers: HeaderList;
  readonly body: Buffer;
}

export interface SipResponse {
  readonly kind: 'response';
  /** 100–699. */
  readonly status: number;
  readonly reason: string;
  readonly headers: HeaderList;
  readonly body: Buffer;
}

export type SipMessage = SipRequest | SipResponse;

const EMPTY_BODY = Buffer.alloc(0);

/** A request of our own. `headers` is used as it is, not copied. */
export function makeRequest(
  method: string,
  uri: string,
  headers: HeaderList = new HeaderList(),
  body: Buffer | string = EMPTY_BODY,
): SipRequest {
  return { kind: 'request', method, uri, headers, body: toBuffer(body) };
}

/**
 * A response to `request` with the headers that every response copies: Via, From, To, Call-ID, CSeq
 * (RFC 3261 §8.2.6.2). Record-Route is copied too (§12.1.1) for the responses that make dialogs.
 * @param options.toTag added to To when it has no tag yet (never for 100)
 */
export function makeResponse(
  request: SipRequest,
  status: number,
  options: { reason?: string; toTag?: string; headers?: HeaderList; body?: Buffer | string } = {},
): SipResponse {
  const headers = new HeaderList();
  for (const entry of request.headers.entries()) {
    if (entry.key === 'to' && options.toTag !== undefined && !hasTag(entry.value)) {
      headers.append('To', `${entry.value};tag=${options.toTag}`);
    } else if (
      COPIED.has(entry.key) ||
      (entry.key === 'record-route' && makesDialog(request, status))
    ) {
      headers.appendEntry(entry);
    }
  }
  for (const entry of options.headers?.entries() ?? []) {
    headers.appendEntry(entry);
  }
  const reason = options.reason ?? defaultReason(status);
  return { kind: 'response', status, reason, headers, body: toBuffer(options.body ?? EMPTY_BODY) };
}

const COPIED = new Set(['via', 'from', 'to', 'call-id', 'cseq']);

function makesDialog(request: SipRequest, status: number): boolean {
  return request.method === 'INVITE' && status > 100 && status < 300;
}

/** Without brackets the parameters are the header's own; inside them a `;tag=` is the URI's. */
function hasTag(value: string): boolean {
  return /;\s*tag\s*=/i.test(value.slice(value.lastIndexOf('>') + 1));
}

function toBuffer(body: Buffer | string): Buffer {
  return typeof body === 'string' ? Buffer.from(body, 'utf8') : body;
}

const REASONS: Readonly<Record<number, string>> = {
  100: 'Trying',
  180: 'Ringing',
  181: 'Call Is Being Forwarded',
  182: 'Queued',
  183: 'Session Progress',
  200: 'OK',
  202: 'Accepted',
  301: 'Moved Permanently',
  302: 'Moved Temporarily',
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  406: 'Not Acceptable',
  407: 'Proxy Authentication Required',
  408: 'Request Timeout',
  413: 'Request Entity Too Large',
  414: 'Request-URI Too Long',
  415: 'Unsupported Media Type',
  416: 'Unsupported URI Scheme',
  420: 'Bad Extension',
  421: 'Extension Required',
  422: 'Session Interval Too Small',
  480: 'Temporarily Unavailable',
  481: 'Call/Transaction Does Not Exist',
  482: 'Loop Detected',
  483: 'Too Many Hops',
  484: 'Address Incomplete',
  486: 'Busy Here',
  487: 'Request Terminated',
  488: 'Not Acceptable Here',
  491: 'Request Pending',
  500: 'Server Internal Error',
  501: 'Not Implemented',
  503: 'Service Unavailable',
  504: 'Server Time-out',
  505: 'Version Not Supported',
  513: 'Message Too Large',
  580: 'Precondition Failure',
  600: 'Busy Everywhere',
  603: 'Decline',
  604: 'Does Not Exist Anywhere',
  606: 'Not Acceptable',
};

/** The reason phrase of RFC 3261 §21 (or its class) for a status code. */
export function defaultReason(status: number): string {
  return REASONS[status] ?? REASONS[Math.floor(status / 100) * 100] ?? 'Unknown';
}
