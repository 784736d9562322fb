import { configWarnings, describeConfig, parseConfig, ringBytesFor } from '../../../config';
import { TestCa } from '../../support/test-ca';

const YAML = `
sip: { engine: drachtio, drachtio: { host: d, secret: topsecret } }
providers:
  lab:
    targets: ['sip:srs']
    signalling: { extraHeaders: { X-Api-Key: hunter2, X-Site: berlin } }
prompts: { source: freeswitch, freeswitch: { host: fs.example.com, secret: cluecon1 } }
organisations:
  o: { provider: lab, users: { alice: { identities: ['+15550100'], recording: { mode: always } } } }
`;

describe('describeConfig', () => {
  test('masks secrets, counts users, shows the rest', () => {
    const text = describeConfig(parseConfig(YAML, 'x'));
    expect(text).not.toMatch(/topsecret|hunter2|cluecon1|15550100/);
    expect(text).toContain('secret: "********"');
    expect(text).toContain('X-Site: berlin');
    expect(text).toContain('host: fs.example.com');
    expect(text).toContain('total: 1');
  });
});

describe('configWarnings', () => {
  test.each([
    ['', 'No trunk is configured'],
    ['', 'No route is configured'],
    ['', 'No user is recorded'],
    [YAML, 'sip.listeners is not used'],
    ['routes: [{requestUri: true, kind: pstn}]', 'routes[0] follows any Request-URI'],
    [
      "routes: [{nextHops: ['sip:a'], kind: pstn}, {nextHops: ['sip:b'], kind: pstn}]",
      'routes[0] matches every call',
    ],
    [
      "organisations: {o: {provider: none, recordingOff: acknowledged, users: {u: {identities: ['1'], recording: {mode: always}}}}}",
      'organisations.o has provider: none',
    ],
    [
      "media: {ringSeconds: 4}\nproviders: {lab: {targets: ['sip:a'], answerTimeoutMs: 5000, failover: {optionsIntervalMs: 0, rtcpSilenceMs: 0}}}",
      'providers.lab may take 5 s',
    ],
    [
      "providers: { p: { targets: ['sip:a'], media: { pause: silence, codecs: [PCMU, OPUS] } } }",
      'providers.p.media.pause: no silence can be made in OPUS',
    ],
  ])('for %s warns: %s', (yaml, warning) => {
    expect(configWarnings(parseConfig(yaml, 'x')).join('\n')).toContain(warning);
  });

  describe('about SRTP keys', () => {
    const ca = new TestCa();
    const { certPath, keyPath } = ca.issue(['IP:127.0.0.1']);
    afterAll(() => ca.close());
    const plain = [
      '{transport: udp, host: 127.0.0.1, port: 0}',
      '{transport: tcp, host: 127.0.0.1, port: 0}',
    ];
    const tls = `{transport: tls, host: 127.0.0.1, port: 0, tls: {cert: ${certPath}, key: ${keyPath}}}`;
    const warning = (target: string, srtp: string, listeners: readonly string[]): string =>
      configWarnings(
        parseConfig(
          `sip: {listeners: [${listeners.join()}]}\n` +
            `providers: {lab: {targets: ['${target}'], media: {srtp: {policy: ${srtp}}}}}`,
          'x',
        ),
      )
        .filter(each => each.includes('SRTP keys'))
        .join('\n');

    test.each([
      ['sip:a;transport=tcp', 'always', plain],
      ['sip:a;transport=udp', 'always', plain],
      // Where calls come over TLS, they are likely to have keys.
      ['sip:a;transport=tcp', 'when-live-is-secure', [...plain, tls]],
    ])('is given for %s with policy %s', (target, srtp, listeners) => {
      expect(warning(target, srtp, listeners)).toBe(
        `providers.lab sends the SRTP keys of recordings to ${target} without TLS: whoever sees the signalling can listen to them.`,
      );
    });

    test.each([
      ['sip:a;transport=tls', 'always', [...plain, tls]],
      ['sips:a', 'always', [...plain, tls]],
      ['sip:a;transport=tcp', 'never', [...plain, tls]],
      ['sip:a;transport=tcp', 'when-live-is-secure', plain],
    ])('is not given for %s with policy %s', (target, srtp, listeners) => {
      expect(warning(target, srtp, listeners)).toBe('');
    });
  });

  test('does not warn about a route that follows the Request-URI within a domain', () => {
    const yaml = "routes: [{match: {domain: 'a.example'}, requestUri: true, kind: pstn}]";
    expect(configWarnings(parseConfig(yaml, 'x')).join()).not.toContain('follows any');
  });
});

describe('ringBytesFor', () => {
  test('holds a second of G.711 at 20 ms with headers', () => {
    expect(ringBytesFor(1)).toBeGreaterThan(50 * 172);
    expect(ringBytesFor(10)).toBe(10 * ringBytesFor(1));
  });
});
