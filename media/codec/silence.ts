import { type PayloadFormat } from '#core';
import { G711_SILENCE } from './g711';
import { type G722BandDecoder, G722BandEncoder } from './g722';
import { KIND_G722, KIND_L16, KIND_PCMA, KIND_PCMU, kindOf } from './payload-kinds';
import { canBecomeG711 } from './to-g711';

/** Packets of silence per second, unless so many samples would not fit into one. */
const PACKETS_PER_S = 50;
/** Below the MTU of any network, with room for SRTP and headers. */
const MAX_PAYLOAD_BYTES = 1300;
/** Of G.722: sub-bands without a sound, for one packet. */
const SILENT_PAIRS = new Int16Array((2 * 8000) / PACKETS_PER_S);

/** Makes packets of silence, one after the other. */
export interface Silence {
  /** See payload-kinds. */
  readonly kind: number;
  readonly payloadType: number;
  readonly rateHz: number;
  /** How long one packet is, in timestamp units. */
  readonly units: number;
  readonly payloadBytes: number;
  /** Writes the next payload. */
  write(bytes: Uint8Array, at: number): void;
}

/** Whether silence can be made in the format: PCMU, PCMA, G.722 and L16 of one channel. */
export function canBeSilent(format: PayloadFormat): boolean {
  return canBecomeG711(kindOf(format), format.clockRateHz);
}

/**
 * The silence of a codec: what it makes of samples that are zero.
 * @param rateHz of the RTP clock.
 * @param heard of G.722: has decoded what came before. Its code words mean something to a decoder in that state only.
 * @returns null for a codec whose silence is not known here.
 */
export function silenceOf(
  kind: number,
  payloadType: number,
  rateHz: number,
  heard: G722BandDecoder | null = null,
): Silence | null {
  if (!canBecomeG711(kind, rateHz)) {
    return null;
  }
  const bytesPerUnit = kind === KIND_L16 ? 2 : 1;
  const perSecond =
    (rateHz / PACKETS_PER_S) * bytesPerUnit > MAX_PAYLOAD_BYTES ? 2 * PACKETS_PER_S : PACKETS_PER_S;
  const units = Math.floor(rateHz / perSecond);
  const payloadBytes = units * bytesPerUnit;
  const write = kind === KIND_G722 ? g722Writer(payloadBytes, heard) : filler(kind, payloadBytes);
  return { kind, payloadType, rateHz, units, payloadBytes, write };
}

function filler(kind: number, length: number): Silence['write'] {
  const code = CODES[kind] ?? 0;
  return (bytes, at) => {
    bytes.fill(code, at, at + length);
  };
}

const CODES: Readonly<Record<number, number>> = {
  [KIND_PCMU]: G711_SILENCE.PCMU,
  [KIND_PCMA]: G711_SILENCE.PCMA,
  [KIND_L16]: 0,
};

function g722Writer(length: number, heard: G722BandDecoder | null): Silence['write'] {
  const encoder = new G722BandEncoder();
  if (heard !== null) {
    encoder.continueFrom(heard);
  }
  return (bytes, at) => {
    encoder.encode(SILENT_PAIRS, length, bytes, at);
  };
}

/** How long the payload of a kind is, in timestamp units. */
export function unitsOf(kind: number, payloadBytes: number): number {
  return kind === KIND_L16 ? payloadBytes >> 1 : payloadBytes;
}
