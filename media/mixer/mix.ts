/**
 * Mixing of one signal into another, sample by sample. A frame is one sample, or one pair of a codec's sub-bands: all
 * its values have one gain.
 */

/** How long gains take to move, ms: long enough not to click, short enough to be no fade. */
export const GAIN_RAMP_MS = 10;

/** Two gains on their way. Changed by each call of {@link mixFrames}. */
export interface MixGains {
  /** Of the signal that is mixed into, linear. */
  live: number;
  liveTarget: number;
  /** Of the sound that is mixed in. */
  sound: number;
  soundTarget: number;
}

/** @param limit the largest value: 32767 for PCM; its negative counterpart is one more. */
export function mixFrames(
  values: Int16Array,
  frames: number,
  lanes: number,
  sound: Int16Array,
  soundFrame: number,
  gains: MixGains,
  gainStep: number,
  limit: number,
): void {
  let { live, sound: loudness } = gains;
  const { liveTarget, soundTarget } = gains;
  let from = soundFrame * lanes;
  let at = 0;
  for (let frame = 0; frame < frames; frame++) {
    live = toward(live, liveTarget, gainStep);
    loudness = toward(loudness, soundTarget, gainStep);
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

/** The linear gain of a level difference in dB. */
export function gainOfDb(db: number): number {
  return 10 ** (db / 20);
}
