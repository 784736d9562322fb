import { G722Band, HIGH_BAND, LOW_BAND } from './g722-band';
import {
  HIGH_DECISION_LEVEL,
  HIGH_OUTPUT,
  HIGH_SCALE_STEPS,
  LOW_CODES_NEGATIVE,
  LOW_CODES_POSITIVE,
  LOW_DECISION_LEVELS,
  LOW_OUTPUT_4,
  LOW_OUTPUT_6,
  LOW_SCALE_STEPS,
  QMF_TAPS,
} from './g722-tables';

/**
 * ITU-T G.722 at 64 kbit/s: 7 kHz audio in two sub-bands of 8 kHz each, one octet for a pair of their samples (two bits
 * of the upper band, then six of the lower). RTP payload type 9, whose clock says 8000 Hz (RFC 3551 §4.5.2).
 *
 * Sub-bands are kept apart here from the filters that split and join them: a mixer that adds one signal to another
 * works on sub-bands, needs no filter, and so delays nothing. Samples of sub-bands are signed 15-bit numbers, half of
 * the 16-bit scale, and lie as pairs: lower, upper, lower, upper …
 */

/** Code words to sub-bands. */
export class G722BandDecoder {
  readonly low = new G722Band(LOW_BAND);
  readonly high = new G722Band(HIGH_BAND);

  reset(): void {
    this.low.reset();
    this.high.reset();
  }

  /** Decodes `length` octets from `at` into as many pairs at the start of `pairs`. One band after the other is faster. */
  decode(bytes: Uint8Array, at: number, length: number, pairs: Int16Array): void {
    const { low, high } = this;
    for (let i = 0; i < length; i++) {
      pairs[2 * i] = decodeLow(low, (bytes[at + i] ?? 0) & 0x3f);
    }
    for (let i = 0; i < length; i++) {
      pairs[2 * i + 1] = decodeHigh(high, (bytes[at + i] ?? 0) >> 6);
    }
  }
}

/** Code words to the lower sub-band alone: all of a call that telephone bandwidth has, for half of the work. */
export class G722LowBandDecoder {
  readonly #low = new G722Band(LOW_BAND);

  reset(): void {
    this.#low.reset();
  }

  /** Decodes `length` octets from `at` into as many samples of the band at the start of `samples`. */
  decode(bytes: Uint8Array, at: number, length: number, samples: Int16Array): void {
    const low = this.#low;
    for (let i = 0; i < length; i++) {
      samples[i] = decodeLow(low, (bytes[at + i] ?? 0) & 0x3f);
    }
  }
}

/** Sub-bands to code words. */
export class G722BandEncoder {
  readonly low = new G722Band(LOW_BAND);
  readonly high = new G722Band(HIGH_BAND);

  reset(): void {
    this.low.reset();
    this.high.reset();
  }

  /**
   * Takes over from a decoder: whoever followed the code words so far follows those of this encoder without a seam,
   * because the adaptive part of both is the same.
   */
  continueFrom(decoder: G722BandDecoder): void {
    this.low.copyFrom(decoder.low);
    this.high.copyFrom(decoder.high);
  }

  /** Encodes `length` pairs into as many octets from `at`. */
  encode(pairs: Int16Array, length: number, bytes: Uint8Array, at: number): void {
    const { low, high } = this;
    for (let i = 0; i < length; i++) {
      const { step } = low;
      const code = quantiseLow((pairs[2 * i] ?? 0) - low.prediction, step);
      adaptLow(low, code, step);
      bytes[at + i] = code;
    }
    for (let i = 0; i < length; i++) {
      const { step } = high;
      const code = quantiseHigh((pairs[2 * i + 1] ?? 0) - high.prediction, step);
      high.adapt((step * (HIGH_OUTPUT[code] ?? 0)) >> 15, HIGH_SCALE_STEPS[code] ?? 0);
      bytes[at + i] = (bytes[at + i] ?? 0) | (code << 6);
    }
  }
}

/**
 * Splits 16 kHz PCM into sub-bands; an odd last sample is left out.
 *
 * @returns pairs, as many as half of the samples.
 */
