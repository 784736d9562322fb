import { type Direction, type PayloadFormat } from '#core';
import { mediaAttributes, type MediaDescription } from './session-description';

/** What a direction means for whoever wrote it. */
export interface Flow {
  readonly sends: boolean;
  readonly receives: boolean;
}

/** A direction as two flags. */
export function toFlow(direction: Direction): Flow {
  return {
    sends: direction === 'sendrecv' || direction === 'sendonly',
    receives: direction === 'sendrecv' || direction === 'recvonly',
  };
}

/** Two flags as a direction. */
export function toDirection(flow: Flow): Direction {
  if (flow.sends) {
    return flow.receives ? 'sendrecv' : 'sendonly';
  }
  return flow.receives ? 'recvonly' : 'inactive';
}

/** The same direction from the other side's point of view. */
export function reverseDirection(direction: Direction): Direction {
  const flow = toFlow(direction);
  return toDirection({ sends: flow.receives, receives: flow.sends });
}

/**
 * The direction to answer with (RFC 3264 §6.1): what we want, as far as the offer lets us.
 * @param offered as the offerer wrote it
 * @param wanted as we would write it
 */
export function answerDirection(offered: Direction, wanted: Direction): Direction {
  const theirs = toFlow(offered);
  const ours = toFlow(wanted);
  return toDirection({
    sends: ours.sends && theirs.receives,
    receives: ours.receives && theirs.sends,
  });
}

/** Payload types that need no `a=rtpmap` (RFC 3551 §6, audio). */
const STATIC_FORMATS: Readonly<Record<number, readonly [string, number, number]>> = {
  0: ['PCMU', 8_000, 1],
  3: ['GSM', 8_000, 1],
  4: ['G723', 8_000, 1],
  5: ['DVI4', 8_000, 1],
  6: ['DVI4', 16_000, 1],
  7: ['LPC', 8_000, 1],
  8: ['PCMA', 8_000, 1],
  9: ['G722', 8_000, 1],
  10: ['L16', 44_100, 2],
  11: ['L16', 44_100, 1],
  12: ['QCELP', 8_000, 1],
  13: ['CN', 8_000, 1],
  14: ['MPA', 90_000, 1],
  15: ['G728', 8_000, 1],
  16: ['DVI4', 11_025, 1],
  17: ['DVI4', 22_050, 1],
  18: ['G729', 8_000, 1],
};

/** The formats of an m-line in its order. Dynamic payload types without an `a=rtpmap` are left out. */
export function payloadFormats(media: MediaDescription): readonly PayloadFormat[] {
  const attributes = mediaAttributes(media);
  const formats: PayloadFormat[] = [];
  for (const text of media.formats) {
    const payloadType = /^\d{1,3}$/.test(text) ? Number(text) : -1;
    const mapped = attributes.rtpmaps.find(map => map.payloadType === payloadType);
    const known = STATIC_FORMATS[payloadType];
    const base =
      mapped ??
      (known && { payloadType, encoding: known[0], clockRateHz: known[1], channels: known[2] });
    if (base !== undefined && !formats.some(each => each.payloadType === payloadType)) {
      const fmtp = attributes.fmtps.find(each => each.payloadType === payloadType)?.value;
      formats.push(fmtp === undefined ? base : { ...base, fmtp });
    }
  }
  return formats;
}

/** Whether two formats are the same codec, whatever their numbers (RFC 3264 §6.1). */
export function isSameCodec(a: PayloadFormat, b: PayloadFormat): boolean {
  return a.encoding === b.encoding && a.clockRateHz === b.clockRateHz && a.channels === b.channels;
}

/**
 * The formats that both sides of a stream named, in the order of the answer.
 * @param answer formats of the answer
 * @param offer formats of the offer
 * @param numbering whose payload type numbers (and fmtp) the result carries; they may differ
 */
export function agreedFormats(
  offer: readonly PayloadFormat[],
  answer: readonly PayloadFormat[],
  numbering: 'offer' | 'answer',
): readonly PayloadFormat[] {
  return answer.flatMap(answered => {
    const offered = offer.find(each => isSameCodec(each, answered));
    return offered === undefined ? [] : [numbering === 'offer' ? offered : answered];
  });
}
