import { randomBytes } from 'node:crypto';
import { StreamRewriter } from '../rtp/rewriter';
import { type StateRow } from '../rtp/state-row';
import { MAX_SLIP_MS } from './recording-state';

/** What a slot sends, with sequence numbers and timestamps that begin anywhere. @param row where its state is kept. */
export function newOutput(ssrc: number, isRecording: boolean, row: StateRow): StreamRewriter {
  const random = randomBytes(6);
  return new StreamRewriter(
    {
      ssrc,
      // Below 2¹⁵: losing the first packets then leaves no doubt about the rollover counter of SRTP (RFC 3711 §3.3.1).
      firstSequence: random.readUInt16BE(0) & 0x7fff,
      firstTimestamp: random.readUInt32BE(2),
      maxSlipMs: isRecording ? MAX_SLIP_MS : 0,
      splitsAtClockChange: isRecording,
    },
    row,
  );
}
