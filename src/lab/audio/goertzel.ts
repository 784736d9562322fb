import { FULL_SCALE, SAMPLE_RATE_HZ } from './pcm';

/** What is reported for a window without any power at the frequency. */
export const SILENCE_DBFS = -120;

/**
 * Level of one frequency in a window, in dBFS (a full-scale sine of that frequency is 0 dBFS), by the
 * generalised Goertzel algorithm, which takes frequencies between the DFT's bins too. A Hann window keeps
 * strong neighbours out: frequencies more than 4/T apart (T = window length in seconds) are some 30 dB down
 * and fall from there.
 *
 * @param samples mono PCM16; an empty window is silent.
 * @param hz 0 < hz < rateHz / 2.
 * @returns between {@link SILENCE_DBFS} and about 0.
 */
export function toneLevelDbfs(samples: Int16Array, hz: number, rateHz = SAMPLE_RATE_HZ): number {
  const length = samples.length;
  if (length === 0) {
    return SILENCE_DBFS;
  }
  const omega = (2 * Math.PI * hz) / rateHz;
  const coefficient = 2 * Math.cos(omega);
  let previous = 0;
  let beforePrevious = 0;
  const weights = hann(length);
  for (let i = 0; i < length; i += 1) {
    const value = (samples[i] ?? 0) * (weights[i] ?? 0) + coefficient * previous - beforePrevious;
    beforePrevious = previous;
    previous = value;
  }
  const power = previous ** 2 + beforePrevious ** 2 - coefficient * previous * beforePrevious;
  const amplitude = (2 * Math.sqrt(Math.max(power, 0))) / (length / 2);
  return Math.max(SILENCE_DBFS, 20 * Math.log10(amplitude / FULL_SCALE));
}

let latestHann = new Float64Array(0);

/** The newest window is kept: scans ask for the same one thousands of times. Its values sum to length / 2. */
function hann(length: number): Float64Array {
  if (latestHann.length !== length) {
    latestHann = Float64Array.from(
      { length },
      (_, i) => 0.5 - 0.5 * Math.cos((2 * Math.PI * (i + 0.5)) / length),
    );
  }
  return latestHann;
}
