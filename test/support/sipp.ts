import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

/** The SIPp scenarios of test/e2e/sipp. */
const SCENARIOS = resolve(__dirname, '../e2e/sipp');

export const INSTALL_HINT =
  'SIPp is missing: install it with `apt-get install sip-tester` (Debian, Ubuntu)';

/** Whether `sipp` can be run here. */
export function isSippInstalled(): boolean {
  return spawnSync('sipp', ['-v'], { stdio: 'ignore' }).error === undefined;
}

/**
 * `describe` for suites that need SIPp. Without it the suite fails under CI and is skipped elsewhere, and
 * in both cases it says what to install.
 */
export function describeWithSipp(name: string, body: () => void): void {
  if (isSippInstalled()) {
    describe(name, body);
  } else if (process.env['CI'] === undefined) {
    process.stderr.write(`${INSTALL_HINT}; skipped: ${name}\n`);
    describe.skip(name, body);
  } else {
    describe(name, () => {
      test('SIPp is installed', () => {
        throw new Error(INSTALL_HINT);
      });
    });
  }
}

export interface SippOptions {
  /** File name in test/e2e/sipp, without `.xml`. */
  readonly scenario: string;
  readonly transport: 'udp' | 'tcp';
  readonly localPort: number;
  /** First RTP port. */
  readonly mediaPort: number;
  /** host:port to send to; absent for a UAS. */
  readonly remote?: string;
  readonly service?: string;
  readonly calls?: number;
  readonly callsPerSecond?: number;
  readonly maxConcurrent?: number;
  /** Duration of a `<pause/>`, ms. */
  readonly pauseMs?: number;
  /** Files of the working folder, e.g. `tone.ulaw`. */
  readonly files?: Readonly<Record<string, Buffer>>;
  /** The whole run is given up after this time. */
  readonly timeoutS?: number;
  readonly keys?: Readonly<Record<string, string>>;
}

export interface SippRun {
  /** Resolves with the exit code (0: every call succeeded) and what SIPp complained about. */
  readonly finished: Promise<{ code: number; errors: string }>;
  stop(): void;
}

/** Starts SIPp in a folder of its own. */
export function startSipp(options: SippOptions): SippRun {
  const folder = mkdtempSync(join(tmpdir(), 'sipp-'));
  for (const [name, content] of Object.entries(options.files ?? {})) {
    writeFileSync(join(folder, name), content);
  }
  const child: ChildProcess = spawn('sipp', sippArguments(options), {
    cwd: folder,
    stdio: 'ignore',
  });
  const finished = new Promise<{ code: number; errors: string }>(done => {
    child.on('exit', code => {
      const errors = readdirSync(folder)
        .filter(name => name.endsWith('_errors.log'))
        .map(name => readFileSync(join(folder, name), 'utf8'))
        .join('\n');
      rmSync(folder, { recursive: true, force: true });
      done({ code: code ?? -1, errors });
    });
  });
  return { finished, stop: () => void child.kill('SIGTERM') };
}

function sippArguments(options: SippOptions): string[] {
  const optional = (flag: string, value: number | string | undefined): string[] =>
    value === undefined ? [] : [flag, String(value)];
  return [
    ...(options.remote === undefined ? [] : [options.remote]),
    '-sf',
    join(SCENARIOS, `${options.scenario}.xml`),
    '-i',
    '127.0.0.1',
    '-p',
    String(options.localPort),
    '-mp',
    String(options.mediaPort),
    '-t',
    options.transport === 'udp' ? 'u1' : 't1',
    '-m',
    String(options.calls ?? 1),
    ...optional('-r', options.callsPerSecond),
    ...optional('-l', options.maxConcurrent),
    ...optional('-s', options.service),
    ...optional('-d', options.pauseMs),
    ...Object.entries(options.keys ?? {}).flatMap(([key, value]) => ['-key', key, value]),
    '-timeout',
    `${options.timeoutS ?? 30}s`,
    '-timeout_error',
    '-nostdin',
    '-trace_err',
  ];
}
