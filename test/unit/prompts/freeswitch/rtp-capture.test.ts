import { encodeG711 } from '#media';

import { RtpCapture } from '../../../../src/prompts/freeswitch/rtp-capture';
import { mediaHostOf, speechOffer } from '../../../../src/prompts/freeswitch/speech-offer';

function packet(
  timestamp: number,
  payload: Buffer,
  parts: { payloadType?: number; ssrc?: number; first?: number } = {},
): Buffer {
  const header = Buffer.alloc(12);
  header[0] = parts.first ?? 0x80;
  header[1] = parts.payloadType ?? 97;
  header.writeUInt32BE(timestamp >>> 0, 4);
  header.writeUInt32BE(parts.ssrc ?? 1, 8);
  return Buffer.concat([header, payload]);
}

/** Samples of L16 (RFC 3551 §4.5.11). */
function l16(...samples: number[]): Buffer {
  const bytes = Buffer.alloc(2 * samples.length);
  samples.forEach((sample, i) => bytes.writeInt16BE(sample, 2 * i));
  return bytes;
}

describe('what is heard of FreeSWITCH', () => {
  test('samples stand where their timestamps say, whatever the order, and gaps are silent', () => {
    const capture = new RtpCapture();
    capture.take(packet(0xffff_fffe, l16(1, 2)));
    capture.take(packet(4, l16(7, 8)));
    capture.take(packet(0, l16(3, 4)));
    expect(capture.clip).toEqual({
      samples: Int16Array.of(1, 2, 3, 4, 0, 0, 7, 8),
      sampleRateHz: 16_000,
    });
  });

  test.each([
    [0, 'PCMU'],
    [8, 'PCMA'],
  ] as const)('payload type %i is %s at 8 kHz', (payloadType, law) => {
    const capture = new RtpCapture();
    const codes = Buffer.from(encodeG711(law, Int16Array.of(0, 8000, -8000)));
    capture.take(packet(1, codes, { payloadType }));
    const [zero, up, down] = capture.clip!.samples;
    expect(capture.clip!.sampleRateHz).toBe(8000);
    expect(Math.abs(zero!)).toBeLessThan(10);
    expect(Math.abs(up! - 8000)).toBeLessThan(300);
    expect(Math.abs(down! + 8000)).toBeLessThan(300);
  });

  test('padding, extensions and contributing sources are not heard', () => {
    const capture = new RtpCapture();
    const inner = Buffer.concat([Buffer.alloc(4), Buffer.from([0, 0, 0, 1]), Buffer.alloc(4)]);
    const padded = Buffer.concat([inner, l16(5, 6), Buffer.from([0, 2])]);
    capture.take(packet(0, padded, { first: 0x80 | 0x20 | 0x10 | 1 }));
    expect([...capture.clip!.samples]).toEqual([5, 6]);
  });

  test.each([
    ['nothing', Buffer.alloc(0)],
    ['another version', packet(0, l16(1), { first: 0 })],
    ['a format that was not offered', packet(0, l16(1), { payloadType: 111 })],
    ['an extension beyond the end', packet(0, l16(1), { first: 0x90 })],
    ['more padding than payload', packet(0, Buffer.from([9, 200]), { first: 0xa0 })],
  ])('leaves out %s', (_, bytes) => {
    const capture = new RtpCapture();
    capture.take(bytes);
    expect(capture.clip).toBeNull();
  });

  test('another stream beside the first is left out', () => {
    const capture = new RtpCapture();
    capture.take(packet(0, l16(1)));
    capture.take(packet(1, l16(9), { ssrc: 2 }));
    capture.take(packet(1, Buffer.from([0xff]), { payloadType: 0 }));
    expect([...capture.clip!.samples]).toEqual([1]);
  });

  test('is bounded: what is further than a minute away makes it too long', () => {
    const capture = new RtpCapture();
    capture.take(packet(0, l16(1)));
    capture.take(packet(16_000 * 63, l16(1)));
    expect(capture.isTooLong).toBe(true);
    expect(capture.clip!.samples).toHaveLength(1);
  });
});

describe('the offer to FreeSWITCH', () => {
  test('names address and formats, IPv6 as such', () => {
    expect(speechOffer('192.0.2.1', 4000)).toContain(
      'c=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 97 0 8\r\n',
    );
    expect(speechOffer('::1', 4000)).toContain('c=IN IP6 ::1');
  });

  test('the answer tells where speech comes from: of the stream before of the session', () => {
    expect(mediaHostOf('v=0\r\nc=IN IP4 192.0.2.1\r\nm=audio 1 RTP/AVP 0\r\n')).toBe('192.0.2.1');
    expect(mediaHostOf('c=IN IP4 192.0.2.1\r\nm=audio 1 RTP/AVP 0\r\nc=IN IP4 192.0.2.2\r\n')).toBe(
      '192.0.2.2',
    );
    expect(mediaHostOf('m=audio 1 RTP/AVP 0')).toBeNull();
  });
});
