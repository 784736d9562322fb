import { SCALE_MANTISSAS } from './g722-tables';

/** Fields of a band's state, each a 16-bit number of the standard's. */
const SIGNAL = 0;
const POLE_PART = 1;
const ZERO_PART = 2;
const RECONSTRUCTED_1 = 3;
const PARTIAL_1 = 4;
const PARTIAL_2 = 5;
const POLE_1 = 6;
const POLE_2 = 7;
/** Six coefficients of zeros, and the six differences that they weigh, doubled and saturated. */
const ZEROS = 8;
const DIFFERENCES = 14;
const ORDER = 6;
const LOG_SCALE = 20;
const SCALE = 21;
const FIELDS = 22;

/** How a band's scale factor lies: its bounds and its unit. */
export interface BandScale {
  readonly initial: number;
  readonly maxLog: number;
  /** Exponent of the antilogarithm. */
  readonly shift: number;
}

export const LOW_BAND: BandScale = { initial: 32, maxLog: 18_432, shift: 8 };
export const HIGH_BAND: BandScale = { initial: 8, maxLog: 22_528, shift: 10 };

/**
 * The adaptive predictor and scale factor of one sub-band (ITU-T G.722 §3.5, §3.6): the part that encoder and decoder
 * share, and that stays equal on both sides because it follows nothing but the code words.
 */
export class G722Band {
  readonly #state = new Int32Array(FIELDS);
  readonly #scale: BandScale;

  constructor(scale: BandScale) {
    this.#scale = scale;
    this.reset();
  }

  /** As before the first code word. */
  reset(): void {
    this.#state.fill(0);
    this.#state[SCALE] = this.#scale.initial;
  }

  copyFrom(other: G722Band): void {
    this.#state.set(other.#state);
  }

  /** What the predictor expects next. */
  get prediction(): number {
    return this.#state[SIGNAL] ?? 0;
  }

  /** The quantiser's step. */
  get step(): number {
    return this.#state[SCALE] ?? 0;
  }

  /** Follows one code word. @param difference what it stands for. @param logStep how it moves the scale factor. */
  adapt(difference: number, logStep: number): void {
    this.#predict(difference);
    const state = this.#state;
    const { maxLog, shift } = this.#scale;
    const moved = (((state[LOG_SCALE] ?? 0) * 127) >> 7) + logStep;
    const log = moved < 0 ? 0 : moved > maxLog ? maxLog : moved;
    state[LOG_SCALE] = log;
    const exponent = shift - (log >> 11);
    const mantissa = SCALE_MANTISSAS[(log >> 6) & 31] ?? 0;
    state[SCALE] = (exponent < 0 ? mantissa << -exponent : mantissa >> exponent) << 2;
  }

  #predict(difference: number): void {
    const state = this.#state;
    const reconstructed = saturate16((state[SIGNAL] ?? 0) + difference);
    const partial = saturate16((state[ZERO_PART] ?? 0) + difference);
    // 0 where the signs are alike, −1 where they are not. They are as good as random: a branch would be guessed wrongly.
    const unlike1 = (partial ^ (state[PARTIAL_1] ?? 0)) >> 31;
    const unlike2 = (partial ^ (state[PARTIAL_2] ?? 0)) >> 31;

    // Poles: leaky sign-sign gradients, bounded so that the filter stays stable.
    const oldPole1 = state[POLE_1] ?? 0;
    const push = saturate16(negatedBy(~unlike1, saturate16(oldPole1 << 2)));
    const pole2 = clamp(
      negatedBy(unlike2, 128) + (push >> 7) + (((state[POLE_2] ?? 0) * 32_512) >> 15),
      12_288,
    );
    const pole1 = clamp(
      saturate16(negatedBy(unlike1, 192) + ((oldPole1 * 32_640) >> 15)),
      saturate16(15_360 - pole2),
    );

    // Zeros, and with them the part of the next prediction that comes from past differences.
    const gain = difference === 0 ? 0 : 128;
    let zeroPart = 0;
    let newer = saturate16(difference << 1);
    for (let i = 0; i < ORDER; i++) {
      const older = state[DIFFERENCES + i] ?? 0;
      // Within 16 bits: 255/256 of the largest, and 128.
      const zero =
        negatedBy((older ^ difference) >> 31, gain) + (((state[ZEROS + i] ?? 0) * 32_640) >> 15);
      state[ZEROS + i] = zero;
      state[DIFFERENCES + i] = newer;
      zeroPart += (zero * newer) >> 15;
      newer = older;
    }
    zeroPart = saturate16(zeroPart);

    const polePart = saturate16(
      ((pole1 * saturate16(reconstructed << 1)) >> 15) +
        ((pole2 * saturate16((state[RECONSTRUCTED_1] ?? 0) << 1)) >> 15),
    );
    state[PARTIAL_2] = state[PARTIAL_1] ?? 0;
    state[PARTIAL_1] = partial;
    state[RECONSTRUCTED_1] = reconstructed;
    state[POLE_1] = pole1;
    state[POLE_2] = pole2;
    state[ZERO_PART] = zeroPart;
    state[POLE_PART] = polePart;
    state[SIGNAL] = saturate16(polePart + zeroPart);
  }
}

export function saturate16(value: number): number {
  return value > 32_767 ? 32_767 : value < -32_768 ? -32_768 : value;
}

/** @param mask −1 to negate the value, 0 to leave it. */
function negatedBy(mask: number, value: number): number {
  return (value ^ mask) - mask;
}

function clamp(value: number, bound: number): number {
  return value > bound ? bound : value < -bound ? -bound : value;
}
