import { amplitudeOfDbfs, type PcmSource, saturate, SAMPLE_RATE_HZ } from './pcm';

export interface VoiceOptions {
  /** Pitch of the voice in Hz, e.g. 110 (deep) to 260 (high). */
  readonly pitchHz: number;
  /** Syllables per second. Default 4. */
  readonly syllableRateHz?: number;
  /** Level of the loudest syllables in dBFS. Default -12. */
  readonly levelDbfs?: number;
  /** Makes the melody; voices with the same seed say the same. Default 1. */
  readonly seed?: number;
}

/** Steps of the melody relative to the pitch: a pentatonic scale, so that two voices never grate. */
const SCALE = [1, 9 / 8, 5 / 4, 3 / 2, 5 / 3];
/** Strengths of the harmonics of each "vowel". */
const VOWELS = [
  [1, 0.6, 0.5, 0.15, 0.05],
  [1, 0.9, 0.2, 0.05, 0.02],
  [1, 0.3, 0.1, 0.35, 0.25],
  [1, 0.5, 0.8, 0.4, 0.1],
];
/** Every seventh syllable is a breath. */
const PHRASE_SYLLABLES = 7;

/**
 * Something that talks: syllables of harmonics on a small melody, with pauses for breath. Two voices are told
 * apart by ear at once, which two sines are not. Deterministic and addressed by position.
 */
export function voice(options: VoiceOptions): PcmSource {
  const { pitchHz, syllableRateHz = 4, seed = 1 } = options;
  const peak = amplitudeOfDbfs(options.levelDbfs ?? -12);
  const syllableSamples = Math.round(SAMPLE_RATE_HZ / syllableRateHz);
  return {
    read(firstSample, out) {
      for (let i = 0; i < out.length; i += 1) {
        const position = firstSample + i;
        const syllable = Math.floor(position / syllableSamples);
        const within = (position % syllableSamples) / syllableSamples;
        out[i] = saturate(
          peak * envelope(syllable, within) * vowelAt(syllable, position, pitchHz, seed),
        );
      }
    },
  };
}

/** Rises fast, falls slowly, and is 0 in a breath. `within` is 0..1. */
function envelope(syllable: number, within: number): number {
  if (syllable % PHRASE_SYLLABLES === PHRASE_SYLLABLES - 1) {
    return 0;
  }
  const rise = Math.min(within / 0.15, 1);
  const fall = Math.min((1 - within) / 0.45, 1);
  return Math.sin((Math.PI / 2) * rise) * Math.sin((Math.PI / 2) * fall);
}

function vowelAt(syllable: number, position: number, pitchHz: number, seed: number): number {
  const draw = scramble(syllable, seed);
  const hz = pitchHz * (SCALE[draw % SCALE.length] ?? 1);
  const harmonics = VOWELS[(draw >>> 8) % VOWELS.length] ?? [1];
  let sum = 0;
  let weight = 0;
  for (const [n, strength] of harmonics.entries()) {
    sum += strength * Math.sin((2 * Math.PI * hz * (n + 1) * position) / SAMPLE_RATE_HZ);
    weight += strength;
  }
  return sum / weight;
}

/** A number of 32 bits that looks random but is not (multiply and xor-shift). */
function scramble(syllable: number, seed: number): number {
  let value = Math.imul(syllable + 1, 0x9e3779b1) ^ Math.imul(seed + 1, 0x85ebca6b);
  value = Math.imul(value ^ (value >>> 15), 0x2c1b3c6d);
  return (value ^ (value >>> 12)) >>> 0;
}
