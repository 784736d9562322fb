import { G711_TABLES, type G711Tables } from '../codec/g711';
import { type G722BandDecoder } from '../codec/g722';
import { KIND_G722, KIND_L16, KIND_PCMA } from '../codec/payload-kinds';
import { MAX_PACKET_BYTES } from '../rtp/header';

/** Values of the longest payload, and a pair of sub-bands for each of its bytes. */
export const MAX_VALUES = 2 * MAX_PACKET_BYTES;

/** Values per frame: G.722 is mixed as pairs of sub-bands, everything else as samples. */
export function lanesOf(kind: number): number {
  return kind === KIND_G722 ? 2 : 1;
}

/** Bytes of one frame on the wire. */
export function frameBytesOf(kind: number): number {
  return kind === KIND_L16 ? 2 : 1;
}

/** The largest value of a codec's frames. */
export function limitOf(kind: number): number {
  return kind === KIND_G722 ? 16_383 : 32_767;
}

/** Payload to values, in one of the mixable kinds. @param frames as many as the payload holds. */
export function decodePayload(
  kind: number,
  bytes: Uint8Array,
  at: number,
  frames: number,
  values: Int16Array,
  g722: G722BandDecoder,
): void {
  if (kind === KIND_G722) {
    g722.decode(bytes, at, frames, values);
  } else {
    decodeSamples(kind, bytes, at, frames, values);
  }
}

/** The same for kinds that have no memory. */
export function decodeSamples(
  kind: number,
  bytes: Uint8Array,
  at: number,
  frames: number,
  values: Int16Array,
): void {
  if (kind === KIND_L16) {
    // Network byte order (RFC 3551 §4.5.11).
    for (let i = 0; i < frames; i++) {
      values[i] = ((bytes[at + 2 * i] ?? 0) << 8) | (bytes[at + 2 * i + 1] ?? 0);
    }
    return;
  }
  const { decode } = lawOf(kind);
  for (let i = 0; i < frames; i++) {
    values[i] = decode[bytes[at + i] ?? 0] ?? 0;
  }
}

/** Values to payload of a kind that has no memory, over what stands there. */
export function encodeSamples(
  kind: number,
  values: Int16Array,
  frames: number,
  bytes: Uint8Array,
  at: number,
): void {
  if (kind === KIND_L16) {
    for (let i = 0; i < frames; i++) {
      const value = values[i] ?? 0;
      bytes[at + 2 * i] = value >> 8;
      bytes[at + 2 * i + 1] = value & 0xff;
    }
    return;
  }
  const { encode } = lawOf(kind);
  for (let i = 0; i < frames; i++) {
    bytes[at + i] = encode[(values[i] ?? 0) & 0xffff] ?? 0;
  }
}

/** The tables of a law. @param kind `KIND_PCMU` or `KIND_PCMA`. */
export function lawOf(kind: number): G711Tables {
  return kind === KIND_PCMA ? G711_TABLES.PCMA : G711_TABLES.PCMU;
}
