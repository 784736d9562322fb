import {
  canonicalHeaderName,
  defaultReason,
  HeaderList,
  isToken,
  type SipMessage,
} from '../message';

/** What the application wants sent, as far as it said so; the engine fills in the rest. */
export type AppMessageResult =
  | { readonly ok: true; readonly message: SipMessage; readonly startLine: string }
  | { readonly ok: false; readonly startLine: string };

const CRLF_CRLF = Buffer.from('\r\n\r\n');
const NO_BODY = Buffer.alloc(0);

/**
 * Parses the SIP part of a frame. Unlike a message of the network it is incomplete by nature. The frame
 * says where it ends, so the body is all that follows the empty line; Content-Length is not looked at
 * (drachtio-srf counts characters in it, not bytes). A header whose name is no token is left out.
 */
export function parseAppMessage(bytes: Buffer): AppMessageResult {
  const end = bytes.indexOf(CRLF_CRLF);
  const head = (end < 0 ? bytes : bytes.subarray(0, end)).toString('utf8');
  const bodyAt = end < 0 ? bytes.length : end + CRLF_CRLF.length;
  // An empty slice would keep the whole frame.
  const body = bodyAt === bytes.length ? NO_BODY : bytes.subarray(bodyAt);
  const [startLine = '', ...lines] = head.replace(/\r\n[ \t]+/g, ' ').split('\r\n');
  const headers = new HeaderList();
  for (const line of lines) {
    const colon = line.indexOf(':');
    const name = line.slice(0, Math.max(0, colon)).trim();
    if (isToken(name)) {
      headers.append(canonicalHeaderName(name), line.slice(colon + 1).trim());
    }
  }
  const response = /^SIP\/2\.0 ([1-6]\d\d)(?: (.*))?$/.exec(startLine);
  if (response?.[1] !== undefined) {
    const status = Number(response[1]);
    const reason = response[2] ?? '';
    return {
      ok: true,
      startLine,
      message: {
        kind: 'response',
        status,
        reason: reason === '' ? defaultReason(status) : reason,
        headers,
        body,
      },
    };
  }
  const request = /^(\S+) (\S+) SIP\/2\.0$/.exec(startLine);
  if (request?.[1] === undefined || request[2] === undefined || !isToken(request[1])) {
    return { ok: false, startLine };
  }
  return {
    ok: true,
    startLine,
    message: { kind: 'request', method: request[1], uri: request[2], headers, body },
  };
}
