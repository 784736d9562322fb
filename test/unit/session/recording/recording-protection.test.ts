import { type StreamCrypto } from '#core';
import { recordingProtection } from '../../../../src/session/recording/recording-protection';

const SUITES = ['AEAD_AES_256_GCM', 'AES_CM_128_HMAC_SHA1_80'] as const;
const plain = {};
const secure = (suite: StreamCrypto['suite']): { crypto: StreamCrypto } => {
  const key = { keySalt: '', mki: '' };
  return { crypto: { suite, sendKey: key, receiveKey: key } };
};
const SHORT = secure('AES_CM_128_HMAC_SHA1_32');
const LONG = secure('AEAD_AES_256_GCM');

describe('the protection of a recording', () => {
  it.each([
    ['never', [plain, plain], false, 'plain'],
    ['never', [plain, SHORT], false, 'refused'],
    ['never', [plain, SHORT], true, 'plain'],
    ['when-live-is-secure', [plain, plain], false, 'plain'],
    ['when-live-is-secure', [plain, SHORT], false, SUITES],
    ['when-live-is-secure', [SHORT, LONG], false, ['AEAD_AES_256_GCM']],
    ['when-live-is-secure', [SHORT, LONG], true, SUITES],
    ['always', [plain, plain], false, SUITES],
    ['always', [LONG, plain], false, ['AEAD_AES_256_GCM']],
  ] as const)(
    'with policy %s, legs %j and permission for less %s is %j',
    (policy, live, allowLessProtected, expected) => {
      const result = recordingProtection({ policy, suites: SUITES, allowLessProtected }, live);
      expect(result.kind === 'srtp' ? result.suites : result.kind).toEqual(expected);
    },
  );

  it('is refused when no suite is as strong as the call', () => {
    const settings = { policy: 'always', suites: ['AES_CM_128_HMAC_SHA1_80'] } as const;
    expect(recordingProtection(settings, [LONG])).toEqual({ kind: 'refused' });
  });
});
