import { existsSync } from 'node:fs';
import * as path from 'node:path';
import { configWarnings, parseConfig, profileNames } from '../../../config';

function provider(name: string, keys = ''): ReturnType<typeof parseConfig>['providers'][string] {
  const config = parseConfig(
    `providers: { p: { profile: ${name}, targets: ['sip:srs'] ${keys} } }`,
    'x',
  );
  return config.providers['p']!;
}

function problem(yaml: string): string {
  try {
    parseConfig(yaml, 'x');
    return '';
  } catch (error) {
    return String(error);
  }
}

/** One organisation with the given keys, one user, and the provider imagicle. */
function organisation(keys: string, user = "identities: ['1']"): string {
  return `
providers: { imagicle: { targets: ['sip:srs'] }, lab: { targets: ['sip:lab'] } }
organisations: { acme: { ${keys}, users: { alice: { ${user} } } } }`;
}
const ACCEPTED = 'termsOfService: { imagicle: { acceptedBy: J, acceptedAt: 2026-01-31 } }';

describe('provider profiles', () => {
  test('are those that the product promises', () => {
    expect(profileNames()).toEqual([
      'aws-chime',
      'callcabinet',
      'custom',
      'dubber',
      'google-ccai',
      'imagicle',
      'metaswitch-style',
      'rfc7866',
    ]);
  });

  test.each(profileNames())('%s fits the schema', name => {
    expect(provider(name).profile).toBe(name);
  });

  test('a key of the configuration wins over the same key of the profile, the others stay', () => {
    expect(provider('dubber', ', metadata: { dialect: rfc7865 }')).toMatchObject({
      metadata: { dialect: 'rfc7865', schemaVersion: '3.0' },
      signalling: { requireSiprec: false, contactTag: 'src', partOrder: 'metadata-first' },
    });
  });

  test('a provider that is called like a profile has it', () => {
    const config = parseConfig("providers: { imagicle: { targets: ['sip:srs'] } }", 'x');
    expect(config.providers['imagicle']).toMatchObject({
      profile: 'imagicle',
      regions: ['us', 'eu', 'eun'],
      media: { comfortNoise: 'drop' },
    });
  });

  test('targets without a priority are tried in the order of the list', () => {
    const { targets } = parseConfig(
      "providers: { p: { targets: ['sip:a', { uri: 'sip:b', weight: 5 }, { uri: 'sip:c', priority: 0 }] } }",
      'x',
    ).providers['p']!;
    expect(targets).toEqual([
      { uri: 'sip:a;transport=tcp', priority: 0, weight: 1 },
      { uri: 'sip:b;transport=tcp', priority: 1, weight: 5 },
      { uri: 'sip:c;transport=tcp', priority: 0, weight: 1 },
    ]);
  });

  test.each([
    [
      "providers: { p: { profile: duber, targets: ['sip:a'] } }",
      'providers.p.profile: names the profile "duber", which does not exist; did you mean dubber?',
    ],
    [
      "providers: { p: { targets: ['sip:a'], signalling: { extraHeaders: { X-A: '{callid}' } } } }",
      'has the placeholder {callid}; known are callId, recordingId,',
    ],
    [
      "providers: { p: { targets: ['sip:a'], media: { labels: { otherParties: '1' } } } }",
      'recordedParty and otherParties are equal',
    ],
    [
      "providers: { p: { targets: ['sip:a'], media: { labels: { recordedParty: 'a b' } } } }",
      'must be a token of 1 to 64 letters',
    ],
    [
      "media: { ringSeconds: 10 }\nproviders: { p: { targets: ['sip:a'] } }",
      'providers.p.failover: needs 22 s of audio (20 s until a lost recorder is noticed and 2 s of overlap), but media.ringSeconds keeps 10 s',
    ],
    [
      "media: { ringSeconds: 4 }\nproviders: { p: { targets: ['sip:a'], failover: { optionsIntervalMs: 0, rtcpSilenceMs: 0, overlapMs: 3000 } } }",
      'providers.p.failover: needs 5 s of audio (2 s until a lost recorder is noticed',
    ],
    [
      "providers: { p: { targets: ['sip:a'], media: { srtp: { policy: always, suites: [AEAD_AES_256_GCM], allowLessProtected: true } } } }",
      'providers.p.media.srtp.allowLessProtected: has no effect: with policy: always and no suite but AEAD_AES_256_GCM',
    ],
    [
      organisation('provider: imagicle'),
      'organisations.acme.termsOfService.imagicle: of the provider imagicle are not accepted: write acceptedBy and acceptedAt, or notAccepted: acknowledged, and then no call is recorded there',
    ],
    [
      organisation('provider: imagicle, termsOfService: { imagicle: { acceptedBy: J } }'),
      'must have acceptedBy and acceptedAt, or notAccepted: acknowledged',
    ],
    [
      organisation(`provider: imagicle, ${ACCEPTED}, region: jp`),
      'organisations.acme.region: is outside the regions of the provider imagicle (us, eu, eun): jp',
    ],
    [
      organisation(
        `provider: lab, ${ACCEPTED}, locations: { tokyo: { provider: imagicle, region: jp } }`,
      ),
      'locations.tokyo.region: is outside the regions',
    ],
    [
      organisation('provider: none'),
      'recordingOff: is required with provider: none, which takes recording away from every user',
    ],
    [organisation('language: en'), 'organisations.acme.provider'],
    [
      organisation('provider: lab, language: de'),
      'language: has no prompts: there are en, pt-BR, es; give customAudio',
    ],
    [
      organisation('provider: lab, customAudio: { start: /nowhere.wav }'),
      'customAudio.start: /nowhere.wav does not exist',
    ],
    [
      organisation(
        'provider: lab',
        "identities: ['1'], licence: workspace, recording: { enabled: true }",
      ),
      'cannot be true with the licence workspace; recording is included in professional and basic',
    ],
    [organisation('provider: lab', "identities: ['1'], location: x"), 'names the location "x"'],
    [
      organisation(
        'provider: lab',
        "identities: ['1'], recording: { reminderTone: { intervalS: 5 } }",
      ),
      'must be a whole number from 10 to 1800, not 5',
    ],
    [
      "featureCodes: { stop: '*4' }",
      'featureCodes.stop: *4 cannot be told from *44 (start): one begins with the other',
    ],
    [
      'notices: { beep: { rampMs: 200 } }',
      'has no time at its level: two ramps of 200 ms in 200 ms',
    ],
    [
      'admin: { tokens: [{ name: a, scopes: [read] }] }',
      'must have exactly one of sha256 and token',
    ],
    ['admin: { host: 0.0.0.0 }', 'admin.tokens: must name a token when admin.host is an address'],
    ["webhooks: [{ url: 'http://example.com', secret: 0123456789abcdefg }]", 'must be https'],
    [
      'trunks: { t: { sources: [127.0.0.1], kind: pstn, organisation: x } }',
      'names the organisation "x"',
    ],
    ['prompts: { source: freeswitch }', 'prompts.freeswitch: is required with source: freeswitch'],
    [
      "prompts: { freeswitch: { host: f, secret: s, prompts: { en: { start: 'say:Hello' } } } }",
      'prompts.freeswitch.prompts.en.voice: is required for what is to be spoken',
    ],
    [
      "prompts: { freeswitch: { host: f, secret: s, prompts: { en: { start: 'say:a|b' } } } }",
      'must not contain |',
    ],
    [
      'prompts: { freeswitch: { host: f, secret: s, prompts: { en: { start: "a\\nb" } } } }',
      'must be one line',
    ],
  ])('refuses %s', (yaml, message) => {
    expect(problem(yaml)).toContain(message);
  });

  test.each([
    'policy: never',
    'policy: always',
    'policy: when-live-is-secure',
    'policy: always, suites: [AEAD_AES_256_GCM, AES_CM_128_HMAC_SHA1_80]',
    'policy: never, suites: [AEAD_AES_256_GCM]',
  ])('takes the permission for less protection with %s', srtp => {
    const yaml = `providers: { p: { targets: ['sip:a'], media: { srtp: { ${srtp}, allowLessProtected: true } } } }`;
    expect(parseConfig(yaml, 'x').providers['p']?.media.srtp.allowLessProtected).toBe(true);
  });

  test('warns of what is allowed but told, with the names of the users', () => {
    const warnings = configWarnings(
      parseConfig(
        organisation(
          'provider: imagicle, termsOfService: { imagicle: { notAccepted: acknowledged } }',
          "identities: ['1'], recording: { enabled: false, mode: always, reminderTone: { intervalS: 120 } }",
        ),
        'x',
      ),
    ).join('\n');
    expect(warnings).toContain(
      'organisations.acme.users.alice: recording is disabled, so its recording settings are ignored.',
    );
    expect(warnings).toContain('above the 10 to 90 s');
    expect(warnings).toContain('the terms of service of imagicle are not accepted');
    expect(warnings).toContain('organisations.acme has no region');
  });

  test('tokens and secrets are not shown in a problem', () => {
    expect(
      problem(
        "admin: { tokens: [{ name: a, scopes: [read], token: hunter2 }] }\nwebhooks: [{ url: 'https://a', secret: hunter3 }]",
      ),
    ).not.toMatch(/hunter/);
  });
});

describe('docs/providers', () => {
  test.each(['README', 'dubber', 'imagicle', 'callcabinet', 'google-ccai', 'aws-chime', 'rfc7866'])(
    'has %s',
    name => {
      expect(existsSync(path.resolve(__dirname, `../../../docs/providers/${name}.md`))).toBe(true);
    },
  );
});
