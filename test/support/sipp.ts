import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

/** The SIPp scenarios of test/e2e/sipp. */
const SCENARIOS = resolve(__dirname, '../e2e/sipp');

/** A scenario that was not in a file becomes one in the working folder. */
const OWN_SCENARIO = 'scenario.xml';

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
  /** File name in test/e2e/sipp, without `.xml`, or a scenario of our own. */
  readonly scenario: string | { readonly xml: string };
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
  /** Call-ID of the only call; of a UAC. */
  readonly callId?: string;
}

export interface SippRun {
  /** Resolves with the exit code (0: every call succeeded) and what SIPp complained about, with its messages. */
  readonly finished: Promise<{ code: number; errors: string }>;
  stop(): void;
}

/** Starts SIPp in a folder of its own. */
export function startSipp(options: SippOptions): SippRun {
  const folder = mkdtempSync(join(tmpdir(), 'sipp-'));
  for (const [name, content] of Object.entries(options.files ?? {})) {
    writeFileSync(join(folder, name), content);
  }
  if (typeof options.scenario !== 'string') {
    writeFileSync(join(folder, OWN_SCENARIO), options.scenario.xml);
  }
  const child: ChildProcess = spawn('sipp', sippArguments(options), {
    cwd: folder,
    stdio: 'ignore',
  });
  const finished = new Promise<{ code: number; errors: string }>(done => {
    child.on('exit', code => {
      const logs = code === 0 ? /_errors\.log$/ : /_(errors|messages)\.log$/;
      const errors = readdirSync(folder)
        .filter(name => logs.test(name))
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
    typeof options.scenario === 'string'
      ? join(SCENARIOS, `${options.scenario}.xml`)
      : OWN_SCENARIO,
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
    ...optional('-cid_str', options.callId),
    ...Object.entries(options.keys ?? {}).flatMap(([key, value]) => ['-key', key, value]),
    '-timeout',
    `${options.timeoutS ?? 30}s`,
    '-timeout_error',
    '-nostdin',
    '-trace_err',
    '-trace_msg',
  ];
}
