import { EventEmitter } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import * as path from 'node:path';
import { type GatewayConfig } from '#config';
import { GatewayError } from '#core';
import {
  type CliContext,
  type DemoOptions,
  type ExplainOptions,
  type PhoneOptions,
  runCli,
  type SrsOptions,
} from '../../../src/cli';

interface Run {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

describe('runCli', () => {
  let folder: string;
  let signals: EventEmitter;
  let started: GatewayConfig | null;
  let demo: DemoOptions | null;
  let srs: SrsOptions | null;
  let phone: PhoneOptions | null;
  let explain: ExplainOptions | null;
  let work: (signal: AbortSignal | null) => Promise<number>;

  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'cli-'));
    signals = new EventEmitter();
    started = demo = srs = phone = explain = null;
    work = () => Promise.resolve(0);
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  async function run(args: readonly string[], env: CliContext['env'] = {}): Promise<Run> {
    let out = '';
    let err = '';
    const code = await runCli(args, {
      print: line => (out += `${line}\n`),
      printError: line => (err += `${line}\n`),
      env,
      signals,
      columns: 100,
      runners: {
        start(config) {
          started = config;
          return work(null);
        },
        demo(options, signal) {
          demo = options;
          return work(signal);
        },
        srs(options, signal) {
          srs = options;
          return work(signal);
        },
        explain(options) {
          explain = options;
          return work(null);
        },
        phone(options, signal) {
          phone = options;
          return work(signal);
        },
      },
    });
    return { code, out, err };
  }

  function file(yaml: string): string {
    const name = path.join(folder, 'test.yaml');
    writeFileSync(name, yaml);
    return name;
  }

  test('--version prints the version of the package', async () => {
    expect(await run(['--version'])).toEqual({
      code: 0,
      out: expect.stringMatching(/^\d+\.\d+\.\d+\n$/) as string,
      err: '',
    });
  });

  test('--help names every command and shows examples', async () => {
    const { code, out } = await run(['--help']);
    expect(code).toBe(0);
    for (const word of ['start', 'demo', 'srs', 'phone', 'config', 'Examples:']) {
      expect(out).toContain(word);
    }
  });

  test.each([['start'], ['demo'], ['srs'], ['phone'], ['config', 'check']])(
    '%s --help shows examples',
    async (...args) => {
      const { code, out } = await run([...args, '--help']);
      expect(code).toBe(0);
      expect(out).toContain('Examples:');
      expect(out).toContain(`$ siprec-gateway ${args.join(' ')}`);
    },
  );

  test.each([
    [[]],
    [['strat']],
    [['start', '--bogus']],
    [['start', 'extra']],
    [['srs', '--json']],
    [['srs', '--listen', 'nowhere']],
    [['srs', '--listen', '127.0.0.1:70000']],
    [['srs', '--refuse', '200']],
    [['srs', '--refuse', '503.5']],
    [['srs', '--silent', '--refuse', '503']],
    [['srs', '--transport', 'tls']],
    [['phone']],
    [['phone', '--call', 'sip:a@b', '--answer']],
    [['phone', '--call', 'bob']],
    [['phone', '--answer', '--tone', '9000']],
    [['phone', '--answer', '--tone', '400', '--wav', 'x']],
    [['config', 'chek']],
  ])('a wrong command line %j is exit code 2 with a message', async args => {
    const { code, err } = await run(args);
    expect(code).toBe(2);
    expect(err).not.toBe('');
    expect(err).not.toContain('    at ');
  });

  test('a command that is misspelt gets a suggestion', async () => {
    expect((await run(['strat'])).err).toContain('Did you mean start?');
  });

