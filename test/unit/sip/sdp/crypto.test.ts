import fc from 'fast-check';
import { isGatewayError, PCMU, SRTP_SUITES } from '#core';
import { RecordingStreamKeys } from '../../../../sip/recording/stream-keys';
import {
  agreedCrypto,
  CryptoKeys,
  cryptoLine,
  cryptoLines,
  newSrtpKey,
  profileFor,
} from '../../../../sip/sdp/crypto';
import { buildRecordingAnswer, parseRecordingAnswer } from '../../../../sip/sdp/recording-answer';
import { buildRecordingSdp } from '../../../../sip/sdp/recording-offer';
import { SdpOrigin } from '../../../../sip/sdp/sdp-origin';
import { parseSdp, type MediaDescription } from '../../../../sip/sdp/session-description';

/** 30 bytes: RFC 4568 §4.1. */
const KEY = 'PS1uQCVeeCFCanVmcjkpPywjNWhcYD0mXXtxaVBR';
const OTHER = 'd0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj';

function media(...lines: readonly string[]): MediaDescription {
  return {
    kind: 'audio',
    port: 4000,
    portCount: null,
    protocol: 'RTP/SAVP',
    formats: ['0'],
    lines,
  };
}

function codeOf(action: () => unknown): { code: string; text: string } | null {
  try {
    action();
    return null;
  } catch (error) {
    return isGatewayError(error)
      ? { code: error.code, text: error.message + JSON.stringify(error.details) }
      : { code: String(error), text: '' };
  }
}

describe('a=crypto lines', () => {
  it('reads the lines of RFC 4568: key, lifetime and MKI', () => {
    const lines = cryptoLines(
      media(
        'a=rtpmap:0 PCMU/8000',
        `a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:${KEY}|2^20|1:4`,
        `a=crypto:2 AES_CM_128_HMAC_SHA1_32 inline:${OTHER}|1066:2 WSH=64`,
        `a=crypto:3 AES_CM_128_HMAC_SHA1_80 inline:${OTHER}|2^31 -UNHEARD_OF`,
      ),
    );
    expect(lines).toEqual([
      { tag: 1, suite: 'AES_CM_128_HMAC_SHA1_80', key: { keySalt: KEY, mki: '00000001' } },
      { tag: 2, suite: 'AES_CM_128_HMAC_SHA1_32', key: { keySalt: OTHER, mki: '042a' } },
      { tag: 3, suite: 'AES_CM_128_HMAC_SHA1_80', key: { keySalt: OTHER, mki: '' } },
    ]);
  });

  it.each([
    ['an unknown suite', `1 F8_128_HMAC_SHA1_80 inline:${KEY}`],
    ['encryption taken away', `1 AES_CM_128_HMAC_SHA1_80 inline:${KEY} UNENCRYPTED_SRTP`],
    ['SRTCP in clear', `1 AES_CM_128_HMAC_SHA1_80 inline:${KEY} UNENCRYPTED_SRTCP`],
    ['authentication taken away', `1 AES_CM_128_HMAC_SHA1_80 inline:${KEY} UNAUTHENTICATED_SRTP`],
    ['a key derivation rate', `1 AES_CM_128_HMAC_SHA1_80 inline:${KEY} KDR=3`],
    ['two keys', `1 AES_CM_128_HMAC_SHA1_80 inline:${KEY}|2^20|1:4;inline:${OTHER}|2^20|2:4`],
    ['an MKI beyond 128 bytes', `1 AES_CM_128_HMAC_SHA1_80 inline:${KEY}|1:129`],
    ['an MKI that does not fit its length', `1 AES_CM_128_HMAC_SHA1_80 inline:${KEY}|256:1`],
  ])('leaves out %s', (_, value) => {
    expect(cryptoLines(media(`a=crypto:${value}`))).toEqual([]);
  });

  it.each([
    ['no key', '1 AES_CM_128_HMAC_SHA1_80'],
    ['no tag', `AES_CM_128_HMAC_SHA1_80 inline:${KEY}`],
    ['tag zero', `0 AES_CM_128_HMAC_SHA1_80 inline:${KEY}`],
    ['another key method', `1 AES_CM_128_HMAC_SHA1_80 prompt:${KEY}`],
    ['a short key', `1 AES_CM_128_HMAC_SHA1_80 inline:${KEY.slice(4)}`],
    ['a key of another suite', `1 AEAD_AES_256_GCM inline:${KEY}`],
    ['no base64', '1 AES_CM_128_HMAC_SHA1_80 inline:????'],
    ['a lifetime of nothing', `1 AES_CM_128_HMAC_SHA1_80 inline:${KEY}|0`],
  ])('refuses %s, and tells no key', (_, value) => {
    const failure = codeOf(() => cryptoLines(media(`a=crypto:${value}`)));
    expect(failure?.code).toBe('REC_ERR_SIP_BAD_SDP');
    expect(failure?.text).not.toContain(KEY.slice(4, 20));
  });

  it('refuses a tag that is there twice, and more lines than anybody needs', () => {
    const line = (tag: number): string => `a=crypto:${tag} AES_CM_128_HMAC_SHA1_80 inline:${KEY}`;
    expect(codeOf(() => cryptoLines(media(line(1), line(1))))?.code).toBe('REC_ERR_SIP_BAD_SDP');
    const many = Array.from({ length: 33 }, (_, i) => line(i + 1));
    expect(codeOf(() => cryptoLines(media(...many)))?.code).toBe('REC_ERR_SIP_BAD_SDP');
  });

  it('never throws anything but a typed error', () => {
    const pieces = fc.array(
      fc.constantFrom(
        '1',
        ' ',
        'AES_CM_128_HMAC_SHA1_80',
        'inline:',
        KEY,
        '|',
        '2^31',
        ':',
        ';',
        '=',
      ),
      { maxLength: 12 },
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          pieces.map(parts => parts.join('')),
        ),
        text => {
          const failure = codeOf(() => cryptoLines(media(`a=crypto:${text}`)));
          return failure === null || failure.code === 'REC_ERR_SIP_BAD_SDP';
        },
      ),
      { numRuns: 1000 },
    );
  });

  it.each(SRTP_SUITES)('makes a fresh key for %s that it reads back', suite => {
    const [key, another] = [newSrtpKey(suite), newSrtpKey(suite)];
    expect(key.keySalt).not.toBe(another.keySalt);
    expect(cryptoLines(media(cryptoLine({ tag: 7, suite, key })))).toEqual([
      { tag: 7, suite, key },
    ]);
  });
});

