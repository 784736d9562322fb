import { SipError } from './errors';
import { ALLOWED_METHODS } from './header-policy';
import { warningOf } from './reason';
import { findPart, isMultipart, readMultipart } from './recording/multipart-body';
import { type MessageLike } from './srf-types';

/**
 * The SDP of a message, alone or as a part of a multipart body; null when the message has no body, or, with
 * `otherBodies: 'ignore'`, only others.
 * @throws SipError `REC_ERR_SIP_UNSUPPORTED_BODY`, `REC_ERR_SIP_BAD_MULTIPART`
 */
export function readSdpBody(
  message: MessageLike,
  otherBodies: 'ignore' | 'refuse' = 'ignore',
): string | null {
  const body = message.body ?? '';
  if (body.trim() === '') {
    return null;
  }
  const contentType = message.get('content-type') ?? 'application/sdp';
  if (isMultipart(contentType)) {
    const part = findPart(
      readMultipart(contentType, body).parts,
      each => each.mediaType === 'application/sdp',
    );
    if (part !== null) {
      return part.body.toString('utf8');
    }
  } else if (/^\s*application\/sdp\s*(;|$)/i.test(contentType)) {
    return body;
  }
  if (otherBodies === 'refuse') {
    throw new SipError('REC_ERR_SIP_UNSUPPORTED_BODY', 'the body is not SDP', {
      details: { contentType: contentType.slice(0, 200) },
    });
  }
  return null;
}

/** How to refuse a request whose body cannot be used (RFC 3261 §8.2.3, §20.43). */
export function refusalFor(error: unknown): {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
} {
  if (error instanceof SipError) {
    if (error.code === 'REC_ERR_SIP_NOT_ANCHORABLE') {
      const code = error.details['reason'] === 'srtp-only' ? 305 : 304;
      return { status: 488, headers: { Warning: warningOf(code, error.message) } };
    }
    if (error.code === 'REC_ERR_SIP_UNSUPPORTED_BODY') {
      return {
        status: 415,
        headers: { Accept: 'application/sdp, multipart/mixed', Allow: ALLOWED_METHODS },
      };
    }
    if (error.code === 'REC_ERR_SIP_BAD_SDP' || error.code === 'REC_ERR_SIP_BAD_MULTIPART') {
      return { status: 400, headers: { Warning: warningOf(399, error.message) } };
    }
    if (error.code === 'REC_ERR_SIP_BAD_ANSWER') {
      return { status: 502, headers: { Warning: warningOf(399, error.message) } };
    }
  }
  return { status: 500, headers: {} };
}
