import { type PayloadFormat } from '#core';
import { TableCache } from '../rtp/payload-types';

/** What the packet loop does with a payload; numbers, because every packet has one. */
export const KIND_OTHER = 0;
export const KIND_PCMU = 1;
export const KIND_PCMA = 2;
export const KIND_G722 = 3;
export const KIND_L16 = 4;
/** RFC 4733. */
export const KIND_EVENT = 5;
/** RFC 3389. */
export const KIND_COMFORT_NOISE = 6;

const PAYLOAD_TYPES = 128;

const tables = new TableCache(
  formats => {
    const kinds = new Uint8Array(PAYLOAD_TYPES);
    // Static types of RFC 3551 §6, for peers that name none of them.
    kinds[0] = KIND_PCMU;
    kinds[8] = KIND_PCMA;
    kinds[9] = KIND_G722;
    kinds[11] = KIND_L16;
    kinds[13] = KIND_COMFORT_NOISE;
    for (const format of formats) {
      kinds[format.payloadType] = kindOf(format);
    }
    return kinds;
  },
  ({ payloadType, encoding, channels }) => `${payloadType} ${encoding} ${channels}`,
);

/** The kind of each payload type under the agreed formats. Shared: not to be changed. */
export function payloadKindTable(formats: readonly PayloadFormat[]): Uint8Array {
  return tables.get(formats);
}

/** @param format `encoding` in upper case. */
export function kindOf({ encoding, channels }: PayloadFormat): number {
  switch (encoding) {
    case 'TELEPHONE-EVENT':
      return KIND_EVENT;
    case 'CN':
      return KIND_COMFORT_NOISE;
    default:
      return channels > 1 ? KIND_OTHER : (AUDIO_KINDS[encoding] ?? KIND_OTHER);
  }
}

const AUDIO_KINDS: Readonly<Record<string, number>> = {
  PCMU: KIND_PCMU,
  PCMA: KIND_PCMA,
  G722: KIND_G722,
  L16: KIND_L16,
};

/** Whether samples of the kind can be read and written here. */
export function isMixable(kind: number): boolean {
  return kind >= KIND_PCMU && kind <= KIND_L16;
}