export function splitBands(samples: Int16Array): Int16Array {
  const pairs = new Int16Array(samples.length & ~1);
  for (let n = 0; n < pairs.length; n += 2) {
    let odd = 0;
    let even = 0;
    for (let i = 0; i < QMF_TAPS.length; i++) {
      const tap = QMF_TAPS[i] ?? 0;
      odd += (samples[n - 22 + 2 * i] ?? 0) * tap;
      even += (samples[n + 1 - 2 * i] ?? 0) * tap;
    }
    // The filter's gain is 4096 for each of two branches, and bands have 15 bits.
    pairs[n] = limit15((even + odd) >> 14);
    pairs[n + 1] = limit15((even - odd) >> 14);
  }
  return pairs;
}

/** Joins sub-bands to 16 kHz PCM. */
export function joinBands(pairs: Int16Array): Int16Array {
  const samples = new Int16Array(pairs.length);
  for (let n = 0; n < pairs.length; n += 2) {
    let first = 0;
    let second = 0;
    for (let i = 0; i < QMF_TAPS.length; i++) {
      const tap = QMF_TAPS[i] ?? 0;
      const earlier = n - 22 + 2 * i;
      second += ((pairs[earlier] ?? 0) + (pairs[earlier + 1] ?? 0)) * tap;
      const later = n - 2 * i;
      first += ((pairs[later] ?? 0) - (pairs[later + 1] ?? 0)) * tap;
    }
    samples[n] = limit16(first >> 11);
    samples[n + 1] = limit16(second >> 11);
  }
  return samples;
}

/** Encodes 16 kHz PCM from a reset state; one octet for two samples. */
export function encodeG722(samples: Int16Array): Uint8Array {
  const pairs = splitBands(samples);
  const codes = new Uint8Array(pairs.length / 2);
  new G722BandEncoder().encode(pairs, codes.length, codes, 0);
  return codes;
}

/** Decodes to 16 kHz PCM from a reset state; two samples for an octet. */
export function decodeG722(codes: Uint8Array): Int16Array {
  const pairs = new Int16Array(2 * codes.length);
  new G722BandDecoder().decode(codes, 0, codes.length, pairs);
  return joinBands(pairs);
}

function decodeLow(low: G722Band, code: number): number {
  const { step } = low;
  const value = limit15(low.prediction + ((step * (LOW_OUTPUT_6[code] ?? 0)) >> 15));
  adaptLow(low, code, step);
  return value;
}

function decodeHigh(high: G722Band, code: number): number {
  const difference = (high.step * (HIGH_OUTPUT[code] ?? 0)) >> 15;
  const value = limit15(high.prediction + difference);
  high.adapt(difference, HIGH_SCALE_STEPS[code] ?? 0);
  return value;
}

function adaptLow(low: G722Band, code: number, step: number): void {
  const adapting = code >> 2;
  low.adapt((step * (LOW_OUTPUT_4[adapting] ?? 0)) >> 15, LOW_SCALE_STEPS[adapting] ?? 0);
}

/** §3.3: in which of the intervals, scaled by the step, the difference lies. */
function quantiseLow(difference: number, step: number): number {
  const magnitude = difference >= 0 ? difference : -(difference + 1);
  let inside = 0;
  let beyond = LOW_DECISION_LEVELS.length;
  while (beyond - inside > 1) {
    const middle = (inside + beyond) >> 1;
    if (magnitude >= ((LOW_DECISION_LEVELS[middle] ?? 0) * step) >> 12) {
      inside = middle;
    } else {
      beyond = middle;
    }
  }
  const codes = difference < 0 ? LOW_CODES_NEGATIVE : LOW_CODES_POSITIVE;
  return codes[beyond] ?? 0;
}

function quantiseHigh(difference: number, step: number): number {
  const magnitude = difference >= 0 ? difference : -(difference + 1);
  const isOuter = magnitude >= (HIGH_DECISION_LEVEL * step) >> 12;
  return (isOuter ? 0 : 1) + (difference < 0 ? 0 : 2);
}

function limit15(value: number): number {
  return value > 16_383 ? 16_383 : value < -16_384 ? -16_384 : value;
}

function limit16(value: number): number {
  return value > 32_767 ? 32_767 : value < -32_768 ? -32_768 : value;
}