describe('offer and answer', () => {
  it('answers the first line that is taken, with its tag and a key of our own', () => {
    const offered = cryptoLines(
      media(
        `a=crypto:4 AES_CM_128_HMAC_SHA1_32 inline:${KEY}`,
        `a=crypto:9 AES_CM_128_HMAC_SHA1_80 inline:${OTHER}`,
      ),
    );
    const keys = new CryptoKeys();
    const answer = keys.answer(offered, ['AES_CM_128_HMAC_SHA1_80']);
    expect(answer?.line).toMatchObject({ tag: 9, suite: 'AES_CM_128_HMAC_SHA1_80' });
    expect(answer?.crypto.receiveKey.keySalt).toBe(OTHER);
    expect(answer?.crypto.sendKey).toEqual(answer?.line.key);
    expect(answer?.crypto.sendKey.keySalt).not.toBe(OTHER);
    expect(keys.answer(offered, ['AEAD_AES_128_GCM'])).toBeNull();
    // The same keys again in the next exchange.
    expect(keys.answer(offered, ['AES_CM_128_HMAC_SHA1_80'])).toEqual(answer);
  });

  it('takes an answer to its own offer, and no other', () => {
    const keys = new CryptoKeys();
    const offered = keys.offer(['AES_CM_128_HMAC_SHA1_80', 'AES_CM_128_HMAC_SHA1_32']);
    expect(keys.offer(['AES_CM_128_HMAC_SHA1_80', 'AES_CM_128_HMAC_SHA1_32'])).toEqual(offered);
    const key = { keySalt: KEY, mki: '' };
    const answered = { tag: 2, suite: 'AES_CM_128_HMAC_SHA1_32', key } as const;
    expect(agreedCrypto(offered, [answered])).toEqual({
      suite: 'AES_CM_128_HMAC_SHA1_32',
      sendKey: offered[1]?.key,
      receiveKey: key,
    });
    for (const wrong of [
      [],
      [answered, answered],
      [{ ...answered, tag: 1 }],
      [{ ...answered, tag: 3 }],
    ]) {
      expect(codeOf(() => agreedCrypto(offered, wrong))?.code).toBe('REC_ERR_SIP_BAD_ANSWER');
    }
  });

  it('turns profiles into their secure counterparts and back', () => {
    expect(profileFor('RTP/AVP', true)).toBe('RTP/SAVP');
    expect(profileFor('RTP/SAVPF', false)).toBe('RTP/AVPF');
    expect(profileFor('RTP/AVPF', true)).toBe('RTP/SAVPF');
    expect(profileFor('UDP/TLS/RTP/SAVPF', false)).toBe('UDP/TLS/RTP/SAVPF');
  });
});

