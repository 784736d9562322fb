/** Level of a full-scale sine: ITU-T G.711 §4 has +3.14 dBm0 for A-law, and +3.17 dBm0 for µ-law. */
const FULL_SCALE_DBM0 = 3.14;
const FULL_SCALE = 32_767;

export interface Tone {
  readonly frequencyHz: number;
  readonly durationMs: number;
  readonly levelDbm0: number;
  readonly rampMs: number;
}

/**
 * A sine with raised-cosine rise and fall, so that it has no click: its energy stays within some 1/rampMs around its
 * frequency.
 */
export function renderTone(tone: Tone, rateHz: number): Int16Array {
  const samples = new Int16Array(Math.round((tone.durationMs * rateHz) / 1000));
  const ramp = Math.min((tone.rampMs * rateHz) / 1000, samples.length / 2);
  const amplitude = FULL_SCALE * 10 ** ((tone.levelDbm0 - FULL_SCALE_DBM0) / 20);
  const omega = (2 * Math.PI * tone.frequencyHz) / rateHz;
  for (let i = 0; i < samples.length; i++) {
    const fromEdge = Math.min(i + 0.5, samples.length - i - 0.5);
    const gain = fromEdge >= ramp ? 1 : 0.5 - 0.5 * Math.cos((Math.PI * fromEdge) / ramp);
    samples[i] = Math.round(amplitude * gain * Math.sin(omega * i));
  }
  return samples;
}
