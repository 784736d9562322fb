import { type HeaderList, splitList } from '../message';
import { isSdp } from './app-headers';

const MAX_PARTS = 50;

/** The boundary of a multipart body (RFC 2046 §5.1); null: the body is not multipart. */
export function multipartBoundary(headers: HeaderList): string | null {
  const [type = '', ...params] = splitList(headers.get('content-type') ?? '', ';');
  if (!type.toLowerCase().startsWith('multipart/')) {
    return null;
  }
  for (const param of params) {
    const value = /^boundary\s*=\s*(?:"([^"]{1,70})"|(\S{1,70}))$/i.exec(param);
    const boundary = value?.[1] ?? value?.[2];
    if (boundary !== undefined) {
      return boundary;
    }
  }
  return null;
}

/**
 * The session description of a message: its body, or the `application/sdp` part of a multipart body
 * (RFC 5621 §3.1, RFC 7866 §9.1). @returns null: it has none
 */
export function sessionDescription(headers: HeaderList, body: Buffer): Buffer | null {
  if (body.length === 0) {
    return null;
  }
  const boundary = multipartBoundary(headers);
  if (boundary === null) {
    return isSdp(body) ? body : null;
  }
  const text = body.toString('latin1');
  const parts = text.split(`--${boundary}`, MAX_PARTS).slice(1);
  for (const part of parts) {
    const headEnd = part.indexOf('\r\n\r\n');
    const head = headEnd < 0 ? '' : part.slice(0, headEnd);
    if (/^content-type:[ \t]*application\/sdp/im.test(head)) {
      // The CRLF before a delimiter belongs to the delimiter, but many leave the last SDP line to it.
      const sdp = part.slice(headEnd + 4).replace(/(?:\r\n)+$/, '');
      return Buffer.from(`${sdp}\r\n`, 'latin1');
    }
  }
  return null;
}
