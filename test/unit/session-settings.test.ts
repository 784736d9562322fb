import { parseConfig } from '#config';

import { type RouteSettings } from '../../src/session';
import { readdressed, sessionSettings } from '../../src/session-settings';

const YAML = `
sip: { answerTimeoutMs: 7000, srtpOnly: pass-unanchored }
media:
  networks: { default: { bindHost: 127.0.0.1 }, outside: { bindHost: 127.0.0.2 } }
trunks:
  pbx: { sources: [10.0.0.0/24], kind: internal, trusted: true }
  isp: { sources: [203.0.113.5], kind: pstn, network: outside }
routes:
  - match: { user: '1###', fromTrunk: isp }
    nextHops: ['sip:10.0.0.1:5080;transport=tcp', 'sip:10.0.0.2']
    kind: internal
    trusted: true
    answerTimeoutMs: 900
  - { match: { user: '+*' }, nextHops: ['sip:isp.example.net'], kind: pstn, network: outside }
  - { match: { user: 'direct' }, requestUri: true, kind: internal }
providers:
  p1:
    targets: ['sip:srs1.example.com', 'sip:srs2.example.com:5070;transport=udp']
    answerTimeoutMs: 1500
    network: outside
    signalling: { contactTag: src, extraHeaders: { X-Tenant: acme } }
  p2: { targets: ['sip:srs.example.org'] }
organisations:
  acme:
    provider: p1
    users:
      alice: { identities: ['sip:alice@example.com', '+15550100'], recording: { mode: always } }
      bob: { identities: ['sip:bob@example.com'] }
  quiet:
    provider: none
    recordingOff: acknowledged
    users:
      carol: { identities: ['sip:carol@example.com'], recording: { mode: always } }
recording: { drainMs: 1234, fromUri: 'sip:src@example.com' }
`;

const settings = sessionSettings(parseConfig(YAML, 'test.yaml'));

function route(requestUri: string, sourceHost: string): RouteSettings | null {
  const trunk = settings.findTrunk(sourceHost);
  if (trunk === null) {
    throw new Error(`no trunk for ${sourceHost}`);
  }
  // Routing asks for nothing else of the INVITE.
  return settings.findRoute({ requestUri }, trunk);
}