  describe('config check', () => {
    test('says OK and what was understood of the shipped example', async () => {
      const { code, out } = await run(['config', 'check']);
      expect(code).toBe(0);
      expect(out).toMatch(/^OK: config\/gateway\.example\.yaml\n/);
      expect(out).toContain('embedded, udp 127.0.0.1:5060, tcp 127.0.0.1:5060');
      expect(out).toContain('switch: 127.0.0.0/8 (internal, trusted)');
      expect(out).toContain('any -> sip:127.0.0.1:5080;transport=udp (internal)');
      expect(out).toContain('2, of which 1 recorded');
    });

    test('prints all problems as a table within the width of the terminal', async () => {
      const name = file('sip: {engin: x}\nmedia:\n  workers: 0\n');
      const { code, out } = await run(['config', 'check', name]);
      expect(code).toBe(1);
      expect(out).toContain('sip.engin');
      expect(out).toContain('did you mean engine?');
      expect(out).toContain('media.workers');
      expect(out).toContain('2 problems');
      const table = out.split('\n').filter(line => /[│─]/.test(line));
      expect(Math.max(...table.map(line => line.length))).toBeLessThanOrEqual(100);
    });

    test('folds long keys instead of cutting them', async () => {
      const yaml =
        'organisations: {some-organisation: {provider: none, recordingOff: acknowledged, users: {some-user: {identities: [x]}}}}';
      const { out } = await run(['config', 'check', file(yaml)]);
      const keyColumn = out.split('\n').map(line => line.split('│')[2]?.trim() ?? '');
      expect(keyColumn.join('')).toContain(
        'organisations.some-organisation.users.some-user.identities[0]',
      );
    });

    test('--json prints one object either way', async () => {
      const bad = await run(['config', 'check', file('x: 1'), '--json']);
      expect(bad.code).toBe(1);
      expect(JSON.parse(bad.out)).toMatchObject({
        ok: false,
        problems: [{ line: 1, path: 'x' }],
      });
      const good = await run(['config', 'check', file(''), '--json']);
      expect(good.code).toBe(0);
      expect(JSON.parse(good.out)).toMatchObject({
        ok: true,
        warnings: expect.arrayContaining([expect.stringContaining('No trunk')]) as string[],
        summary: { users: { total: 0, recorded: 0 } },
      });
    });

    test('a file that is not there is one clear line', async () => {
      const { code, out } = await run(['config', 'check', path.join(folder, 'no.yaml')]);
      expect(code).toBe(1);
      expect(out).toContain('cannot be read');
    });

    test('counts the environment, as start does', async () => {
      const { out } = await run(['config', 'check', file('')], {
        SIPREC_GATEWAY_ADMIN_ENABLED: 'false',
      });
      expect(out).toMatch(/admin +off/);
    });
  });

  describe('config explain', () => {
    const YAML = `
trunks: { pbx: { sources: [10.0.0.0/24], kind: internal, trusted: true, organisation: acme } }
routes: [{ nextHops: ['sip:10.0.0.1'], kind: internal, organisation: acme }]
providers: { lab: { targets: ['sip:srs'] } }
organisations: { acme: { provider: lab, users: {
  alice: { identities: ['1001'], recording: { mode: always } },
  bob: { identities: ['1002'], recording: { mode: never } } } } }
`;
    const explainArgs = (yaml: string, ...more: string[]): string[] => [
      ...['config', 'explain', file(yaml), '--caller', '1001', '--callee', '1002'],
      ...more,
    ];

    test('prints for both parties who they are, what is decided and why', async () => {
      const { code, out, err } = await run(explainArgs(YAML));
      expect([code, err]).toEqual([0, '']);
      expect(out).toMatch(/^trunk +pbx: internal/);
      expect(out).toMatch(/is alice of acme [\s\S]*recorded: mode always/);
      expect(out).toMatch(/is bob of acme [\s\S]*not recorded: mode never/);
    });

    test('--json prints the decision and the same steps', async () => {
      const { code, out } = await run(explainArgs(YAML, '--trunk', 'pbx', '--json'));
      expect(code).toBe(0);
      const { decision, steps } = JSON.parse(out) as {
        decision: { parties: Record<string, unknown> };
        steps: { about: string; text: string }[];
      };
      expect(decision.parties).toMatchObject({
        caller: { recording: { mode: 'always' }, notRecorded: null },
        callee: { recording: null, notRecorded: 'never' },
      });
      expect(steps).toContainEqual({ about: 'caller', text: 'recorded: mode always' });
    });

    test('a call that is refused is explained as well: exit code 0', async () => {
      const { code, out } = await run(explainArgs(YAML.replace(/routes:.*/, '')));
      expect(code).toBe(0);
      expect(out).toContain('the call is refused with 404');
    });

    test('a configuration that cannot be used is exit code 1 and names the key', async () => {
      const { code, err } = await run(explainArgs(YAML.replace('mode: never', 'mode: sometimes')));
      expect(code).toBe(1);
      expect(err).toContain('organisations.acme.users.bob.recording.mode');
    });

    test.each([
      ['no trunk at all', YAML.replace(/trunks:.*/, ''), [], '--trunk is needed; there are: none'],
      ['a trunk that is not there', YAML, ['--trunk', 'isp'], 'there is no trunk isp'],
    ])('%s is exit code 2 with a message', async (_, yaml, more, message) => {
      const { code, err } = await run(explainArgs(yaml, ...more));
      expect(code).toBe(2);
      expect(err).toContain(message);
    });

    test('needs both parties', async () => {
      const { code, err } = await run(['config', 'explain', file(YAML), '--caller', '1001']);
      expect(code).toBe(2);
      expect(err).toContain('--callee');
    });
  });

