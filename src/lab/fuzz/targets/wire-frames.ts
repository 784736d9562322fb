import { serializeMessage } from '../../../../sip/engine/message';
import { parseAppMessage } from '../../../../sip/engine/wire/app-message';
import { encodeFrame, FrameDecoder } from '../../../../sip/engine/wire/frame-codec';
import {
  type FuzzTarget,
  hasBareLineBreak,
  mustEqual,
  mustHold,
  randomChunks,
  words,
} from '../target';
import { INVITE, OPTIONS, RESPONSE, SIP_WORDS } from './sip-seeds';

const MAX_FRAME_BYTES = 8192;

function frames(...payloads: readonly string[]): Buffer {
  return Buffer.concat(payloads.map(payload => encodeFrame(Buffer.from(payload))));
}

/** The frames that an application sends to the embedded engine, and the messages in them. */
export const wireFramesTarget: FuzzTarget = {
  name: 'frames',
  seeds: [
    frames('a1|authenticate|secret', 'a2|route|invite', 'a3|route|options'),
    frames(`a4|sip|t1||sip:192.0.2.1\r\n${INVITE}`, 'a5|ping'),
    frames(`a6|sip|t2|d1\r\n${RESPONSE}`, `a7|sip|||\r\n${OPTIONS}`),
    frames('', 'x', '|', 'a8|remove_route|bye'),
  ],
  wantsFile: () => false,
  dictionary: [
    ...SIP_WORDS,
    ...words('#', '0#', '1#', '9999999#', '10000000#', '8192#', '8193#', '|', '|sip|', '|authenticate|', '|route|', 'OK', '|ping'),
  ], // prettier-ignore
  maxBytes: 3 * MAX_FRAME_BYTES,
  check: (input, random) => {
    const decoder = new FrameDecoder(MAX_FRAME_BYTES);
    const payloads = decoder.push(input);
    const sliced = new FrameDecoder(MAX_FRAME_BYTES);
    const slicedPayloads = randomChunks(input, random).flatMap(chunk => sliced.push(chunk));
    mustEqual(slicedPayloads, payloads, 'the frames of slices');
    mustEqual(sliced.fault, decoder.fault, 'the fault of slices');
    const again = new FrameDecoder(MAX_FRAME_BYTES).push(Buffer.concat(payloads.map(encodeFrame)));
    mustEqual(again, payloads, 'the frames written and read again');
    for (const payload of payloads) {
      mustHold(payload.length <= MAX_FRAME_BYTES, 'no longer frame than configured');
      checkMessage(payload.subarray(payload.indexOf('\r\n') + 2));
    }
    return decoder.fault === null ? 'accepted' : 'refused';
  },
};

/** An application cannot put headers between the lines either. */
function checkMessage(bytes: Buffer): void {
  const parsed = parseAppMessage(bytes);
  if (parsed.ok) {
    const written = serializeMessage(parsed.message).toString('latin1');
    mustHold(!hasBareLineBreak(written.split('\r\n\r\n', 1)[0] ?? ''), 'no bare CR or LF');
  }
}