describe('sessionSettings', () => {
  test('finds the trunk of a source address', () => {
    expect(settings.findTrunk('10.0.0.77')).toEqual({
      trunkId: 'pbx',
      kind: 'internal',
      trusted: true,
      network: 'default',
    });
    expect(settings.findTrunk('203.0.113.5')).toEqual({
      trunkId: 'isp',
      kind: 'pstn',
      trusted: false,
      network: 'outside',
    });
    expect(settings.findTrunk('203.0.113.6')).toBeNull();
  });

  test('finds a route and addresses the called user at each of its next hops', () => {
    expect(route('sip:1234@gateway:5060', '203.0.113.5')).toEqual({
      routeId: 'routes[0]',
      kind: 'internal',
      trusted: true,
      network: 'default',
      srtp: 'when-caller-does',
      targets: [
        {
          requestUri: 'sip:1234@10.0.0.1:5080',
          nextHop: 'sip:10.0.0.1:5080;transport=tcp',
          answerTimeoutMs: 900,
        },
        { requestUri: 'sip:1234@10.0.0.2', nextHop: 'sip:10.0.0.2', answerTimeoutMs: 900 },
      ],
    });
  });

  test('takes the common answer timeout for a route without its own', () => {
    expect(route('sip:+15550199@gateway;user=phone', '10.0.0.1')).toEqual({
      routeId: 'routes[1]',
      kind: 'pstn',
      trusted: false,
      network: 'outside',
      srtp: 'when-caller-does',
      targets: [
        {
          requestUri: 'sip:+15550199@isp.example.net;user=phone',
          nextHop: 'sip:isp.example.net',
          answerTimeoutMs: 7000,
        },
      ],
    });
  });

  test('leaves the Request-URI alone on a route without next hops', () => {
    const uri = 'sip:direct@phone.example.com:5099;transport=tcp';
    expect(route(uri, '10.0.0.1')?.targets).toEqual([
      { requestUri: uri, nextHop: null, answerTimeoutMs: 7000 },
    ]);
  });

  test('keeps a route to the trunk that it is for', () => {
    expect(route('sip:1234@gateway', '10.0.0.1')).toBeNull();
  });

  test('finds users by each of their identities, with their policy', () => {
    const alice = { userId: 'alice', organisationId: 'acme', mode: 'always', providerId: 'p1' };
    expect(settings.findUser('sip:alice@example.com')).toMatchObject(alice);
    expect(settings.findUser('tel:+1-555-0100')).toMatchObject(alice);
    expect(settings.findUser('sip:bob@example.com')).toMatchObject({ mode: 'never' });
    expect(settings.findUser('sip:dave@example.com')).toBeNull();
  });

  test('gives users of an organisation that records nobody no provider', () => {
    expect(settings.findUser('sip:carol@example.com')).toMatchObject({
      organisationId: 'quiet',
      providerId: null,
    });
  });

  test('finds a provider with its recorders in order and its way of signalling', () => {
    expect(settings.findProvider('p1')).toMatchObject({
      providerId: 'p1',
      targets: [
        { uri: 'sip:srs1.example.com;transport=tcp', priority: 0, weight: 1 },
        { uri: 'sip:srs2.example.com:5070;transport=udp', priority: 1, weight: 1 },
      ],
      failover: {
        maxResponseWaitMs: 1_000,
        optionsIntervalMs: 3_000,
        optionsDeadlineMs: 2_000,
        rtcpSilenceMs: 20_000,
        overlapMs: 2_000,
      },
      profile: {
        requireSiprec: true,
        contactTag: 'src',
        metadataType: 'application/rs-metadata+xml',
        partOrder: 'sdp-first',
        extraHeaders: { 'X-Tenant': 'acme' },
      },
      answerTimeoutMs: 1500,
      network: 'outside',
      metadataInBye: true,
    });
    expect(settings.findProvider('p2')?.network).toBe('default');
    expect(settings.findProvider('p3')).toBeNull();
    expect(settings.findProvider('constructor')).toBeNull();
  });

  test('lets a provider choose its session timer with the engine that keeps session timers', () => {
    const timerWith = (sip: string): number | undefined => {
      const yaml = YAML.replace('sip: {', `sip: { ${sip}`).replace(
        'signalling: {',
        'signalling: { sessionExpiresS: 600,',
      );
      return sessionSettings(parseConfig(yaml, 'test.yaml')).findProvider('p1')?.sessionExpiresS;
    };
    expect(timerWith('')).toBe(600);
    const drachtio = 'engine: drachtio, drachtio: { host: 127.0.0.1, port: 9022, secret: s },';
    expect(timerWith(drachtio)).toBeUndefined();
  });

  test('passes the common values on', () => {
    expect(settings).toMatchObject({
      srtpOnly: 'pass-unanchored',
      srcUri: 'sip:src@example.com',
      drainMs: 1234,
      maxReportedLossRatio: 0.01,
      hangUpOnMediaTimeout: true,
    });
  });

  test('hangs nobody up when the media timeout is switched off', () => {
    const off = sessionSettings(parseConfig('media: { mediaTimeoutS: 0 }', 'test.yaml'));
    expect(off.hangUpOnMediaTimeout).toBe(false);
  });
});

describe('readdressed', () => {
  test.each([
    ['sip:+1555@gateway;user=phone', 'sip:switch:5080', 'sip:+1555@switch:5080;user=phone'],
    ['sip:alice@gateway:5070;transport=udp', 'sip:switch', 'sip:alice@switch'],
    ['sip:alice@gateway', 'sip:switch:5080;transport=tcp', 'sip:alice@switch:5080'],
    ['sip:alice@gateway?Subject=x', 'sip:switch', 'sip:alice@switch'],
    ['sip:1@gateway;user=phone?Subject=x', 'sip:switch', 'sip:1@switch;user=phone'],
    ['sip:1@gateway;user=phone;x=y', 'sip:switch', 'sip:1@switch;user=phone'],
    ['sip:1@gateway;user=phones', 'sip:switch', 'sip:1@switch'],
    ['SIP:Alice@gateway', 'SIP:switch', 'sip:Alice@switch'],
    ['sip:a%40b@gateway', 'sip:switch', 'sip:a%40b@switch'],
    ['sip:alice@[2001:db8::1]:5060', 'sip:[2001:db8::2]:5080', 'sip:alice@[2001:db8::2]:5080'],
    ['sip:gateway', 'sip:switch:5080', 'sip:switch:5080'],
    ['sip:gateway;user=phone', 'sip:switch', 'sip:switch;user=phone'],
    ['tel:+1-555-0100', 'sip:switch', 'sip:+1-555-0100@switch;user=phone'],
    ['TEL:+15550100', 'sip:switch:5080;transport=tcp', 'sip:+15550100@switch:5080;user=phone'],
  ])('makes of %s at %s %s', (requestUri, nextHop, expected) => {
    expect(readdressed(requestUri, nextHop)).toBe(expected);
  });
});
