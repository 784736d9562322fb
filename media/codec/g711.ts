/**
 * G.711 (ITU-T): 8-bit logarithmic samples at 8 kHz, RTP payload types 0 (PCMU) and 8 (PCMA), RFC 3551 §4.5.14.
 *
 * Linear samples are signed 16 bit; µ-law uses the upper 14 of them, A-law the upper 13. Both directions are
 * table look-ups: 256 entries to decode, 65 536 to encode.
 */

/** The two laws of G.711 by their RTP encoding names. */
export type G711Encoding = 'PCMU' | 'PCMA';

/** The code words of digital silence (linear 0). */
export const G711_SILENCE: Readonly<Record<G711Encoding, number>> = { PCMU: 0xff, PCMA: 0xd5 };

const ULAW_BIAS = 0x84;
const ULAW_CLIP = 32_635;

/** One µ-law code word as linear PCM: inverted bits `s eee mmmm`, value `((m·8 + bias) << e) − bias`. */
function decodeUlaw(code: number): number {
  const bits = ~code & 0xff;
  const exponent = (bits >> 4) & 0x07;
  const magnitude = ((((bits & 0x0f) << 3) + ULAW_BIAS) << exponent) - ULAW_BIAS;
  return (bits & 0x80) === 0 ? magnitude : -magnitude;
}

/** One linear sample as a µ-law code word. */
function encodeUlaw(sample: number): number {
  const sign = sample < 0 ? 0x80 : 0;
  const biased = Math.min(Math.abs(sample), ULAW_CLIP) + ULAW_BIAS;
  const exponent = segmentOf(biased >> 7);
  const mantissa = (biased >> (exponent + 3)) & 0x0f;
  return ~(sign | (exponent << 4) | mantissa) & 0xff;
}

/** One A-law code word as linear PCM: even bits inverted, sign bit set for positive values. */
function decodeAlaw(code: number): number {
  const bits = code ^ 0x55;
  const exponent = (bits >> 4) & 0x07;
  const step = ((bits & 0x0f) << 4) + 8;
  const magnitude = exponent === 0 ? step : (step + 0x100) << (exponent - 1);
  return (bits & 0x80) === 0 ? -magnitude : magnitude;
}

/** One linear sample as an A-law code word. */
function encodeAlaw(sample: number): number {
  // One's complement keeps the negative half symmetric: −1 belongs to the same step as 0.
  const magnitude = sample < 0 ? ~sample : sample;
  const sign = sample < 0 ? 0 : 0x80;
  const exponent = segmentOf(magnitude >> 8);
  const bits =
    magnitude < 0x100
      ? magnitude >> 4
      : ((exponent + 1) << 4) | ((magnitude >> (exponent + 4)) & 0x0f);
  return (sign | bits) ^ 0x55;
}

/** Index of the highest set bit of a value 0–255 (0 for 0). */
function segmentOf(value: number): number {
  return value === 0 ? 0 : 31 - Math.clz32(value);
}

/** Look-up tables of one law. Shared: not to be changed. */
export interface G711Tables {
  readonly decode: Int16Array;
  /** Indexed by the sample's bits read as unsigned 16 bit. */
  readonly encode: Uint8Array;
}

function buildTables(
  decodeOne: (code: number) => number,
  encodeOne: (sample: number) => number,
): G711Tables {
  const decode = new Int16Array(256);
  for (let code = 0; code < decode.length; code++) {
    decode[code] = decodeOne(code);
  }
  const encode = new Uint8Array(65_536);
  for (let sample = -32_768; sample < 32_768; sample++) {
    encode[sample & 0xffff] = encodeOne(sample);
  }
  return { decode, encode };
}

/** The tables, for loops that work in place. */
export const G711_TABLES: Readonly<Record<G711Encoding, G711Tables>> = {
  PCMU: buildTables(decodeUlaw, encodeUlaw),
  PCMA: buildTables(decodeAlaw, encodeAlaw),
};

/**
 * Decodes code words to linear PCM (signed 16 bit, full scale ±32 124 for PCMU, ±32 256 for PCMA).
 *
 * @param target where to write; as long as `codes` at least. A new array when left out.
 * @returns `target`.
 * @throws RangeError when `target` is too short.
 */
export function decodeG711(
  encoding: G711Encoding,
  codes: Uint8Array,
  target: Int16Array = new Int16Array(codes.length),
): Int16Array {
  if (target.length < codes.length) {
    throw new RangeError(`target holds ${target.length} samples, ${codes.length} needed`);
  }
  const { decode } = G711_TABLES[encoding];
  for (let i = 0; i < codes.length; i++) {
    target[i] = decode[codes[i] ?? 0] ?? 0;
  }
  return target;
}

/**
 * Encodes linear PCM (signed 16 bit) to code words; values beyond full scale are clipped.
 *
 * @param target where to write; as long as `samples` at least. A new array when left out.
 * @returns `target`.
 * @throws RangeError when `target` is too short.
 */
export function encodeG711(
  encoding: G711Encoding,
  samples: Int16Array,
  target: Uint8Array = new Uint8Array(samples.length),
): Uint8Array {
  if (target.length < samples.length) {
    throw new RangeError(`target holds ${target.length} bytes, ${samples.length} needed`);
  }
  const { encode } = G711_TABLES[encoding];
  for (let i = 0; i < samples.length; i++) {
    target[i] = encode[(samples[i] ?? 0) & 0xffff] ?? 0;
  }
  return target;
}
