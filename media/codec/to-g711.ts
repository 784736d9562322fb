import { lowPassKernel } from '../audio/resample';
import { decodeSamples, encodeSamples, frameBytesOf, MAX_VALUES } from '../mixer/payload-codec';
import { G722LowBandDecoder } from './g722';
import { isMixable, KIND_G722, KIND_L16 } from './payload-kinds';

/** The clock of what is made here, Hz. */
export const G711_RATE_HZ = 8000;
/** Rates of L16 that are read; kernels are made for these only, whatever a peer names. The index is 3 bits long. */
export const L16_RATES_HZ: readonly number[] = [
  8000, 11_025, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000,
];
/** Zero crossings of the low-pass on each side, in samples of the lower rate. */
const HALF_LENGTH = 16;
/** A timestamp that is further away than this belongs to another timeline, s. */
const MAX_JUMP_S = 60;
/** Where positions begin, so that a reordered packet before the first one has no negative position, s. */
const FIRST_POSITION_S = 3600;

/** Of one packet at a time; the loop that uses it is single-threaded. */
const values = new Int16Array(MAX_VALUES);

/** Whether a payload of the kind can be made G.711. @param rateHz of its RTP clock. */
export function canBecomeG711(kind: number, rateHz: number): boolean {
  return isMixable(kind) && (kind === KIND_L16 ? L16_RATES_HZ.includes(rateHz) : rateHz === 8000);
}

/**
 * Makes G.711 of the payloads of one stream: the other law, G.722 (of which the lower sub-band is all that G.711 can
 * carry), L16 at any of {@link L16_RATES_HZ}. Packet times stay. Its state is bounded, and a packet allocates nothing.
 */
export class ToG711 {
  /** Whether the packet located last is of another timeline than those before. */
  isNewTimeline = true;

  readonly #decoder = new G722LowBandDecoder();
  #ssrc = 0;
  #rateHz = 0;
  #kind = 0;
  #timestamp = 0;
  /** Of the packet located last, in samples of its clock. */
  #position = 0;
  #resampler: Resampler | null = null;

  /**
   * Places a packet; to be called for each one, before {@link write}.
   *
   * @param timestamp signed or unsigned. @param rateHz of its clock, more than 0.
   * @returns the timestamp at 8000 Hz, a signed 32-bit number, on a line of its own.
   */
  locate(ssrc: number, timestamp: number, rateHz: number): number {
    const delta = (timestamp - this.#timestamp) | 0;
    this.isNewTimeline =
      rateHz !== this.#rateHz || ssrc !== this.#ssrc || Math.abs(delta) > MAX_JUMP_S * rateHz;
    const position = this.isNewTimeline ? FIRST_POSITION_S * rateHz : this.#position + delta;
    this.#ssrc = ssrc;
    this.#rateHz = rateHz;
    this.#timestamp = timestamp | 0;
    // So far before the first packet no timeline reaches, but what a peer sends may be anything.
    this.#position = Math.max(0, position);
    return Math.ceil((this.#position * G711_RATE_HZ) / rateHz) | 0;
  }

  /**
   * Transcodes the payload of the packet located last. Source and target may be the same bytes: what is written is
   * never longer than what was read.
   *
   * @param kind of the source, see {@link canBecomeG711}. @param targetKind one of G.711's.
   * @returns bytes written.
   */
  write(
    kind: number,
    source: Uint8Array,
    from: number,
    bytes: number,
    targetKind: number,
    target: Uint8Array,
    to: number,
  ): number {
    const frames = Math.floor(bytes / frameBytesOf(kind));
    if (kind !== this.#kind) {
      this.#kind = kind;
      this.#decoder.reset();
    }
    let samples = frames;
    if (kind === KIND_G722) {
      this.#decoder.decode(source, from, frames, values);
      for (let i = 0; i < frames; i++) {
        values[i] = (values[i] ?? 0) << 1;
      }
    } else {
      decodeSamples(kind, source, from, frames, values);
      if (this.#rateHz !== G711_RATE_HZ) {
        if (this.#resampler?.rateHz !== this.#rateHz) {
          this.#resampler = new Resampler(this.#rateHz);
        }
        samples = this.#resampler.read(values, frames, this.#position);
      }
    }
    encodeSamples(targetKind, values, samples, target, to);
    return samples;
  }
}

/**
 * Brings a stream of samples down to 8000 Hz, in place and packet by packet. Sample k of the output stands at position
 * k · rate / 8000 of the input, less a constant delay of half of the low-pass (2 ms).
 */
class Resampler {
  readonly rateHz: number;
  readonly #half: number;
  readonly #kernels: readonly Float64Array[];
  readonly #phaseStep: number;
  /** The last samples of the packets before, then those of the packet. */
  readonly #line: Int16Array;
  #end = -1;

  constructor(rateHz: number) {
    this.rateHz = rateHz;
    this.#half = halfOf(rateHz);
    this.#phaseStep = greatestCommonDivisor(rateHz, G711_RATE_HZ);
    this.#kernels = kernelsOf(rateHz, this.#phaseStep);
    this.#line = new Int16Array(2 * this.#half + MAX_VALUES);
  }

  /** @param position of the first sample in the input. @returns how many samples stand in `samples` now. */
  read(samples: Int16Array, length: number, position: number): number {
    const { rateHz } = this;
    const line = this.#line;
    const history = 2 * this.#half;
    if (position !== this.#end) {
      // Something is missing, and nothing is known of it.
      line.fill(0, 0, history);
    }
    for (let i = 0; i < length; i++) {
      line[history + i] = samples[i] ?? 0;
    }
    const first = Math.ceil((position * G711_RATE_HZ) / rateHz);
    const behind = Math.ceil(((position + length) * G711_RATE_HZ) / rateHz);
    for (let k = first; k < behind; k++) {
      const scaled = k * rateHz;
      const kernel = this.#kernels[(scaled % G711_RATE_HZ) / this.#phaseStep];
      const start = Math.floor(scaled / G711_RATE_HZ) - position;
      let sum = 0;
      for (let i = 0; i <= history; i++) {
        sum += (line[start + i] ?? 0) * (kernel?.[i] ?? 0);
      }
      samples[k - first] = Math.max(-32_768, Math.min(32_767, Math.round(sum)));
    }
    line.copyWithin(0, length, length + history);
    this.#end = position + length;
    return behind - first;
  }
}

const kernels = new Map<number, readonly Float64Array[]>();

/** One kernel for each place that an output sample can have between two input samples; made once for a rate. */
function kernelsOf(rateHz: number, phaseStep: number): readonly Float64Array[] {
  let made = kernels.get(rateHz);
  if (made === undefined) {
    const phases = G711_RATE_HZ / phaseStep;
    made = Array.from({ length: phases }, (_, phase) =>
      lowPassKernel(phase / phases, rateHz / G711_RATE_HZ, halfOf(rateHz)),
    );
    kernels.set(rateHz, made);
  }
  return made;
}

function halfOf(rateHz: number): number {
  return Math.ceil((HALF_LENGTH * rateHz) / G711_RATE_HZ);
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}
