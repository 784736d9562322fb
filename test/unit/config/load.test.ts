import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import * as path from 'node:path';
import { ConfigError, type ConfigProblem, loadConfig, parseConfig } from '../../../config';

function tryParse(yaml: string, env: Record<string, string>): ConfigError | null {
  try {
    parseConfig(yaml, 'test.yaml', env);
    return null;
  } catch (error) {
    if (error instanceof ConfigError) {
      return error;
    }
    throw error;
  }
}

function errorOf(yaml: string): ConfigError {
  const error = tryParse(yaml, {});
  if (error === null) {
    throw new Error('the configuration was accepted');
  }
  return error;
}

function problemsOf(yaml: string, env: Record<string, string> = {}): readonly ConfigProblem[] {
  return tryParse(yaml, env)?.problems ?? [];
}

/** `path: message` of the only problem. */
function onlyProblem(yaml: string, env: Record<string, string> = {}): string {
  const problems = problemsOf(yaml, env);
  expect(problems).toHaveLength(1);
  return problems.map(problem => `${problem.path}: ${problem.message}`).join();
}

describe('parseConfig', () => {
  test('fills an empty file with loopback defaults', () => {
    const config = parseConfig('', 'empty.yaml');
    expect(config.sip.engine).toBe('embedded');
    expect(config.sip.listeners).toEqual([
      { transport: 'udp', host: '127.0.0.1', port: 5060 },
      { transport: 'tcp', host: '127.0.0.1', port: 5060 },
    ]);
    expect(config.media.networks).toEqual({ default: { bindHost: '127.0.0.1' } });
    expect(config.admin).toEqual({ enabled: true, host: '127.0.0.1', port: 8080, tokens: [] });
    expect(config.trunks).toEqual({});
  });

  test('fills in what a provider and a user leave out', () => {
    const config = parseConfig(
      `
providers: {lab: {targets: ['sip:127.0.0.1:5090']}}
organisations: {o: {provider: lab, users: {u: {identities: ['1001']}}}}
`,
      'x',
    );
    expect(config.providers['lab']).toMatchObject({
      profile: 'rfc7866',
      targets: [{ uri: 'sip:127.0.0.1:5090;transport=tcp', priority: 0, weight: 1 }],
      answerTimeoutMs: 5000,
      network: 'default',
      signalling: {
        requireSiprec: true,
        contactTag: '+sip.src',
        metadataType: 'application/rs-metadata+xml',
        partOrder: 'sdp-first',
        extraHeaders: {},
      },
    });
    expect(config.organisations['o']?.users['u']?.recording.mode).toBe('never');
  });

  test('freezes every level, and does not share state between loads', () => {
    const config = parseConfig('', 'x');
    const other = parseConfig('', 'x');
    expect(Object.isFrozen(config.sip.listeners[0])).toBe(true);
    expect(Object.isFrozen(config.media.networks['default'])).toBe(true);
    expect(config.sip.listeners).not.toBe(other.sip.listeners);
    expect(() => {
      (config.sip as { engine: string }).engine = 'drachtio';
    }).toThrow(TypeError);
  });

  test('reports every problem at once, with line, key path and what would be right', () => {
    const yaml = `sip:
  engin: drachtio
  engine: kamailio
  answerTimeoutMs: 5
media:
  ports: { min: 20001, max: 20010 }
trunks:
  pbx: { sources: [10.0.0.1/8], kind: internal, network: lan }
foo: 1
`;
    expect(problemsOf(yaml).map(p => [p.source, p.line, p.path, p.message])).toEqual([
      ['test.yaml', 2, 'sip.engin', 'is not a known key; did you mean engine?'],
      ['test.yaml', 3, 'sip.engine', 'must be embedded or drachtio, not "kamailio"'],
      ['test.yaml', 4, 'sip.answerTimeoutMs', 'must be a whole number from 500 to 60000, not 5'],
      [
        'test.yaml',
        6,
        'media.ports.min',
        'must be even: RTP takes the even port of each pair (RFC 3550 §11); use 20002',
      ],
      [
        'test.yaml',
        6,
        'media.ports.max',
        'must be odd: RTCP takes the odd port of each pair (RFC 3550 §11); use 20009',
      ],
      [
        'test.yaml',
        8,
        'trunks.pbx.sources[0]',
        'has bits set behind its prefix; write 10.0.0.0/8 or a single address (found "10.0.0.1/8")',
      ],
      [
        'test.yaml',
        8,
        'trunks.pbx.network',
        'names the network "lan", which does not exist; defined are default',
      ],
      [
        'test.yaml',
        9,
        'foo',
        'is not a known key; known here: sip, media, trunks, routes, providers, organisations, recording, featureCodes, notices, prompts, voicemail, webhooks, overlay, ledger, log, admin',
      ],
    ]);
  });

  test('the error carries its code, and all problems in message and details', () => {
    const error = errorOf('a: 1\nb: 2\n');
    expect(error.code).toBe('REC_ERR_CONFIG_INVALID');
    expect(error.problems).toHaveLength(2);
    expect(error.details).toEqual({ problems: error.problems });
    expect(error.message).toContain('test.yaml:1: a: ');
    expect(error.message).toContain('test.yaml:2: b: ');
  });

  test('says that an unquoted number lost its plus', () => {
    const yaml =
      'organisations: {o: {provider: none, recordingOff: acknowledged, users: {u: {identities: [+15550100]}}}}';
    expect(onlyProblem(yaml)).toBe(
      'organisations.o.users.u.identities[0]: must be text: put it in quotes, or YAML reads it as a number and drops a leading plus or zero',
    );
  });

  test('says that a section without content is empty', () => {
    expect(onlyProblem('media:\n')).toBe(
      'media: is empty; must be a mapping of keys, or leave the key out',
    );
  });

  test('accepts the keys of object prototypes neither as keys nor as references', () => {
    expect(onlyProblem('toString: 1')).toContain('toString: is not a known key');
    expect(
      onlyProblem('trunks: {t: {sources: [::1], kind: pstn, network: constructor}}'),
    ).toContain('names the network "constructor", which does not exist');
  });

  test.each([
    ['a broken document', 'sip: [', 'is not valid YAML'],
    ['two documents', 'sip: {}\n---\nsip: {}\n', 'is not valid YAML'],
    ['a duplicate key', 'sip: {}\nsip: {}\n', 'is not valid YAML'],
    [
      'a duplicate key deep inside',
      'sip:\n  engine: embedded\n  engine: drachtio\n',
      'is there twice',
    ],
    ['a key that is a list', '[a, b]: 1', 'has a key that is no plain name'],
    ['an unknown tag', 'sip: !!js/function "x"', 'is not valid YAML'],
    ['a list at the top', '- 1', 'must be a mapping of keys'],
    ['text at the top', 'hello', 'must be a mapping of keys'],
  ])('refuses %s', (_, yaml, message) => {
    expect(problemsOf(yaml)[0]?.message).toContain(message);
  });

  test('refuses an alias bomb instead of unfolding it', () => {
    const levels = 'bcdefghijk'.split('');
    const yaml = levels.reduce(
      (text, name, i) =>
        `${text}${name}: [${Array(10)
          .fill(`*${String.fromCharCode(97 + i)}`)
          .join(',')}]\n`.replace(`${name}: [`, `${name}: &${name} [`),
      'a: &a [1,2]\n',
    );
    expect(problemsOf(yaml)[0]?.message).toContain('is not usable YAML');
  });

  test.each([
    ['{transport: udp, host: 0.0.0.0, port: 5060}', 'advertisedHost: is required with 0.0.0.0'],
    ['{transport: udp, host: "::", port: 5060}', 'advertisedHost: is required with ::'],
    [
      '{transport: udp, host: 127.0.0.1, port: 5060, advertisedHost: 0.0.0.0}',
      'must be an address that others can send to',
    ],
    [
      '{transport: udp, host: 127.0.0.1, port: 5060, advertisedHost: "2001:db8::1"}',
      'must be an IPv4 address',
    ],
    [
      '{transport: udp, host: 127.0.0.1, port: 5060, advertisedHost: sbc.example.com}',
      'must be an IP address',
    ],
    ['{transport: udp, host: localhost, port: 5060}', 'must be an IP address'],
    ['{transport: udp, host: 127.0.0.1, port: 20000}', 'lies within media.ports'],
    ['{transport: sctp, host: 127.0.0.1, port: 5061}', 'must be udp, tcp or tls'],
    ['{transport: tls, host: 127.0.0.1, port: 5061}', 'is required with transport: tls'],
    ['{transport: tcp, host: 127.0.0.1, port: 8080}', 'choose another'],
  ])('refuses the listener %s', (listener, message) => {
    expect(onlyProblem(`sip: {listeners: [${listener}]}`)).toContain(message);
  });

  test('refuses two listeners on one address, but not on port 0', () => {
    const twice = (port: number): string =>
      `sip: {listeners: [{transport: udp, host: 127.0.0.1, port: ${port}}, {transport: udp, host: 127.0.0.1, port: ${port}}]}`;
    expect(onlyProblem(twice(5060))).toContain('listens where sip.listeners[0] does already');
    expect(problemsOf(twice(0))).toEqual([]);
  });

  test.each([
    ['{min: 20000, max: 20005}', 'must hold at least 8 ports'],
    ['{min: 30000}', 'must hold at least 8 ports'],
    ['{min: 20001, max: 20011}', 'must be even'],
    ['{min: 20000, max: 20010}', 'must be odd'],
    ['{min: 80, max: 20011}', 'from 1024 to 65535'],
    ['{min: "20000"}', 'must be a whole number'],
    ['{min: 20000.5}', 'must be a whole number'],
  ])('refuses the port range %s', (ports, message) => {
    expect(onlyProblem(`media: {ports: ${ports}}`)).toContain(message);
  });

  test('requires the drachtio section, and its host and secret, with engine: drachtio', () => {
    expect(onlyProblem('sip: {engine: drachtio}')).toContain(
      'sip.drachtio: is required with engine: drachtio',
    );
    expect(problemsOf('sip: {engine: drachtio, drachtio: {}}').map(p => p.path)).toEqual([
      'sip.drachtio.host',
      'sip.drachtio.secret',
    ]);
    expect(
      parseConfig('sip: {engine: drachtio, drachtio: {host: d, secret: s}}', 'x').sip.drachtio,
    ).toEqual({ host: 'd', port: 9022, secret: 's' });
  });

  test.each([
    ['{kind: pstn}', 'must have exactly one of nextHops and requestUri'],
    ["{nextHops: ['sip:a'], requestUri: true, kind: pstn}", 'must have exactly one of'],
    ['{requestUri: false, kind: pstn}', 'must be true'],
    ["{nextHops: ['sip:bob@a'], kind: pstn}", 'must have no user part'],
    ["{nextHops: ['sip:a;transport=tls'], kind: pstn}", 'has no tls listener to send from'],
    ["{nextHops: ['sips:a'], kind: pstn}", 'has no tls listener to send from'],
    ["{nextHops: ['sips:a;transport=udp'], kind: pstn}", 'is sips:, which is TLS'],
    ["{nextHops: ['tel:+1'], kind: pstn}", 'must be a SIP URI'],
    ["{nextHops: ['sip:a:70000'], kind: pstn}", 'must be a SIP URI'],
    ["{nextHops: ['sip:a']}", 'is required and must be internal or pstn'],
    ["{match: {fromTrunk: x}, nextHops: ['sip:a'], kind: pstn}", 'names the trunk "x"'],
    ["{match: {user: ''}, nextHops: ['sip:a'], kind: pstn}", 'must not be empty'],
    ["{nextHops: ['sip:a'], kind: pstn, network: lan}", 'names the network "lan"'],
  ])('refuses the route %s', (route, message) => {
    expect(onlyProblem(`routes: [${route}]`)).toContain(message);
  });

  test.each([
    ['sip:vm-*@*', 'must not begin with a scheme'],
    ['SIPS:vm@*', 'must not begin with a scheme'],
    ['tel:+1555*', 'must not begin with a scheme'],
    ['vm-*@example.com:5060', 'must not end in a port'],
    ['vm-17', 'never matches'],
    ['vm\\', 'must not end in a single backslash'],
  ])('refuses %s as a pattern of mailboxes, which would never match', (pattern, message) => {
    expect(onlyProblem(`voicemail: {patterns: ['${pattern}']}`)).toMatch(
      new RegExp(`^voicemail\\.patterns\\[0\\]: ${message}`),
    );
  });

  test('refuses targets that no listener can send to', () => {
    const udpOnly = 'sip: {listeners: [{transport: udp, host: 127.0.0.1, port: 5060}]}\n';
    expect(onlyProblem(`${udpOnly}providers: {lab: {targets: ['sip:127.0.0.1:5090']}}`)).toContain(
      'is reached over tcp, but sip.listeners has no tcp listener',
    );
    expect(
      onlyProblem(`${udpOnly}routes: [{nextHops: ['sip:a;transport=tcp'], kind: pstn}]`),
    ).toContain('has no tcp listener');
  });

  test('refuses one identity for two users, however it is written', () => {
    const yaml = `
organisations:
  a: { provider: none, recordingOff: acknowledged, users: { alice: { identities: ['+1 (555) 010-0000', 'sip:al@example.com'] } } }
  b: { provider: none, recordingOff: acknowledged, users: { bob: { identities: ['tel:+15550100000', 'sips:al@EXAMPLE.com:5061'] } } }
`;
    expect(problemsOf(yaml).map(p => `${p.path}: ${p.message}`)).toEqual([
      'organisations.b.users.bob.identities[0]: identifies alice of a already; an identity belongs to one user',
      'organisations.b.users.bob.identities[1]: identifies alice of a already; an identity belongs to one user',
    ]);
  });

  test('refuses one source block for two trunks, however it is written', () => {
    const yaml =
      "trunks: {a: {sources: ['2001:db8::/32'], kind: pstn}, b: {sources: ['2001:0DB8:0::/32'], kind: pstn}}";
    expect(onlyProblem(yaml)).toContain('belongs to trunk a already');
  });

  test.each([
    ["none: {targets: ['sip:a']}", 'must not be called "none"'],
    ["x: {targets: ['sip:a'], network: nowhere}", 'names the network "nowhere"'],
    ['x: {targets: []}', 'must have at least 1 entry'],
    ["x: {targets: ['sip:u:pw@a']}", 'must not contain a password'],
    ["x: {targets: ['sip:a'], metadataType: x}", 'metadataType: is not a known key'],
    [
      "x: {targets: ['sip:a'], signalling: {extraHeaders: {Contact: x}}}",
      'is a header that the gateway writes itself',
    ],
    [
      'x: {targets: ["sip:a"], signalling: {extraHeaders: {X-A: "a\\r\\nVia: b"}}}',
      'without line breaks',
    ],
  ])('refuses the provider %s', (provider, message) => {
    expect(onlyProblem(`providers: {${provider}}`)).toContain(message);
  });

  test('refuses an organisation with an unknown provider and suggests the near one', () => {
    const yaml = "providers: {dubber: {targets: ['sip:a']}}\norganisations: {o: {provider: duber}}";
    expect(onlyProblem(yaml)).toContain('did you mean dubber?');
  });

  test('never shows a secret in a problem', () => {
    const yaml = `
sip: {engine: drachtio, drachtio: {host: d, secret: 48151623}}
providers: {x: {targets: ['sip:a'], signalling: {extraHeaders: {X-Token: "hunter2\\u0001"}}}}
`;
    const text = problemsOf(yaml).map(p => p.message);
    expect(text).toHaveLength(2);
    expect(text.join()).not.toMatch(/48151623|hunter2/);
  });
});

