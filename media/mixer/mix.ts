/**
 * Mixing of one signal into another, sample by sample. A frame is one sample, or one pair of a codec's sub-bands: all
 * its values have one gain.
 */

/** How long gains take to move, ms: long enough not to click, short enough to be no fade. */
const GAIN_RAMP_MS = 10;

/** How far a gain moves per frame. */
export function gainStepOf(framesPerS: number): number {
  return 1000 / (GAIN_RAMP_MS * framesPerS);
}

/** Two gains on their way. Changed by each call of {@link mixFrames}. */
export interface MixGains {
  /** Of the signal that is mixed into, linear. */
  live: number;
  liveTarget: number;
  /** Of the sound that is mixed in. */
  sound: number;
  soundTarget: number;
  /** How far they move per frame. */
  step: number;
}

/** @param limit the largest value: 32767 for PCM; its negative counterpart is one more. */
export function mixFrames(
  values: Int16Array,
  frames: number,
  lanes: number,
  sound: Int16Array,
  soundFrame: number,
  gains: MixGains,
  limit: number,
): void {
  let { live, sound: loudness } = gains;
  const { liveTarget, soundTarget, step } = gains;
  let from = soundFrame * lanes;
  let at = 0;
  for (let frame = 0; frame < frames; frame++) {
    live = toward(live, liveTarget, step);
    loudness = toward(loudness, soundTarget, step);
    for (let lane = 0; lane < lanes; lane++) {
      const mixed = Math.round(
        (values[at] ?? 0) * live + (from < sound.length ? (sound[from] ?? 0) * loudness : 0),
      );
      values[at] = mixed > limit ? limit : mixed < -limit - 1 ? -limit - 1 : mixed;
      at++;
      from++;
    }
  }
  gains.live = live;
  gains.sound = loudness;
}

function toward(gain: number, target: number, step: number): number {
  if (gain === target) {
    return gain;
  }
  return gain < target ? Math.min(target, gain + step) : Math.max(target, gain - step);
}

/**
 * The same in one pass for code words of G.711 while no gain moves: look-ups, an addition, and no rounding, because
 * `decode` has the gain of what is mixed into in it and the sound has its own.
 *
 * @param decode of the law, each value times the gain (see {@link DuckedLaws}).
 * @param soundFrom as many samples follow there as there are frames.
 */
export function mixG711(
  bytes: Uint8Array,
  at: number,
  frames: number,
  decode: Int16Array,
  encode: Uint8Array,
  sound: Int16Array,
  soundFrom: number,
): void {
  const shift = soundFrom - at;
  const end = at + frames;
  for (let i = at; i < end; i++) {
    const mixed = (decode[bytes[i] ?? 0] ?? 0) + (sound[i + shift] ?? 0);
    bytes[i] = encode[(mixed > 32_767 ? 32_767 : mixed < -32_768 ? -32_768 : mixed) & 0xffff] ?? 0;
  }
}

/** More gains than providers have; beyond it the tables are made anew. */
const MAX_TABLES = 64;

/** Decoding tables of G.711 that turn the volume down, made once per law and gain. */
export class DuckedLaws {
  readonly #tables = new Map<string, Int16Array>();

  /** @param decode of the law itself, which `law` names. */
  find(law: string, decode: Int16Array, gain: number): Int16Array {
    if (gain === 1) {
      return decode;
    }
    const key = `${law} ${gain}`;
    let table = this.#tables.get(key);
    if (table === undefined) {
      if (this.#tables.size >= MAX_TABLES) {
        this.#tables.clear();
      }
      table = decode.map(value => Math.round(value * gain));
      this.#tables.set(key, table);
    }
    return table;
  }
}

/** The linear gain of a level difference in dB. */
export function gainOfDb(db: number): number {
  return 10 ** (db / 20);
}
