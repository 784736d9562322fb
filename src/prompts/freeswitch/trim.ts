import { type PromptClip } from '#media';

/** Below this a frame is silence, as a part of full scale: −50 dBFS. */
const SILENCE_RATIO = 10 ** (-50 / 20);
const FRAME_MS = 10;
/** What is left of the silence before and after the sound, so that no soft beginning or end is cut, ms. */
const LEAD_MS = 60;
const TAIL_MS = 120;

/**
 * Cuts off the silence around the sound: the time until a switch begins to play, and after it has ended. Silence within
 * stays. Pure.
 * @returns null when there is no sound at all.
 */
export function trimSilence({ samples, sampleRateHz }: PromptClip): PromptClip | null {
  const frame = Math.round((FRAME_MS * sampleRateHz) / 1000);
  let first = -1;
  let last = -1;
  for (let at = 0; at < samples.length; at += frame) {
    if (loudness(samples.subarray(at, at + frame)) > SILENCE_RATIO) {
      first = first === -1 ? at : first;
      last = at + frame;
    }
  }
  if (first === -1) {
    return null;
  }
  const from = Math.max(0, first - Math.round((LEAD_MS * sampleRateHz) / 1000));
  const to = Math.min(samples.length, last + Math.round((TAIL_MS * sampleRateHz) / 1000));
  return { samples: samples.slice(from, to), sampleRateHz };
}

function loudness(frame: Int16Array): number {
  const power = frame.reduce((sum, sample) => sum + sample * sample, 0);
  return Math.sqrt(power / Math.max(1, frame.length)) / 32_768;
}
