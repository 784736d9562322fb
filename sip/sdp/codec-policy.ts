import { agreedFormats, payloadFormats } from './offer-answer';
import {
  attributeName,
  type MediaDescription,
  type SessionDescription,
} from './session-description';

/** Encodings that carry no speech of their own: they go with any codec. */
const ALWAYS_ALLOWED: ReadonlySet<string> = new Set(['TELEPHONE-EVENT', 'CN']);
/** Attributes that begin with a payload type (RFC 8866 §6.6, §6.15; RFC 4585 §4.2). */
const FORMAT_ATTRIBUTES: ReadonlySet<string> = new Set(['rtpmap', 'fmtp', 'rtcp-fb']);

/**
 * Takes encodings out of one m-line, with what is said about them.
 * @param allowed upper case; TELEPHONE-EVENT and CN need not be in it
 * @returns the same description when all may stay; null when no speech codec would be left
 */
export function keepEncodings(
  description: SessionDescription,
  mediaIndex: number,
  allowed: readonly string[],
): SessionDescription | null {
  const media = description.media[mediaIndex];
  if (media === undefined || media.port === 0) {
    return description;
  }
  const formats = payloadFormats(media);
  const kept = formats.filter(
    ({ encoding }) => ALWAYS_ALLOWED.has(encoding) || allowed.includes(encoding),
  );
  return kept.some(({ encoding }) => !ALWAYS_ALLOWED.has(encoding))
    ? keepPayloadTypes(description, mediaIndex, new Set(kept.map(each => each.payloadType)))
    : null;
}

/** Leaves an m-line with these payload types alone, in their order; unchanged when they are all that it has. */
export function keepPayloadTypes(
  description: SessionDescription,
  mediaIndex: number,
  kept: ReadonlySet<number>,
): SessionDescription {
  const media = description.media[mediaIndex];
  if (media === undefined || media.formats.every(text => kept.has(Number(text)))) {
    return description;
  }
  const reduced: MediaDescription = {
    ...media,
    formats: media.formats.filter(text => kept.has(Number(text))),
    lines: media.lines.filter(line => {
      const payloadType = /^a=[a-z-]+:\s*(\d{1,3})\b/i.exec(line)?.[1];
      return (
        payloadType === undefined ||
        !FORMAT_ATTRIBUTES.has(attributeName(line) ?? '') ||
        kept.has(Number(payloadType))
      );
    }),
  };
  return { ...description, media: description.media.with(mediaIndex, reduced) };
}

/** The codecs alone that the peer has agreed to as well; all of them where that would leave none. Pure. */
export function keepAgreed(
  description: SessionDescription,
  peer: SessionDescription | null,
  mediaIndex: number,
): SessionDescription {
  const ours = description.media[mediaIndex];
  const theirs = peer?.media[mediaIndex];
  const agreed =
    ours === undefined || theirs === undefined
      ? []
      : agreedFormats(payloadFormats(ours), payloadFormats(theirs), 'offer');
  return agreed.length === 0
    ? description
    : keepPayloadTypes(description, mediaIndex, new Set(agreed.map(each => each.payloadType)));
}
