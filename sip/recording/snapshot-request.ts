import { type MessageLike } from '../srf-types';
import { findPart, isMultipart, readMultipart } from './multipart-body';
import { METADATA_TYPES } from './signalling-profile';

const MAX_CHARS = 65_536;

/**
 * Whether a message of the SRS asks for a complete snapshot (RFC 7866 §9.2, RFC 7865 §7), and why.
 * @returns null: it does not. reason: text of `requestreason`, or null
 */
export function readSnapshotRequest(
  message: MessageLike,
): { readonly reason: string | null } | null {
  const document = metadataOf(message);
  if (document === null || document.length > MAX_CHARS) {
    return null;
  }
  // The root element; a prolog and comments may stand before it.
  const root = /<(?![?!])(?:[\w.-]+:)?([\w.-]+)[\s/>]/.exec(document)?.[1];
  if (root !== 'requestsnapshot') {
    return null;
  }
  const reason = /<(?:[\w.-]+:)?requestreason(?:\s[^<>]*)?>([^<]*)</.exec(document)?.[1]?.trim();
  return { reason: reason === undefined || reason === '' ? null : decode(reason).slice(0, 500) };
}

/** The rs-metadata of a message, alone or in a multipart body; null without one. Never throws. */
export function metadataOf(message: MessageLike): string | null {
  const body = message.body ?? '';
  const contentType = message.get('content-type') ?? '';
  if (body === '') {
    return null;
  }
  if (!isMultipart(contentType)) {
    const mediaType = contentType.split(';', 1)[0]?.trim().toLowerCase() ?? '';
    return METADATA_TYPES.has(mediaType) ? body : null;
  }
  try {
    const part = findPart(readMultipart(contentType, body).parts, each =>
      METADATA_TYPES.has(each.mediaType),
    );
    return part?.body.toString('utf8') ?? null;
  } catch {
    return null;
  }
}

function decode(text: string): string {
  return text
    .replace(/&lt;/g, '<')
    .replace(/&gt;/g, '>')
    .replace(/&quot;/g, '"')
    .replace(/&apos;/g, "'")
    .replace(/&amp;/g, '&');
}
