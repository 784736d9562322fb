import { G722BandDecoder } from '../codec/g722';
import { isMixable, KIND_G722 } from '../codec/payload-kinds';
import { decodePayload, frameBytesOf, MAX_VALUES } from '../mixer/payload-codec';
import { payloadEnd, payloadStart } from '../rtp/header';
import { LEG } from './counters';

/** How often a level is measured, ms. */
const INTERVAL_MS = 200;
/** A level is never told as less. */
const SILENCE_DBFS = -100;

const values = new Int16Array(MAX_VALUES);

/** Measures what one leg sends, a packet out of ten, into the leg's row of the shared counters. */
export class LevelMeter {
  readonly #counters: Float64Array;
  readonly #base: number;
  readonly #g722 = new G722BandDecoder();
  #nextAtMs = 0;

  constructor(counters: Float64Array, base: number) {
    this.#counters = counters;
    this.#base = base;
  }

  onPacket(bytes: Uint8Array, at: number, length: number, kind: number, nowMs: number): void {
    if (!isMixable(kind)) {
      return;
    }
    const isDue = nowMs >= this.#nextAtMs;
    // G.722 must be followed without a gap, or its decoder knows nothing.
    if (!isDue && kind !== KIND_G722) {
      return;
    }
    const start = payloadStart(bytes, at);
    const frames = Math.floor((payloadEnd(bytes, at, length) - start) / frameBytesOf(kind));
    if (frames <= 0) {
      return;
    }
    decodePayload(kind, bytes, start, frames, values, this.#g722);
    if (isDue) {
      this.#nextAtMs = nowMs + INTERVAL_MS;
      this.#counters[this.#base + LEG.levelDbfs] = levelOf(kind, frames);
      this.#counters[this.#base + LEG.levelAtMs] = Date.now();
    }
  }
}

/** Of the values decoded last; a full-scale sine is 0 dBFS. */
function levelOf(kind: number, frames: number): number {
  // Nearly all of speech lies in the lower sub-band, whose full scale has 15 bits.
  const stride = kind === KIND_G722 ? 2 : 1;
  const fullScale = kind === KIND_G722 ? 16_384 : 32_768;
  let sum = 0;
  for (let i = 0; i < frames; i++) {
    const value = values[i * stride] ?? 0;
    sum += value * value;
  }
  const power = (2 * sum) / (frames * fullScale * fullScale);
  return power === 0 ? SILENCE_DBFS : Math.max(SILENCE_DBFS, 10 * Math.log10(power));
}
