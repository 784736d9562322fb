import { type PayloadFormat } from '#core';
import { keepPayloadTypes } from './codec-policy';
import { payloadFormats, reverseDirection } from './offer-answer';
import {
  attributeName,
  directionOf,
  type SessionDescription,
  statedDirection,
} from './session-description';

/** An answer that is made without the other side. */
export interface PreAnswer {
  /** The speech codec, then telephone-event when it was offered at the same rate. */
  readonly formats: readonly PayloadFormat[];
  /** The offer with these formats alone: what the other side may choose from afterwards. */
  readonly offer: SessionDescription;
  /** The answer, still without our address. */
  readonly answer: SessionDescription;
}

/**
 * Answers an offer by ourselves with one codec.
 * @param encodings upper case; the first format of the offer that is one of them is taken
 * @returns null when the offer has none of them
 */
export function preAnswer(
  offer: SessionDescription,
  mediaIndex: number,
  encodings: readonly string[],
): PreAnswer | null {
  const media = offer.media[mediaIndex];
  const offered = media === undefined ? [] : payloadFormats(media);
  const codec = offered.find(({ encoding }) => encodings.includes(encoding));
  if (media === undefined || codec === undefined) {
    return null;
  }
  const events = offered.filter(
    ({ encoding, clockRateHz }) =>
      encoding === 'TELEPHONE-EVENT' && clockRateHz === codec.clockRateHz,
  );
  const formats = [codec, ...events];
  const kept = new Set(formats.map(({ payloadType }) => payloadType));
  const narrowed = keepPayloadTypes(offer, mediaIndex, kept);
  const answer: SessionDescription = {
    session: narrowed.session.filter(line => /^[vsct]=/.test(line)),
    media: narrowed.media.map(each => ({
      ...each,
      lines: [
        ...each.lines.filter(
          line =>
            line.startsWith('c=') ||
            ['rtpmap', 'fmtp', 'ptime', 'rtcp-mux'].includes(attributeName(line) ?? ''),
        ),
        ...(statedDirection([...offer.session, ...each.lines]) === null
          ? []
          : [`a=${reverseDirection(directionOf(offer, each))}`]),
      ],
    })),
  };
  return { formats, offer: narrowed, answer };
}
