/** Sample rate of everything that the lab plays and records: G.711, in Hz. */
export const SAMPLE_RATE_HZ = 8000;
/** Samples in one millisecond at {@link SAMPLE_RATE_HZ}. */
export const SAMPLES_PER_MS = SAMPLE_RATE_HZ / 1000;
/** Amplitude of a full-scale 16-bit sine. */
export const FULL_SCALE = 32767;

/**
 * Level in dBFS of a 0 dBm0 sine in G.711 (ITU-T G.711 §4: full load is +3.14 dBm0 for A-law, +3.17 dBm0
 * for µ-law; the mean is near enough for test tones).
 */
const DBM0_IN_DBFS = -3.15;

/**
 * Endless mono PCM16 at 8 kHz, addressed by position so that many readers can share one source. Reading
 * the same range twice gives the same samples.
 */
export interface PcmSource {
  /** Fills `out` with the samples from position `firstSample` (>= 0) on. Must not block. */
  read(firstSample: number, out: Int16Array): void;
}

/** Nothing to hear. */
export const silence: PcmSource = { read: (_firstSample, out) => void out.fill(0) };

/** Level relative to a full-scale sine, in dBFS, of a level in dBm0. */
export function dbfsOfDbm0(levelDbm0: number): number {
  return levelDbm0 + DBM0_IN_DBFS;
}

/** Peak amplitude (0–32767) of a sine with the given level in dBFS (0 = full scale). */
export function amplitudeOfDbfs(levelDbfs: number): number {
  return FULL_SCALE * 10 ** (Math.min(levelDbfs, 0) / 20);
}

/** Clamps to 16 bits. */
export function saturate(sample: number): number {
  return Math.max(-32768, Math.min(FULL_SCALE, Math.round(sample)));
}

/** Level of a signal in dBFS, where a full-scale sine is 0 dBFS; -Infinity for silence. */
export function levelDbfs(samples: Int16Array): number {
  let sum = 0;
  for (const sample of samples) {
    sum += sample * sample;
  }
  const meanSquare = samples.length === 0 ? 0 : sum / samples.length;
  return 10 * Math.log10((2 * meanSquare) / (FULL_SCALE * FULL_SCALE));
}

/** The samples of a finite recording, once or in a loop; silence afterwards. */
export function pcmOf(samples: Int16Array, options: { loop?: boolean } = {}): PcmSource {
  const loop = options.loop === true && samples.length > 0;
  return {
    read(firstSample, out) {
      for (let i = 0; i < out.length; i += 1) {
        const position = firstSample + i;
        out[i] = samples[loop ? position % samples.length : position] ?? 0;
      }
    },
  };
}

/** The sum of several sources, saturating. */
export function mix(...sources: readonly PcmSource[]): PcmSource {
  return {
    read(firstSample, out) {
      const sum = new Float64Array(out.length);
      for (const source of sources) {
        source.read(firstSample, out);
        for (const [i, sample] of out.entries()) {
          sum[i] = (sum[i] ?? 0) + sample;
        }
      }
      for (const [i, sample] of sum.entries()) {
        out[i] = saturate(sample);
      }
    },
  };
}

/** `source` turned up or down by `gainDb`, saturating. */
export function amplified(source: PcmSource, gainDb: number): PcmSource {
  const factor = 10 ** (gainDb / 20);
  return {
    read(firstSample, out) {
      source.read(firstSample, out);
      for (const [i, sample] of out.entries()) {
        out[i] = saturate(sample * factor);
      }
    },
  };
}

/** The first `count` samples of a source. */
export function take(source: PcmSource, count: number): Int16Array {
  const out = new Int16Array(count);
  source.read(0, out);
  return out;
}
