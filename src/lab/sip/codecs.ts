import { type Direction, type PayloadFormat } from '#core';
import { type G711Encoding } from '#media';
import { type SpeechEncoding } from '../audio/speech-codec';

/** RFC 3551 §4.5.2: its clock says 8000 Hz. */
export const G722: PayloadFormat = {
  payloadType: 9,
  encoding: 'G722',
  clockRateHz: 8000,
  channels: 1,
};
export const TELEPHONE_EVENT: PayloadFormat = {
  payloadType: 101,
  encoding: 'TELEPHONE-EVENT',
  clockRateHz: 8000,
  channels: 1,
  fmtp: '0-15',
};

export function isG711(format: PayloadFormat): boolean {
  return (
    (format.encoding === 'PCMU' || format.encoding === 'PCMA') &&
    format.clockRateHz === 8000 &&
    format.channels === 1
  );
}

export function isTelephoneEvent(format: PayloadFormat): boolean {
  return format.encoding === 'TELEPHONE-EVENT' && format.clockRateHz === 8000;
}

/** The G.711 law of a payload type among agreed formats; null for anything else. */
export function lawOf(formats: readonly PayloadFormat[], payloadType: number): G711Encoding | null {
  const format = formats.find(candidate => candidate.payloadType === payloadType);
  return format === undefined || !isG711(format)
    ? null
    : format.encoding === 'PCMA'
      ? 'PCMA'
      : 'PCMU';
}

/** What a phone speaks under a payload type of agreed formats; null for anything else. */
export function speechOf(
  formats: readonly PayloadFormat[],
  payloadType: number,
): SpeechEncoding | null {
  const format = formats.find(candidate => candidate.payloadType === payloadType);
  return format !== undefined && isG722(format) ? 'G722' : lawOf(formats, payloadType);
}

function isG722({ encoding, clockRateHz, channels }: PayloadFormat): boolean {
  return encoding === 'G722' && clockRateHz === 8000 && channels === 1;
}

/**
 * What we answer to offered formats (RFC 3264 §6.1), in the offer's order and with its payload types.
 * @param encodings those that we take.
 * @returns empty when there is no common audio format.
 */
export function acceptFormats(
  offered: readonly PayloadFormat[],
  encodings: readonly SpeechEncoding[] = ['PCMU', 'PCMA'],
): PayloadFormat[] {
  const audio = offered.filter(
    format =>
      (isG711(format) || isG722(format)) && encodings.some(each => each === format.encoding),
  );
  return audio.length === 0 ? [] : [...audio, ...offered.filter(isTelephoneEvent)];
}

/** The direction to answer when we would like to do `wanted` (RFC 3264 §6.1). */
export function answerDirection(offered: Direction, wanted: Direction): Direction {
  const weSend = wanted.startsWith('send') && (offered === 'sendrecv' || offered === 'recvonly');
  const weReceive = (wanted === 'sendrecv' || wanted === 'recvonly') && offered.startsWith('send');
  if (weSend) {
    return weReceive ? 'sendrecv' : 'sendonly';
  }
  return weReceive ? 'recvonly' : 'inactive';
}
