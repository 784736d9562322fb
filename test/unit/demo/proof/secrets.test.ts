import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { noSecretInEvidence, type Secrets } from '../../../../src/demo/proof/secrets';

const KEY = Buffer.from('a key and salt of thirty bytes').toString('base64');
const SECRETS: Secrets = {
  srtpKeys: [KEY],
  tokens: ['token-of-this-run-1234'],
  digits: ['4929081726354', '*44', ''],
};

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'secrets-'));
  mkdirSync(join(folder, 'sip'));
  writeFileSync(join(folder, 'gateway.log'), '{"message":"a call","dtmf":"[redacted]"}\n');
  writeFileSync(
    join(folder, 'sip', '001.txt'),
    `a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:${'*'.repeat(40)}\r\nFeature: *44\r\n`,
  );
});

afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

describe('no secret in the evidence', () => {
  test('holds when there is none, also where keys were made unreadable', () => {
    const { ok, found, expected } = noSecretInEvidence(folder, SECRETS);
    expect({ ok, found }).toEqual({ ok: true, found: 'none' });
    expect(expected).toContain('1 token, 1 SRTP key, 1 row of digits');
  });

  test.each([
    ['an SRTP key', `key ${KEY}`],
    ['an SRTP key', Buffer.from(KEY, 'base64').toString('hex')],
    ['a token', '{"authorization":"token-of-this-run-1234"}'],
    ['digits that were pressed', 'digits=4929081726354;'],
    ['an SRTP key in SDP', `a=crypto:1 X inline:${'A'.repeat(40)}|2^20`],
    ['a private key', '-----BEGIN EC PRIVATE KEY-----'],
    ['a bearer token', 'Authorization: Bearer abcdefgh12345678'],
    ['a digest response', `Authorization: Digest username="a", response="${'0a'.repeat(16)}"`],
  ])('fails for %s and names the file, not the secret', (kind, text) => {
    writeFileSync(join(folder, 'sip', '002.txt'), `before ${text} after`);
    const { ok, found } = noSecretInEvidence(folder, SECRETS);
    expect(ok).toBe(false);
    expect(found.split('; ')).toContain(`${kind} in ${join('sip', '002.txt')}`);
    expect(found).not.toContain(text);
  });

  test('fails when nothing is known that could be looked for', () => {
    expect(noSecretInEvidence(folder, { ...SECRETS, tokens: [] }).ok).toBe(false);
  });
});
