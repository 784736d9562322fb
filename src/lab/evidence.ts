import { type Clock } from '#core';
import { writeWav } from './audio/wav-writer';
import { type PhoneCall } from './phone/phone-call';

/**
 * Writes what a softphone heard as a mono WAV.
 * @param options.zeroAtMs instant of frame 0, ms since the epoch; by default the answer as this phone saw it. Give
 * the same instant for both phones of a call to compare them.
 */
export function writeHeardWav(
  call: PhoneCall,
  options: { path: string; clock: Clock; zeroAtMs?: number },
): void {
  const samples = call.heard(options.zeroAtMs ?? call.times.answeredAtMs);
  writeWav(options.path, [samples], { clock: options.clock });
}
