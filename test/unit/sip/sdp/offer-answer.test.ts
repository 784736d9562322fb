import {
  agreedFormats,
  answerDirection,
  parseRecordingAnswer,
  parseSdp,
  payloadFormats,
  buildRecordingSdp,
  type RecordingStreamOffer,
  reverseDirection,
  SdpOrigin,
  type SrsStreamAnswer,
} from '#sip';
import { type PayloadFormat } from '#core';

function formats(...lines: string[]): readonly PayloadFormat[] {
  const [media] = parseSdp(['v=0', 'c=IN IP4 1.2.3.4', ...lines].join('\r\n')).media;
  return media === undefined ? [] : payloadFormats(media);
}

describe('directions', () => {
  it.each([
    ['sendrecv', 'sendrecv', 'sendrecv'],
    ['sendonly', 'sendrecv', 'recvonly'],
    ['recvonly', 'sendrecv', 'sendonly'],
    ['recvonly', 'recvonly', 'inactive'],
    ['sendrecv', 'sendonly', 'sendonly'],
    ['inactive', 'sendrecv', 'inactive'],
  ] as const)('an offer of %s, where we want %s, is answered %s', (offered, wanted, answer) => {
    expect(answerDirection(offered, wanted)).toBe(answer);
  });

  it('reverses', () => {
    expect(reverseDirection('sendonly')).toBe('recvonly');
    expect(reverseDirection('inactive')).toBe('inactive');
  });
});

describe('formats', () => {
  it('of static payload types need no rtpmap; dynamic ones without are left out', () => {
    expect(
      formats('m=audio 1 RTP/AVP 9 0 96 97 x', 'a=rtpmap:97 iLBC/8000', 'a=fmtp:97 mode=30'),
    ).toEqual([
      { payloadType: 9, encoding: 'G722', clockRateHz: 8_000, channels: 1 },
      { payloadType: 0, encoding: 'PCMU', clockRateHz: 8_000, channels: 1 },
      { payloadType: 97, encoding: 'ILBC', clockRateHz: 8_000, channels: 1, fmtp: 'mode=30' },
    ]);
  });

  it('an rtpmap wins over the static table, and a repeated payload type counts once', () => {
    expect(formats('m=audio 1 RTP/AVP 0 0', 'a=rtpmap:0 X/16000')).toEqual([
      { payloadType: 0, encoding: 'X', clockRateHz: 16_000, channels: 1 },
    ]);
  });

  it('agreed are those in both, in the order of the answer, with the numbers asked for', () => {
    const offered = formats('m=audio 1 RTP/AVP 0 8 101', 'a=rtpmap:101 telephone-event/8000');
    const answered = formats('m=audio 1 RTP/AVP 8 96 18', 'a=rtpmap:96 TELEPHONE-EVENT/8000');
    expect(agreedFormats(offered, answered, 'offer').map(each => each.payloadType)).toEqual([
      8, 101,
    ]);
    expect(agreedFormats(offered, answered, 'answer').map(each => each.payloadType)).toEqual([
      8, 96,
    ]);
  });
});

describe('the SDP of a recording session', () => {
  const stream = (label: string, port: number): RecordingStreamOffer => ({
    label,
    local: { rtp: { host: '::1', port }, rtcp: { host: '::1', port: port + 1 } },
    formats: [
      { payloadType: 0, encoding: 'PCMU', clockRateHz: 8_000, channels: 1 },
      {
        payloadType: 101,
        encoding: 'TELEPHONE-EVENT',
        clockRateHz: 8_000,
        channels: 1,
        fmtp: '0-15',
      },
    ],
    ptimeMs: 20,
    direction: label === '1' ? 'sendonly' : 'inactive',
  });
  const streams = [stream('1', 30_000), stream('2', 30_002)];

  it('is written as these very lines', () => {
    const origin = new SdpOrigin({ uuid: () => '00000000-0000-07b0-0000-000000000000' });
    expect(buildRecordingSdp(streams, origin)).toBe(
      [
        'v=0',
        'o=- 123 1 IN IP6 ::1',
        's=-',
        'c=IN IP6 ::1',
        't=0 0',
        'm=audio 30000 RTP/AVP 0 101',
        'a=rtpmap:0 PCMU/8000',
        'a=rtpmap:101 telephone-event/8000',
        'a=fmtp:101 0-15',
        'a=ptime:20',
        'a=sendonly',
        'a=label:1',
        'm=audio 30002 RTP/AVP 0 101',
        'a=rtpmap:0 PCMU/8000',
        'a=rtpmap:101 telephone-event/8000',
        'a=fmtp:101 0-15',
        'a=ptime:20',
        'a=inactive',
        'a=label:2',
        '',
      ].join('\r\n'),
    );
  });

  it('is answered for each stream, in order', () => {
    const answer = (...lines: string[]): readonly SrsStreamAnswer[] =>
      parseRecordingAnswer(['v=0', 'c=IN IP4 1.2.3.4', ...lines].join('\r\n'), streams);
    expect(answer('m=audio 10 RTP/AVP 0', 'a=recvonly', 'm=audio 0 RTP/AVP 0')).toEqual([
      expect.objectContaining({ receives: true, sends: false }),
      null,
    ]);
    expect(answer('m=audio 10 RTP/AVP 0', 'a=inactive', 'm=audio 12 RTP/AVP 0')[0]?.receives).toBe(
      false,
    );
    expect(() => answer('m=audio 10 RTP/AVP 0')).toThrow(/described 1 of 2/);
    expect(() => answer('m=audio 10 RTP/AVP 18', 'm=audio 12 RTP/AVP 0')).toThrow(
      /no format of ours/,
    );
  });
});
