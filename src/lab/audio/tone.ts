import { amplitudeOfDbfs, type PcmSource, SAMPLE_RATE_HZ, SAMPLES_PER_MS } from './pcm';

export interface ToneOptions {
  /** 1–3999 Hz. */
  readonly hz: number;
  /** Level of the sine, where 0 dBFS is full scale. Default -12. Use `dbfsOfDbm0` for levels in dBm0. */
  readonly levelDbfs?: number;
  /** Length in ms; endless by default. */
  readonly durationMs?: number;
  /** Raised-cosine ramp at the beginning and, of a finite tone, at the end, in ms. Default 5. */
  readonly rampMs?: number;
}

/**
 * A sine. It starts softly, so that it does not click over into the neighbouring tones.
 * @throws RangeError when the frequency cannot exist at 8 kHz.
 */
export function tone(options: ToneOptions): PcmSource {
  const { hz, durationMs = Infinity, rampMs = 5 } = options;
  if (!(hz >= 1 && hz < SAMPLE_RATE_HZ / 2)) {
    throw new RangeError(`a tone of ${hz} Hz cannot be made at ${SAMPLE_RATE_HZ} Hz`);
  }
  const sine = sineReader(hz, amplitudeOfDbfs(options.levelDbfs ?? -12));
  const lengthSamples = Math.round(durationMs * SAMPLES_PER_MS);
  const rampSamples = Math.min(Math.round(rampMs * SAMPLES_PER_MS), lengthSamples / 2);
  return {
    read(firstSample, out) {
      for (let i = 0; i < out.length; i += 1) {
        const position = firstSample + i;
        const edge = Math.min(position, lengthSamples - 1 - position);
        out[i] = Math.round(sine(position) * rampGain(edge, rampSamples));
      }
    },
  };
}

/** 0 outside the tone (negative edge distance), 1 beyond the ramp. */
function rampGain(edgeDistance: number, rampSamples: number): number {
  if (edgeDistance < 0) {
    return 0;
  }
  return edgeDistance >= rampSamples
    ? 1
    : 0.5 - 0.5 * Math.cos((Math.PI * edgeDistance) / rampSamples);
}

/** A sine of a whole number of Hz repeats after one second: a table serves a hundred calls cheaply. */
function sineReader(hz: number, amplitude: number): (position: number) => number {
  const at = (position: number): number =>
    amplitude * Math.sin((2 * Math.PI * hz * position) / SAMPLE_RATE_HZ);
  if (!Number.isInteger(hz)) {
    return at;
  }
  const table = Float32Array.from({ length: SAMPLE_RATE_HZ }, (_, i) => at(i));
  return position => table[position % SAMPLE_RATE_HZ] ?? 0;
}
