import { configWarnings, describeConfig, parseConfig, ringBytesFor } from '../../../config';

const YAML = `
sip: { engine: drachtio, drachtio: { host: d, secret: topsecret } }
providers:
  lab:
    targets: ['sip:srs']
    signalling: { extraHeaders: { X-Api-Key: hunter2, X-Site: berlin } }
organisations:
  o: { provider: lab, users: { alice: { identities: ['+15550100'], recording: { mode: always } } } }
`;

describe('describeConfig', () => {
  test('masks secrets, counts users, shows the rest', () => {
    const text = describeConfig(parseConfig(YAML, 'x'));
    expect(text).not.toMatch(/topsecret|hunter2|15550100/);
    expect(text).toContain('secret: "********"');
    expect(text).toContain('X-Site: berlin');
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
