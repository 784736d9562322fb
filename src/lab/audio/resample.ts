import { resample } from '#media';
import { SAMPLE_RATE_HZ } from './pcm';

/**
 * Converts mono PCM16 to the lab's 8 kHz.
 * @param rateHz 8000–48000.
 */
export function resampleTo8k(samples: Int16Array, rateHz: number): Int16Array {
  return resample(samples, rateHz, SAMPLE_RATE_HZ);
}
