import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const PROGRAM = join(__dirname, '../../dist/src/main.js');

interface Result {
  readonly scenario: string;
  readonly ok: boolean;
  readonly checks: readonly { name: string; ok: boolean; expected: string; found: string }[];
}

/** Runs the command as a user does. */
async function demo(...flags: string[]): Promise<{ code: number | null; lastLine: string }> {
  const child = spawn(process.execPath, [PROGRAM, 'demo', ...flags], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  let output = '';
  child.stdout.on('data', (bytes: Buffer) => (output += bytes.toString('utf8')));
  const code = await new Promise<number | null>(resolve => child.once('close', resolve));
  return { code, lastLine: output.trimEnd().split('\n').at(-1) ?? '' };
}

/** There is no recording in the end. */
const UNRECORDED = [
  'never',
  'end-call-on-failure',
  'proceed-with-announcement',
  'compulsory-no-srs',
];

jest.setTimeout(120_000);

describe('demo --scenario', () => {
  let folder: string;

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'demo-'));
  });

  afterAll(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  test.each([
    'always-pause-resume',
    'never',
    'announcements',
    'beep-on-pause',
    'voicemail',
    'transfer',
    'transfer-to-recorded',
    'srs-503-failover',
    'srs-killed-midcall',
    'end-call-on-failure',
    'proceed-with-announcement',
    'compulsory-no-srs',
    'tls-mutual',
    'transcode-g722-to-pcmu',
    'broadworks-transfer',
    'broadworks-conference',
  ])('%s is as it should be, and leaves its evidence', async name => {
    const out = join(folder, name);
    const { code, lastLine } = await demo('--scenario', name, '--out', out, '--json');
    const result = JSON.parse(lastLine) as Result;
    expect(result.checks.filter(({ ok }) => !ok)).toEqual([]);
    expect({ code, ok: result.ok, scenario: result.scenario }).toEqual({
      code: 0,
      ok: true,
      scenario: name,
    });
    const files = ['caller-heard.wav', 'gateway.log', 'gateway.json', 'webhooks.jsonl'];
    const answered = name === 'compulsory-no-srs' ? [] : ['callee-heard.wav'];
    const recorded = UNRECORDED.includes(name) ? [] : ['recording.wav', 'ledger.jsonl'];
    expect(
      [...files, ...answered, ...recorded].filter(file => !existsSync(join(out, file))),
    ).toEqual([]);
  });

  test('--list names what there is, an unknown name is a wrong command line', async () => {
    const list = await demo('--list', '--json');
    const { scenarios } = JSON.parse(list.lastLine) as { scenarios: { name: string }[] };
    const names = scenarios.map(({ name }) => name);
    expect(names).toEqual(
      expect.arrayContaining(['always', 'announcements', 'srs-frozen-midcall']),
    );
    expect((await demo('--scenario', 'no-such')).code).toBe(2);
  });
});
