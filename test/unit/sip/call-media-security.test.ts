import { isGatewayError, type LegRole, type RemoteStream, type SRTP_SUITES } from '#core';
import { CallMedia } from '../../../sip/call-media';
import { type CallSrtp } from '../../../sip/ports';
import { cryptoLine, cryptoLines, newSrtpKey } from '../../../sip/sdp/crypto';
import { parseSdp } from '../../../sip/sdp/session-description';

const SUITES = ['AES_CM_128_HMAC_SHA1_80', 'AES_CM_128_HMAC_SHA1_32'] as const;

function sdp(protocol: string, crypto: readonly string[] = [], port = 4000): string {
  return [
    'v=0',
    'o=- 1 1 IN IP4 192.0.2.7',
    's=-',
    'c=IN IP4 192.0.2.7',
    't=0 0',
    `m=audio ${port} ${protocol} 0`,
    ...crypto,
    '',
  ].join('\r\n');
}

function lineOf(tag: number, suite: (typeof SRTP_SUITES)[number] = SUITES[0]): string {
  return cryptoLine({ tag, suite, key: newSrtpKey(suite) });
}

interface Scene {
  media: CallMedia;
  told: Map<LegRole, RemoteStream>;
}

function newCall(
  srtp?: Partial<CallSrtp>,
  srtpOnly: 'reject' | 'pass-unanchored' = 'reject',
): Scene {
  const told = new Map<LegRole, RemoteStream>();
  const media = new CallMedia({
    ids: { uuid: () => '00000000-0000-4000-8000-000000000001' },
    srtpOnly,
    srtp: { accept: true, callee: 'when-caller-does', suites: SUITES, ...srtp },
    events: {
      remoteStream: (role, stream) => told.set(role, stream),
      notAnchored: () => undefined,
    },
  });
  for (const [role, port] of [
    ['caller', 10_000],
    ['callee', 20_000],
  ] as const) {
    const host = '192.0.2.1';
    media.setLocal(role, { rtp: { host, port }, rtcp: { host, port: port + 1 } });
  }
  return { media, told };
}

const section = (text: string): ReturnType<typeof parseSdp>['media'][number] => {
  const [media] = parseSdp(text).media;
  if (media === undefined) {
    throw new Error('no m-line');
  }
  return media;
};

function codeOf(action: () => unknown): string {
  try {
    action();
    return 'none';
  } catch (error) {
    return isGatewayError(error) ? error.code : String(error);
  }
}

