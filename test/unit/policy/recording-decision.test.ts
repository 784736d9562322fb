import {
  decideRecording,
  identityClaims,
  identifyUser,
  type UserPolicy,
} from '../../../src/policy';
import { userPolicy } from '../../support/user-policy';

const CLAIMED = {
  requestUri: 'sip:bob@example.com',
  from: 'sip:from@example.com',
  assertedIdentities: ['sip:pai@example.com', 'tel:+15550100'],
  remotePartyId: 'sip:rpid@example.com',
};

const user = userPolicy;

function directory(users: Readonly<Record<string, UserPolicy>>) {
  return (identity: string): UserPolicy | null => users[identity] ?? null;
}

describe('identityClaims', () => {
  test('a trusted peer names the caller by P-Asserted-Identity, Remote-Party-ID and From, in this order', () => {
    expect(identityClaims('caller', CLAIMED, true)).toEqual([
      { uri: 'sip:pai@example.com', source: 'P-Asserted-Identity' },
      { uri: 'tel:+15550100', source: 'P-Asserted-Identity' },
      { uri: 'sip:rpid@example.com', source: 'Remote-Party-ID' },
      { uri: 'sip:from@example.com', source: 'From' },
    ]);
  });

  test('an untrusted peer cannot name the caller', () => {
    expect(identityClaims('caller', CLAIMED, false)).toEqual([]);
  });

  test.each([true, false])('the callee is whom the Request-URI names (trusted: %s)', isTrusted => {
    expect(identityClaims('callee', CLAIMED, isTrusted)).toEqual([
      { uri: 'sip:bob@example.com', source: 'Request-URI' },
    ]);
  });
});

describe('identifyUser', () => {
  test('the most trustworthy claim that names a known user decides', () => {
    const found = identifyUser(
      'caller',
      identityClaims('caller', CLAIMED, true),
      directory({ 'sip:rpid@example.com': user('r'), 'sip:from@example.com': user('f') }),
    );
    expect(found).toMatchObject({ user: { userId: 'r' }, identifiedBy: 'Remote-Party-ID' });
  });

  test('nobody is identified when no claim is known', () => {
    expect(
      identifyUser('caller', identityClaims('caller', CLAIMED, true), directory({})),
    ).toBeNull();
  });
});

describe('decideRecording', () => {
  const identified = {
    role: 'callee',
    identity: 'sip:bob@example.com',
    identifiedBy: 'Request-URI',
  } as const;

  test('a user of mode always is recorded by its provider', () => {
    expect(decideRecording({ ...identified, user: user('bob') })).toMatchObject({
      providerId: 'lab',
      mode: 'always',
      role: 'callee',
    });
  });

  test('a user of mode never is not recorded', () => {
    expect(decideRecording({ ...identified, user: user('bob', { mode: 'never' }) })).toBeNull();
  });

  test('a user without a provider is not recorded', () => {
    expect(decideRecording({ ...identified, user: user('bob', { providerId: null }) })).toBeNull();
  });
});