describe('environment', () => {
  test('a variable wins over the file and over defaults', () => {
    const config = parseConfig('admin: {port: 1}\n', 'x', {
      SIPREC_GATEWAY_ADMIN_PORT: '9999',
      SIPREC_GATEWAY_ADMIN_ENABLED: 'false',
      SIPREC_GATEWAY_LOG_LEVEL: 'debug',
    });
    expect(config.admin).toMatchObject({ enabled: false, host: '127.0.0.1', port: 9999 });
    expect(config.log.level).toBe('debug');
  });

  test('a listener variable counts for every listener, also for the default ones', () => {
    const config = parseConfig('', 'x', {
      SIPREC_GATEWAY_SIP_HOST: '0.0.0.0',
      SIPREC_GATEWAY_SIP_PORT: '5070',
      SIPREC_GATEWAY_SIP_ADVERTISED_HOST: '192.0.2.1',
    });
    const address = { host: '0.0.0.0', port: 5070, advertisedHost: '192.0.2.1' };
    expect(config.sip.listeners).toEqual([
      { transport: 'udp', ...address },
      { transport: 'tcp', ...address },
    ]);
  });

  test('switches the engine without touching the file', () => {
    const config = parseConfig('', 'x', {
      SIPREC_GATEWAY_SIP_ENGINE: 'drachtio',
      SIPREC_GATEWAY_DRACHTIO_HOST: '127.0.0.1',
      SIPREC_GATEWAY_DRACHTIO_PORT: '9023',
      SIPREC_GATEWAY_DRACHTIO_SECRET: 'cymru',
    });
    expect(config.sip.drachtio).toEqual({ host: '127.0.0.1', port: 9023, secret: 'cymru' });
  });

  test('an empty variable counts as not set', () => {
    expect(parseConfig('', 'x', { SIPREC_GATEWAY_LOG_LEVEL: '' }).log.level).toBe('info');
  });

  test('a bad value is reported once, under the name of its variable', () => {
    expect(problemsOf('', { SIPREC_GATEWAY_SIP_PORT: 'abc' })).toEqual([
      {
        source: 'SIPREC_GATEWAY_SIP_PORT',
        line: null,
        path: 'sip.listeners[*].port',
        message: 'must be a whole number from 0 to 65535, not "abc"',
      },
    ]);
  });

  test('an unknown variable with our prefix is a problem with a suggestion', () => {
    expect(onlyProblem('', { SIPREC_GATEWAY_ADMIN_PROT: '1' })).toContain(
      'did you mean SIPREC_GATEWAY_ADMIN_PORT?',
    );
  });

  test('a missing secret names the variable that can hold it', () => {
    const [problem] = problemsOf('sip: {drachtio: {host: d}}');
    expect(problem?.message).toBe(
      'is required and must be text (or set SIPREC_GATEWAY_DRACHTIO_SECRET)',
    );
  });

  test('${NAME} in a string of the file is replaced, $${ is a literal', () => {
    const yaml = "sip: {drachtio: {host: '${HOST}', secret: 'a${SIPREC_GATEWAY_MY_SECRET}b$${c}'}}";
    const config = parseConfig(yaml, 'x', { HOST: 'd', SIPREC_GATEWAY_MY_SECRET: '1' });
    expect(config.sip.drachtio).toEqual({ host: 'd', port: 9022, secret: 'a1b${c}' });
  });

  test('a missing ${NAME} is a problem at its place, and the only one there', () => {
    expect(problemsOf("sip:\n  drachtio:\n    host: d\n    secret: '${NOPE}'\n")).toEqual([
      {
        source: 'test.yaml',
        line: 4,
        path: 'sip.drachtio.secret',
        message: 'needs the environment variable NOPE, which is not set',
      },
    ]);
  });

  test('a broken reference is a problem', () => {
    expect(onlyProblem("ledger: {file: '${9'}")).toContain('has a broken variable reference');
  });
});

describe('loadConfig', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'config-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  test('reads a file', () => {
    const file = path.join(folder, 'a.yaml');
    writeFileSync(file, 'log: {level: warn}\n');
    expect(loadConfig({ file, env: {} }).log.level).toBe('warn');
  });

  test('says which file cannot be read', () => {
    const file = path.join(folder, 'missing.yaml');
    expect(() => loadConfig({ file, env: {} })).toThrow(/missing\.yaml: cannot be read: .*ENOENT/);
  });

  test('the shipped example loads without warnings and needs no environment', () => {
    const file = path.resolve(__dirname, '../../../config/gateway.example.yaml');
    const config = loadConfig({ file, env: {} });
    expect(config.sip.listeners.map(l => `${l.transport} ${l.host}:${l.port}`)).toEqual([
      'udp 127.0.0.1:5060',
      'tcp 127.0.0.1:5060',
    ]);
    expect(config.routes[0]?.nextHops).toEqual(['sip:127.0.0.1:5080;transport=udp']);
    expect(config.providers['lab']?.targets.map(({ uri }) => uri)).toEqual([
      'sip:127.0.0.1:5090;transport=tcp',
    ]);
    expect(config.organisations['example']?.users['alice']?.recording.mode).toBe('always');
  });
});
