/** Zero crossings of the sinc on each side. */
const HALF_LENGTH = 16;

/**
 * Converts mono PCM from one sample rate to another by a windowed sinc that cuts off what the lower of the two rates
 * cannot carry.
 *
 * @param fromHz 8000–48000. @param toHz likewise.
 * @returns the samples themselves when the rates are the same.
 */
export function resample(samples: Int16Array, fromHz: number, toHz: number): Int16Array {
  if (fromHz === toHz) {
    return samples;
  }
  const step = fromHz / toHz;
  // Going down, the kernel is stretched so that it cuts off at the new band's edge.
  const stretch = Math.max(1, step);
  const half = Math.ceil(HALF_LENGTH * stretch);
  const kernels = new Map<number, Float64Array>();
  const out = new Int16Array(Math.floor(samples.length / step));
  for (let n = 0; n < out.length; n += 1) {
    const base = Math.floor(n * step);
    // Between whole samples there are only a few phases; each has one kernel.
    const phase = Math.round((n * step - base) * 1e6) / 1e6;
    let kernel = kernels.get(phase);
    if (kernel === undefined) {
      kernel = lowPassKernel(phase, stretch, half);
      kernels.set(phase, kernel);
    }
    let sum = 0;
    for (let k = 0; k < kernel.length; k += 1) {
      sum += (samples[base - half + k] ?? 0) * (kernel[k] ?? 0);
    }
    out[n] = Math.max(-32_768, Math.min(32_767, Math.round(sum)));
  }
  return out;
}

/** Weights of the samples from `half` before to `half` after, for a point `phase` samples behind; sum 1. */
export function lowPassKernel(phase: number, stretch: number, half: number): Float64Array {
  const kernel = Float64Array.from({ length: 2 * half + 1 }, (_, k) => {
    const distance = (k - half - phase) / stretch;
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
