import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ConfigError, configWarnings, type GatewayConfig, parseConfig } from '../../../config';
import { TestCa, type TestCertificate } from '../../support/test-ca';

let ca: TestCa;
let own: TestCertificate;
let other: TestCertificate;
let folder: string;

beforeAll(() => {
  ca = new TestCa();
  own = ca.issue(['DNS:gateway.example.com']);
  other = ca.issue(['DNS:other.example.com']);
  folder = mkdtempSync(join(tmpdir(), 'tls-config-'));
});

afterAll(() => {
  ca.close();
  rmSync(folder, { recursive: true, force: true });
});

function listener(tls: Readonly<Record<string, string>>): GatewayConfig {
  return parseConfig(
    JSON.stringify({ sip: { listeners: [{ transport: 'tls', host: '127.0.0.1', port: 0, tls }] } }),
    'tls.yaml',
  );
}

function problems(tls: Readonly<Record<string, string>>): readonly string[] {
  try {
    listener(tls);
  } catch (error) {
    return (error as ConfigError).problems.map(({ path, message }) => `${path} ${message}`);
  }
  return [];
}

function file(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

describe('tls of a listener', () => {
  test('takes files that belong together, and has defaults', () => {
    const { tls } = listener({ cert: own.certPath, key: own.keyPath, ca: ca.certPath }).sip
      .listeners[0]!;
    expect(tls).toEqual({
      cert: own.certPath,
      key: own.keyPath,
      ca: ca.certPath,
      requestClientCert: 'never',
      minVersion: 'TLSv1.2',
    });
  });

  test.each<[string, () => Record<string, string>, RegExp]>([
    [
      'a certificate that is not there',
      () => ({ cert: '/no/such.crt' }),
      /tls\.cert ".*" does not exist/,
    ],
    ['a folder', () => ({ key: folder }), /tls\.key ".*" cannot be read \(EISDIR\)/],
    [
      'a key for a certificate',
      () => ({ cert: own.keyPath }),
      /tls\.cert ".*" holds no certificate/,
    ],
    [
      'a certificate for a key',
      () => ({ key: own.certPath }),
      /tls\.key ".*" holds no private key/,
    ],
    [
      'the key of another certificate',
      () => ({ key: other.keyPath }),
      /tls\.key ".*" is not the key/,
    ],
    [
      'a damaged certificate',
      () => ({ cert: file('bad.crt', own.cert.replace(/\n[A-Za-z0-9]/, '\n!')) }),
      /tls\.cert ".*" holds a certificate that cannot be read/,
    ],
    [
      'a damaged key',
      () => ({
        key: file('bad.key', '-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----'),
      }),
      /tls\.key ".*" holds a private key that cannot be read/,
    ],
    [
      'an encrypted key',
      () => ({ key: file('locked.key', '-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA') }),
      /tls\.key ".*" is encrypted/,
    ],
    [
      'CAs that are none',
      () => ({ ca: file('ca.crt', 'nothing') }),
      /tls\.ca ".*" holds no certificate/,
    ],
    [
      'clients that no CA vouches for',
      () => ({ requestClientCert: 'require' }),
      /tls\.ca is required/,
    ],
  ])('refuses %s, once and by its key', (_, change, message) => {
    const found = problems({ cert: own.certPath, key: own.keyPath, ...change() });
    expect(found).toEqual([expect.stringMatching(message)]);
  });
});

describe('sip.tls', () => {
  function outgoing(tls: object): GatewayConfig {
    return parseConfig(JSON.stringify({ sip: { tls } }), 'tls.yaml');
  }

  test('wants a key for a certificate and names the peer', () => {
    expect(() => outgoing({ peers: { 'srs.example.com:5061': { cert: own.certPath } } })).toThrow(
      /peers.*srs\.example\.com:5061.*key.* is required with cert/,
    );
  });

  test.each(['srs.example.com', '[::1]:5061', '192.0.2.1:5061'])('knows the peer %s', peer => {
    expect(outgoing({ peers: { [peer]: {} } }).sip.tls.peers[peer]).toEqual({
      minVersion: 'TLSv1.2',
      verify: true,
      allowWildcards: false,
    });
  });

  test.each(['', 'srs.example.com:0', 'srs.example.com:70000', 'sip:srs'])(
    'refuses the peer "%s"',
    peer => {
      expect(() => outgoing({ peers: { [peer]: {} } })).toThrow(/must be a host/);
    },
  );

  test('warns of verification that is switched off, for all and for one', () => {
    const config = outgoing({ verify: false, peers: { srs: { verify: false } } });
    const warnings = configWarnings(config).filter(warning => warning.includes('verify'));
    expect(warnings).toEqual([
      expect.stringMatching(/^sip\.tls\.verify is false/),
      expect.stringMatching(/^sip\.tls\.peers\.srs\.verify is false/),
    ]);
  });
});
