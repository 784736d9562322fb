import { PCMA, PCMU } from '#core';
import fc from 'fast-check';
import { LabError } from '../../../../src/lab/errors';
import {
  acceptFormats,
  answerDirection,
  lawOf,
  TELEPHONE_EVENT,
} from '../../../../src/lab/sip/codecs';
import { formatSdp, parseSdp } from '../../../../src/lab/sip/sdp';
import { SdpSession } from '../../../../src/lab/sip/sdp-session';

const BODY = [
  'v=0',
  'o=lab 1 2 IN IP4 192.0.2.1',
  's=-',
  'c=IN IP4 192.0.2.1',
  't=0 0',
  'm=audio 4000 RTP/AVP 8 0 101',
  'a=rtpmap:8 PCMA/8000',
  'a=rtpmap:0 PCMU/8000',
  'a=rtpmap:101 telephone-event/8000',
  'a=fmtp:101 0-15',
  'a=ptime:20',
  'a=sendrecv',
  '',
].join('\r\n');

describe('formatSdp() and parseSdp()', () => {
  it('write and read these lines', () => {
    const media = {
      port: 4000,
      formats: [PCMA, PCMU, TELEPHONE_EVENT],
      direction: 'sendrecv' as const,
    };
    expect(formatSdp({ sessionId: '1', version: 2, host: '192.0.2.1', media: [media] })).toBe(BODY);
    expect(parseSdp(BODY)).toMatchObject({
      origin: { session: 'lab 1 IN IP4 192.0.2.1', version: 2 },
      media: [
        {
          kind: 'audio',
          formats: [PCMA, PCMU, TELEPHONE_EVENT],
          direction: 'sendrecv',
          rtp: { host: '192.0.2.1', port: 4000 },
          rtcp: { host: '192.0.2.1', port: 4001 },
          rtcpMux: false,
          label: null,
        },
      ],
    });
  });

  it.each([
    [
      'the direction of the session',
      BODY.replace('a=sendrecv', '').replace('t=0 0', 't=0 0\r\na=inactive'),
      { direction: 'inactive' },
    ],
    [
      'the address of the m-line',
      BODY.replace('a=ptime:20', 'c=IN IP4 192.0.2.7'),
      { rtp: { host: '192.0.2.7', port: 4000 } },
    ],
    [
      'a hold by address',
      BODY.replace('c=IN IP4 192.0.2.1', 'c=IN IP4 0.0.0.0'),
      { rtp: null, rtcp: null },
    ],
    [
      'a=rtcp',
      BODY.replace('a=ptime:20', 'a=rtcp:5005'),
      { rtcp: { host: '192.0.2.1', port: 5005 } },
    ],
    [
      'a=rtcp with an address',
      BODY.replace('a=ptime:20', 'a=rtcp:5005 IN IP4 192.0.2.8'),
      { rtcp: { host: '192.0.2.8', port: 5005 } },
    ],
    [
      'rtcp-mux and label',
      BODY.replace('a=ptime:20', 'a=rtcp-mux\r\na=label:x'),
      { rtcpMux: true, label: 'x' },
    ],
    ['bare line feeds', BODY.replace(/\r\n/g, '\n'), { direction: 'sendrecv' }],
    [
      'IPv6',
      BODY.replaceAll('IP4 192.0.2.1', 'IP6 2001:db8::1'),
      { rtp: { host: '2001:db8::1', port: 4000 } },
    ],
  ])('read %s', (_what, text, expected) => {
    expect(parseSdp(text).media[0]).toMatchObject(expected);
  });

  it.each([
    ['no version', BODY.replace('v=0\r\n', '')],
    ['no origin', BODY.replace(/o=.*\r\n/, '')],
    ['a version that is no number', BODY.replace('lab 1 2', 'lab 1 x')],
    ['no address', BODY.replace(/c=.*\r\n/, '')],
    ['a broken c= line', BODY.replace(/c=.*\r\n/, 'c=IN IP4\r\n')],
    ['an m-line without port', BODY.replace('audio 4000', 'audio')],
    ['a port that is none', BODY.replace('4000', '70000')],
    ['something that is no line', BODY.replace('s=-', 'hello')],
    ['too many m-lines', `${BODY}${'m=audio 1 RTP/AVP 0\r\n'.repeat(40)}`],
    ['too many lines', `${BODY}${'a=x\r\n'.repeat(1001)}`],
  ])('refuse %s', (_what, text) => {
    expect(() => parseSdp(text)).toThrow(LabError);
  });

  it('refuse or read whatever is cut short or made up', () => {
    const outcome = (text: string): string => {
      try {
        parseSdp(text);
        return 'fine';
      } catch (error) {
        return error instanceof Error ? error.name : 'nothing';
      }
    };
    for (let length = 0; length < BODY.length; length += 1) {
      expect(outcome(BODY.slice(0, length))).toMatch(/^(fine|LabError)$/);
    }
    const line = fc.constantFrom(
      ...BODY.split('\r\n'),
      'm=audio 0 x 0',
      'a=rtpmap:101',
      'c=IN IP4 x',
    );
    fc.assert(
      fc.property(
        fc.array(fc.oneof(line, fc.string({ maxLength: 20 })), { maxLength: 15 }),
        lines => {
          expect(outcome(lines.join('\r\n'))).toMatch(/^(fine|LabError)$/);
        },
      ),
      { numRuns: 500 },
    );
  });
});

describe('SdpSession', () => {
  it('raises the version only when the body differs', () => {
    const session = new SdpSession('192.0.2.1');
    const media = { port: 4000, formats: [PCMU], direction: 'sendrecv' as const };
    const versions = [media, media, { ...media, direction: 'inactive' as const }, media].map(
      each => parseSdp(session.format([each])).origin.version,
    );
    expect(versions).toEqual([1, 1, 2, 3]);
  });
});

describe('answers', () => {
  it.each([
    ['sendrecv', 'sendrecv', 'sendrecv'],
    ['sendonly', 'sendrecv', 'recvonly'],
    ['recvonly', 'sendrecv', 'sendonly'],
    ['inactive', 'sendrecv', 'inactive'],
    ['sendonly', 'recvonly', 'recvonly'],
    ['sendrecv', 'recvonly', 'recvonly'],
    ['recvonly', 'recvonly', 'inactive'],
    ['sendrecv', 'inactive', 'inactive'],
    ['sendrecv', 'sendonly', 'sendonly'],
    ['sendonly', 'sendonly', 'inactive'],
  ] as const)('to %s, wanting %s, are %s', (offered, wanted, expected) => {
    expect(answerDirection(offered, wanted)).toBe(expected);
  });

  it('keep the order and numbers of the offer and leave out what we do not speak', () => {
    const opus = { payloadType: 111, encoding: 'OPUS', clockRateHz: 48000, channels: 2 };
    const event = { ...TELEPHONE_EVENT, payloadType: 96 };
    expect(acceptFormats([opus, PCMA, PCMU, event])).toEqual([PCMA, PCMU, event]);
    expect(acceptFormats([PCMA, event], ['PCMU'])).toEqual([]);
    expect(acceptFormats([event])).toEqual([]);
  });

  it('know the law of a payload type', () => {
    const dynamic = { ...PCMA, payloadType: 97 };
    expect([lawOf([PCMU, dynamic], 97), lawOf([PCMU], 8), lawOf([TELEPHONE_EVENT], 101)]).toEqual([
      'PCMA',
      null,
      null,
    ]);
  });
});