  describe('start', () => {
    test('runs the shipped example when no file is named', async () => {
      expect((await run(['start'])).code).toBe(0);
      expect(started?.providers['lab']?.targets[0]?.uri).toBe('sip:127.0.0.1:5090;transport=tcp');
    });

    test('hands over the named configuration, prints warnings and the exit code', async () => {
      work = () => Promise.resolve(1);
      const { code, err } = await run(['start', '--config', file('log: {level: debug}')]);
      expect(started?.log.level).toBe('debug');
      expect(err).toContain('warning: No trunk is configured');
      expect(code).toBe(1);
    });

    test('does not start with a bad configuration', async () => {
      const { code, err } = await run(['start', '-c', file('foo: 1')]);
      expect([code, started]).toEqual([1, null]);
      expect(err).toContain('foo: is not a known key');
      expect(err).toContain('REC_ERR_CONFIG_INVALID');
    });

    test('a failure is one line, with --verbose also its stack and causes', async () => {
      work = () =>
        Promise.reject(
          new GatewayError('REC_ERR_X', 'port in use', { cause: new Error('EADDRINUSE') }),
        );
      const terse = await run(['start']);
      expect(terse).toMatchObject({ code: 1, err: 'error: port in use (REC_ERR_X)\n' });
      const verbose = await run(['start', '--verbose']);
      expect(verbose.err).toContain('    at ');
      expect(verbose.err).toContain('caused by: ');
      expect(verbose.err).toContain('EADDRINUSE');
    });
  });

  test('demo passes its options on', async () => {
    await run(['demo']);
    expect(demo).toEqual({ outDir: null, json: false, show: 'call' });
    await run(['demo', '--out', 'd', '--json']);
    expect(demo).toEqual({ outDir: 'd', json: true, show: 'call' });
    await run(['demo', '--scenario', 'hold']);
    expect(demo).toMatchObject({ show: { scenario: 'hold' } });
    await run(['demo', '--all']);
    expect(demo).toMatchObject({ show: 'all' });
    await run(['demo', '--list']);
    expect(demo).toMatchObject({ show: 'list' });
  });

  test('srs --explain reads files and starts no recorder', async () => {
    await run(['srs', '--explain', 'a.xml', 'b.xml', '--json']);
    expect(explain).toEqual({ files: ['a.xml', 'b.xml'], json: true });
    expect(srs).toBeNull();
  });

  test('srs behaves by default and takes every misbehaviour', async () => {
    await run(['srs']);
    expect(srs).toEqual({
      listen: { host: '127.0.0.1', port: 5090 },
      transports: ['udp', 'tcp'],
      outDir: 'recordings',
      misbehaviour: {},
    });
    const args =
      'srs -l [::1]:0 -t tcp -o x --answer-delay 1.5 --inactive 2 --refuse-stream 2 --bye-after 10 ' +
      '--stop-reading --snapshot-after 3 --report-loss 25 --glare --close-after 4';
    expect((await run(args.split(' '))).err).toBe('');
    expect(srs).toEqual({
      listen: { host: '::1', port: 0 },
      transports: ['tcp'],
      outDir: 'x',
      misbehaviour: {
        answerDelayMs: 1500,
        inactive: true,
        activateAfterMs: 2000,
        refuseStream: '2',
        byeAfterMs: 10_000,
        stopReading: true,
        snapshotAfterMs: 3000,
        reportedLoss: 0.25,
        glare: true,
        closeConnectionAfterMs: 4000,
      },
    });
    await run(['srs', '--refuse', '503', '--listen', '6000']);
    expect(srs).toMatchObject({
      listen: { host: '127.0.0.1', port: 6000 },
      misbehaviour: { refuseStatus: 503 },
    });
  });

  test('phone calls or answers, with a tone, a file or silence', async () => {
    await run('phone --call sip:1001@127.0.0.1:5060 --tone 400 -d 2.5 --out h.wav'.split(' '));
    expect(phone).toEqual({
      listen: { host: '127.0.0.1', port: 0 },
      transport: 'udp',
      callUri: 'sip:1001@127.0.0.1:5060',
      audio: { kind: 'tone', hz: 400 },
      durationS: 2.5,
      outFile: 'h.wav',
    });
    await run('phone --answer --wav v.wav --transport tcp --listen 127.0.0.1:5080'.split(' '));
    expect(phone).toMatchObject({
      callUri: null,
      transport: 'tcp',
      listen: { host: '127.0.0.1', port: 5080 },
      audio: { kind: 'wav', file: 'v.wav' },
      durationS: null,
    });
    await run(['phone', '--answer']);
    expect(phone).toMatchObject({ audio: { kind: 'silence' } });
  });

  test.each([['SIGINT'], ['SIGTERM']])('%s ends a tool in an orderly way', async name => {
    work = signal =>
      new Promise(resolve => {
        signal?.addEventListener('abort', () => resolve(7));
        signals.emit(name);
      });
    expect((await run(['srs'])).code).toBe(7);
    expect(signals.eventNames()).toEqual([]);
  });
});
