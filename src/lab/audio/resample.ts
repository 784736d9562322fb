import { saturate, SAMPLE_RATE_HZ } from './pcm';

/** Zero crossings of the sinc on each side: enough for test audio, cheap enough for minutes of it. */
const HALF_LENGTH = 16;

/**
 * Converts mono PCM16 to 8 kHz by a windowed sinc that also cuts off what 8 kHz cannot carry.
 * @param rateHz 8000–48000.
 */
export function resampleTo8k(samples: Int16Array, rateHz: number): Int16Array {
  if (rateHz === SAMPLE_RATE_HZ) {
    return samples;
  }
  const step = rateHz / SAMPLE_RATE_HZ;
  const half = Math.ceil(HALF_LENGTH * step);
  const kernels = new Map<number, Float64Array>();
  const out = new Int16Array(Math.floor(samples.length / step));
  for (let n = 0; n < out.length; n += 1) {
    const base = Math.floor(n * step);
    // Between whole samples there are only a few phases; each has one kernel.
    const phase = Math.round((n * step - base) * 1e6) / 1e6;
    let kernel = kernels.get(phase);
    if (kernel === undefined) {
      kernel = kernelOf(phase, step, half);
      kernels.set(phase, kernel);
    }
    let sum = 0;
    for (let k = 0; k < kernel.length; k += 1) {
      sum += (samples[base - half + k] ?? 0) * (kernel[k] ?? 0);
    }
    out[n] = saturate(sum);
  }
  return out;
}

/** Weights of the samples from `half` before to `half` after, for a point `phase` samples behind; sum 1. */
function kernelOf(phase: number, step: number, half: number): Float64Array {
  const kernel = Float64Array.from({ length: 2 * half + 1 }, (_, k) => {
    const distance = (k - half - phase) / step;
    return Math.abs(distance) >= HALF_LENGTH
      ? 0
      : sinc(distance) * (0.5 + 0.5 * Math.cos((Math.PI * distance) / HALF_LENGTH));
  });
  const sum = kernel.reduce((total, weight) => total + weight, 0);
  return kernel.map(weight => weight / sum);
}

function sinc(x: number): number {
  return x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x);
}
