import { encodeG711 } from '#media';

import { tone } from '../../src/lab';

/** One second of a tone as raw PCMU, for SIPp's rtp_stream; a multiple of 50 Hz loops without a seam. */
export function toneFile(hz: number): Buffer {
  const samples = new Int16Array(8000);
  tone({ hz, levelDbfs: -12, rampMs: 0 }).read(0, samples);
  return Buffer.from(encodeG711('PCMU', samples));
}
