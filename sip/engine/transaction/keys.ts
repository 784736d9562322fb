import {
  BRANCH_COOKIE,
  formatVia,
  parseCSeq,
  parseVia,
  type SipRequest,
  type SipResponse,
  tagOf,
} from '../message';

/**
 * The key that a request's server transaction is found by (RFC 3261 §17.2.3): branch, sent-by and method;
 * an ACK has the key of its INVITE, and with `method` a CANCEL's key becomes that of the INVITE (§9.2).
 * Requests of RFC 2543 clients are told apart by everything that they would repeat.
 */
export function serverKey(request: SipRequest, method = request.method): string {
  const keyMethod = method === 'ACK' ? 'INVITE' : method;
  const via = parseVia(request.headers.getList('via')[0] ?? '');
  const branch = via?.params.get('branch') ?? '';
  // The cookie alone tells nothing apart (RFC 4475 §3.2.1).
  if (via !== null && branch.startsWith(BRANCH_COOKIE) && branch !== BRANCH_COOKIE) {
    return `${branch}|${via.host}|${via.port ?? 5060}|${keyMethod}`;
  }
  const { headers } = request;
  return [
    'rfc2543',
    via === null ? '' : formatVia(via),
    request.uri,
    headers.get('call-id') ?? '',
    tagOf(headers.get('from')) ?? '',
    parseCSeq(headers.get('cseq'))?.number ?? '',
    keyMethod,
  ].join('|');
}

/** The key of a client transaction (§17.1.3): branch and CSeq method. null: the response has no branch. */
export function clientKey(message: SipRequest | SipResponse): string | null {
  const branch = parseVia(message.headers.getList('via')[0] ?? '')?.params.get('branch');
  const method = parseCSeq(message.headers.get('cseq'))?.method;
  return branch === undefined || branch === null || method === undefined
    ? null
    : `${branch}|${method}`;
}