describe('SRTP of a call', () => {
  it('gives each leg keys of its own', () => {
    const { media, told } = newCall();
    const callerLine = lineOf(3);
    const offer = section(media.offer('caller', sdp('RTP/SAVP', [callerLine])));
    expect(offer.protocol).toBe('RTP/SAVP');
    const ours = cryptoLines(offer);
    expect(ours.map(({ suite }) => suite)).toEqual(SUITES);
    const calleeLine = lineOf(2, SUITES[1]);
    const answer = section(media.answer('callee', sdp('RTP/SAVP', [calleeLine]), true));
    expect(answer.protocol).toBe('RTP/SAVP');
    const [answered, ...more] = cryptoLines(answer);
    expect(more).toEqual([]);
    expect(answered).toMatchObject({ tag: 3, suite: SUITES[0] });
    expect(told.get('caller')?.crypto).toEqual({
      suite: SUITES[0],
      sendKey: answered?.key,
      receiveKey: cryptoLines(section(sdp('RTP/SAVP', [callerLine])))[0]?.key,
    });
    expect(told.get('callee')?.crypto).toEqual({
      suite: SUITES[1],
      sendKey: ours[1]?.key,
      receiveKey: cryptoLines(section(sdp('RTP/SAVP', [calleeLine])))[0]?.key,
    });
    const keys = [answered, ...ours].map(line => line?.key.keySalt);
    expect(new Set(keys).size).toBe(3);
    // Neither leg ever sees the other's key.
    expect(cryptoLine(ours[0] ?? never())).not.toBe(callerLine);
  });

  it.each([
    ['RTP/SAVP', 'never', 'RTP/AVP'],
    ['RTP/SAVPF', 'never', 'RTP/AVPF'],
    ['RTP/SAVP', 'when-caller-does', 'RTP/SAVP'],
    ['RTP/AVP', 'when-caller-does', 'RTP/AVP'],
    ['RTP/AVP', 'always', 'RTP/SAVP'],
  ] as const)(
    'a caller with %s and a route with %s make an offer of %s',
    (caller, callee, expected) => {
      const { media, told } = newCall({ callee });
      const isCallerSecure = caller.includes('SAVP');
      const offer = section(media.offer('caller', sdp(caller, isCallerSecure ? [lineOf(1)] : [])));
      expect(offer.protocol).toBe(expected);
      const isCalleeSecure = expected.includes('SAVP');
      expect(cryptoLines(offer)).toHaveLength(isCalleeSecure ? 2 : 0);
      const answer = media.answer('callee', sdp(expected, isCalleeSecure ? [lineOf(1)] : []), true);
      expect(section(answer).protocol).toBe(caller);
      expect(cryptoLines(section(answer))).toHaveLength(isCallerSecure ? 1 : 0);
      expect(told.get('caller')?.crypto !== undefined).toBe(isCallerSecure);
      expect(told.get('callee')?.crypto !== undefined).toBe(isCalleeSecure);
    },
  );

  it('keeps its keys in later offers of either side, and takes new ones of the peers', () => {
    const { media, told } = newCall({ callee: 'always' });
    const first = cryptoLines(section(media.offer('caller', sdp('RTP/AVP'))));
    media.answer('callee', sdp('RTP/SAVP', [lineOf(1)]), true);
    const before = told.get('callee')?.crypto;
    // The callee holds, with a new key.
    const hold = media.offer('callee', sdp('RTP/SAVP', [lineOf(7), 'a=sendonly']));
    expect(section(hold).protocol).toBe('RTP/AVP');
    expect(cryptoLines(section(hold))).toEqual([]);
    const held = section(media.answer('caller', sdp('RTP/AVP', ['a=recvonly']), true));
    expect(cryptoLines(held)).toMatchObject([{ tag: 7, key: first[0]?.key }]);
    expect(told.get('callee')?.crypto?.sendKey).toEqual(before?.sendKey);
    expect(told.get('callee')?.crypto?.receiveKey).not.toEqual(before?.receiveKey);
    const again = cryptoLines(section(media.offer('caller', sdp('RTP/AVP'))));
    expect(again).toEqual(first);
  });

  it('refuses an answer that takes protection away, and one with no key', () => {
    for (const answer of [sdp('RTP/AVP'), sdp('RTP/SAVP'), sdp('RTP/SAVP', [lineOf(9)])]) {
      const { media } = newCall();
      media.offer('caller', sdp('RTP/SAVP', [lineOf(1)]));
      expect(codeOf(() => media.answer('callee', answer, true))).toBe('REC_ERR_SIP_BAD_ANSWER');
    }
  });

  it.each([
    ['DTLS-SRTP', {}, sdp('UDP/TLS/RTP/SAVPF', ['a=fingerprint:sha-256 00'])],
    ['no key at all', {}, sdp('RTP/SAVP')],
    ['no known suite', {}, sdp('RTP/SAVP', ['a=crypto:1 F8_128_HMAC_SHA1_80 inline:abcd'])],
    ['SRTP that is not taken here', { accept: false }, sdp('RTP/SAVP', [lineOf(1)])],
  ])('refuses %s as SRTP only', (_, srtp, offer) => {
    expect(codeOf(() => newCall(srtp).media.decide(offer))).toBe('REC_ERR_SIP_NOT_ANCHORABLE');
    const passed = newCall(srtp, 'pass-unanchored').media;
    passed.decide(offer);
    expect(passed.isAnchored).toBe(false);
  });

  it('refuses broken keys as bad SDP', () => {
    expect(codeOf(() => newCall().media.decide(sdp('RTP/SAVP', ['a=crypto:x'])))).toBe(
      'REC_ERR_SIP_BAD_SDP',
    );
  });

  it('offers a newcomer what the leg had, with keys of its own', () => {
    const { media, told } = newCall();
    const offered = cryptoLines(section(media.offer('caller', sdp('RTP/SAVP', [lineOf(1)]))));
    media.answer('callee', sdp('RTP/SAVP', [lineOf(1)]), true);
    const replacement = media.replace('callee');
    const lines = cryptoLines(section(replacement.offer));
    expect(section(replacement.offer).protocol).toBe('RTP/SAVP');
    expect(lines[0]?.key).not.toEqual(offered[0]?.key);
    replacement.accept(sdp('RTP/SAVP', [lineOf(1)]));
    expect(told.get('callee')?.crypto?.sendKey).toEqual(lines[0]?.key);
  });

  it('tells of a newcomer that it is somebody else, and of its later changes that it is not', () => {
    const { media, told } = newCall();
    media.offer('caller', sdp('RTP/AVP', []));
    media.answer('callee', sdp('RTP/AVP', []), true);
    expect(told.get('callee')?.isNewPeer).toBeUndefined();
    const replacement = media.replace('callee');
    replacement.accept(sdp('RTP/AVP', []));
    expect(told.get('callee')?.isNewPeer).toBe(true);
    media.offer('callee', sdp('RTP/AVP', [], 4002));
    media.answer('caller', sdp('RTP/AVP', []), true);
    expect(told.get('callee')?.rtp?.port).toBe(4002);
    expect(told.get('callee')?.isNewPeer).toBeUndefined();
  });

  it('lets a callee that makes the offer be protected, and offers the caller the same', () => {
    const { media, told } = newCall();
    const toCaller = section(media.offer('callee', sdp('RTP/SAVP', [lineOf(4)])));
    expect(toCaller.protocol).toBe('RTP/SAVP');
    const toCallee = section(media.answer('caller', sdp('RTP/SAVP', [lineOf(2, SUITES[1])]), true));
    expect(cryptoLines(toCallee)).toMatchObject([{ tag: 4 }]);
    expect(told.get('caller')?.crypto?.suite).toBe(SUITES[1]);
    expect(told.get('callee')?.crypto?.suite).toBe(SUITES[0]);
  });
});

function never(): never {
  throw new Error('a line is missing');
}
