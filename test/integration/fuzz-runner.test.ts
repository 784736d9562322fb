import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const ROOT = join(__dirname, '../..');
const RUNNER = join(ROOT, 'dist/src/lab/fuzz/main.js');

function run(
  args: readonly string[],
): Promise<{ code: number | null; stdout: string; stderr: string }> {
  return new Promise(resolve => {
    const child = execFile('node', [RUNNER, ...args], { cwd: ROOT }, (_error, stdout, stderr) =>
      resolve({ code: child.exitCode, stdout, stderr }),
    );
  });
}

let folder: string;

jest.setTimeout(120_000);

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'fuzz-runner-'));
});

afterEach(() => {
  rmSync(folder, { recursive: true });
});

test('runs the named parsers in threads and says what came of it', async () => {
  const crashes = join(folder, 'crashes');
  const args = ['--runs', '300', '--seed', '5', '--only', 'rtcp,framer', '--crashes', crashes];
  const { code, stdout } = await run([...args, '--json']);
  const report = JSON.parse(stdout) as {
    seed: number;
    parsers: { target: string; runs: number; accepted: number; refused: number; crashes: number }[];
  };
  expect(code).toBe(0);
  expect(report.seed).toBe(5);
  expect(report.parsers.map(({ target, runs, crashes: found }) => [target, runs, found])).toEqual([
    ['rtcp', 300, 0],
    ['framer', 300, 0],
  ]);
  expect(report.parsers.every(({ accepted, refused }) => accepted + refused === 300)).toBe(true);
  expect(existsSync(crashes)).toBe(false);
});

test('names the parsers that it has when asked for another', async () => {
  const { code, stderr } = await run(['--only', 'h264']);
  expect(code).toBe(1);
  expect(stderr).toContain('sip, framer, sdp, multipart, rtp, rtcp, frames, metadata');
});
