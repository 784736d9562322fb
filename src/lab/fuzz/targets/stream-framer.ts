import { DEFAULT_ENGINE_LIMITS } from '../../../../sip/engine/limits';
import { parseMessage } from '../../../../sip/engine/message';
import { type Frame, StreamFramer } from '../../../../sip/engine/transport/stream-framer';
import { type FuzzTarget, mustEqual, mustHold, randomChunks, words } from '../target';
import { INVITE, OPTIONS, RESPONSE, SIP_WORDS } from './sip-seeds';

const LIMITS = { ...DEFAULT_ENGINE_LIMITS, messageBytes: 8192 };

/** The framer of SIP over TCP: however the stream is sliced, the messages are the same. */
export const streamFramerTarget: FuzzTarget = {
  name: 'framer',
  seeds: words(
    OPTIONS,
    INVITE + OPTIONS,
    `\r\n${RESPONSE}\r\n\r\n${INVITE}\r\n`,
    `\r\n\r\n\r\n\r\n${OPTIONS}`,
    OPTIONS.replace('Content-Length: 0', 'Content-Length:\r\n  3').concat('abc', RESPONSE),
  ),
  wantsFile: path => path.startsWith('torture/') && path.endsWith('.dat'),
  dictionary: SIP_WORDS,
  maxBytes: 3 * LIMITS.messageBytes,
  check: (input, random) => {
    const framer = new StreamFramer(LIMITS);
    const frames = framer.push(input);
    const sliced = new StreamFramer(LIMITS);
    const slicedFrames = randomChunks(input, random).flatMap(chunk => sliced.push(chunk));
    mustEqual(slicedFrames.map(comparable), frames.map(comparable), 'the frames of slices');
    mustEqual(sliced.isHalfRead, framer.isHalfRead, 'whether a message has begun');
    for (const frame of frames) {
      checkFrame(frame);
    }
    mustHold(
      frames.slice(0, -1).every(({ kind }) => kind !== 'broken'),
      'nothing comes out of a broken stream',
    );
    return frames.some(({ kind }) => kind === 'message') ? 'accepted' : 'refused';
  },
};

/** How much of an endless head is there when it is given up depends on the slices. */
function comparable(frame: Frame): unknown {
  return frame.kind === 'broken' && frame.reason === 'too-large' ? { ...frame, head: null } : frame;
}

function checkFrame(frame: Frame): void {
  if (frame.kind !== 'message') {
    return;
  }
  mustHold(frame.bytes.length <= LIMITS.messageBytes, 'no longer message than configured');
  const result = parseMessage(frame.bytes, LIMITS);
  if (result.ok) {
    // A byte that the framer gives to a message and the parser does not is a smuggled one.
    const head = frame.bytes.indexOf('\r\n\r\n') + 4;
    mustEqual(result.message.body.length, frame.bytes.length - head, 'the length of the body');
  } else {
    mustHold(result.code !== 'content-length', 'parser and framer agree about the length');
  }
}