describe('a recording session under SRTP', () => {
  const local = {
    rtp: { host: '192.0.2.1', port: 4000 },
    rtcp: { host: '192.0.2.1', port: 4001 },
  };
  const stream = {
    label: '1',
    local,
    formats: [PCMU],
    direction: 'sendonly',
    srtpSuites: ['AES_CM_128_HMAC_SHA1_80', 'AES_CM_128_HMAC_SHA1_32'],
  } as const;
  const streams = [stream, { ...stream, label: '2' }];
  const origin = (): SdpOrigin =>
    new SdpOrigin({ uuid: () => '00000000-0000-4000-8000-000000000001' });
  const answerText = (protocol: string, lines: readonly string[]): string =>
    [
      'v=0',
      'o=srs 1 1 IN IP4 192.0.2.9',
      's=-',
      'c=IN IP4 192.0.2.9',
      't=0 0',
      ...[0, 1].flatMap(() => [`m=audio 5000 ${protocol} 0`, ...lines, 'a=recvonly']),
      '',
    ].join('\r\n');

  it('offers SAVP with a key per suite and stream, the same in a re-offer', () => {
    const keys = new RecordingStreamKeys();
    const offer = buildRecordingSdp(streams, origin(), keys);
    const sections = parseSdp(offer).media;
    expect(sections.map(each => each.protocol)).toEqual(['RTP/SAVP', 'RTP/SAVP']);
    const lines = sections.map(cryptoLines);
    expect(lines.map(each => each.map(({ tag, suite }) => [tag, suite]))).toEqual(
      [0, 1].map(() => [
        [1, 'AES_CM_128_HMAC_SHA1_80'],
        [2, 'AES_CM_128_HMAC_SHA1_32'],
      ]),
    );
    expect(new Set(lines.flat().map(({ key }) => key.keySalt)).size).toBe(4);
    expect(parseSdp(buildRecordingSdp(streams, origin(), keys)).media.map(cryptoLines)).toEqual(
      lines,
    );
  });

  it('takes the key of the answer, and refuses plain RTP in answer to SRTP', () => {
    const keys = new RecordingStreamKeys();
    buildRecordingSdp(streams, origin(), keys);
    const agree = keys.agreed.bind(keys);
    const line = `a=crypto:2 AES_CM_128_HMAC_SHA1_32 inline:${KEY}`;
    const answers = parseRecordingAnswer(answerText('RTP/SAVP', [line]), streams, agree);
    expect(answers.map(answer => answer?.crypto?.receiveKey.keySalt)).toEqual([KEY, KEY]);
    expect(answers[0]?.crypto?.sendKey).not.toEqual(answers[1]?.crypto?.sendKey);
    for (const [protocol, lines] of [
      ['RTP/AVP', []],
      ['RTP/AVP', [line]],
      ['RTP/SAVP', []],
      ['RTP/SAVP', [line.replace('crypto:2', 'crypto:1')]],
    ] as const) {
      expect(
        codeOf(() => parseRecordingAnswer(answerText(protocol, lines), streams, agree))?.code,
      ).toBe('REC_ERR_SIP_BAD_ANSWER');
    }
  });

  it('answers an offer of the SRS with the tag that it takes and the key that is in force', () => {
    const keys = new RecordingStreamKeys();
    const ours = parseSdp(buildRecordingSdp(streams, origin(), keys)).media.map(cryptoLines);
    const offer = parseSdp(
      answerText('RTP/SAVP', [
        `a=crypto:5 AEAD_AES_256_GCM inline:${newSrtpKey('AEAD_AES_256_GCM').keySalt}`,
        `a=crypto:6 AES_CM_128_HMAC_SHA1_80 inline:${KEY}`,
      ]),
    );
    const lines = offer.media.map((media, i) =>
      [keys.answer(i, stream, media)?.line].filter(each => each !== undefined),
    );
    const answers = parseRecordingAnswer(
      answerText('RTP/SAVP', [`a=crypto:6 AES_CM_128_HMAC_SHA1_80 inline:${KEY}`]),
      streams,
      (i, each, media) => keys.answer(i, each, media)?.crypto,
    );
    const text = buildRecordingAnswer(offer, streams, answers, origin(), i => lines[i] ?? []);
    const answered = parseSdp(text).media.map(cryptoLines);
    expect(answered.map(each => each.map(({ tag }) => tag))).toEqual([[6], [6]]);
    expect(answered.map(each => each[0]?.key)).toEqual(ours.map(each => each[0]?.key));
  });
});
