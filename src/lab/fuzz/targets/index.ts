import { type FuzzTarget } from '../target';
import { metadataTarget } from './metadata';
import { multipartTarget } from './multipart';
import { rtcpTarget } from './rtcp';
import { rtpTarget } from './rtp';
import { sdpTarget } from './sdp';
import { sipMessageTarget } from './sip-message';
import { streamFramerTarget } from './stream-framer';
import { wireFramesTarget } from './wire-frames';

/** Every parser that reads what a peer wrote. */
export const FUZZ_TARGETS: readonly FuzzTarget[] = [
  sipMessageTarget,
  streamFramerTarget,
  sdpTarget,
  multipartTarget,
  rtpTarget,
  rtcpTarget,
  wireFramesTarget,
  metadataTarget,
];
