import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

import { type LedgerLine } from '../../src/ledger';

const MAIN = resolve(__dirname, '../../dist/src/main.js');
const READY_DEADLINE_MS = 20_000;
const EXIT_DEADLINE_MS = 20_000;

/** The gateway as an operator runs it: a process of its own, configured by a file. */
export interface GatewayProcess {
  /** Port of the first listener of a transport. */
  port(transport: 'udp' | 'tcp' | 'tls'): number;
  readonly adminUrl: string | null;
  /** What it has logged so far (JSON lines). */
  log(): string;
  ledger(): readonly LedgerLine[];
  /** Waits until the ledger has that many lines. */
  waitForLedger(lines: number, deadlineMs?: number): Promise<readonly LedgerLine[]>;
  /** Its configuration; log and ledger are in there. */
  readonly configFile: string;
  /** Writes the configuration again with other sections, or what is no configuration, and sends SIGHUP. */
  reload(config: Readonly<Record<string, unknown>> | string): void;
  /** Waits until it has logged a line that `test` holds for. */
  waitForLog(test: RegExp, deadlineMs?: number): Promise<string>;
  /** Sends SIGINT and waits. @returns the exit code. */
  stop(signal?: 'SIGINT' | 'SIGTERM' | 'SIGKILL'): Promise<number>;
}

/**
 * Starts the gateway and resolves when it says that it is ready. `config` is completed by log and ledger.
 * @param home its working directory with configuration and ledger, which stays; default: one that goes with it.
 */
export async function startGatewayProcess(
  config: Readonly<Record<string, unknown>>,
  home: string | null = null,
): Promise<GatewayProcess> {
  const folder = home ?? mkdtempSync(join(tmpdir(), 'gateway-'));
  const ledgerFile = join(folder, 'ledger.jsonl');
  const configFile = join(folder, 'gateway.yaml');
  const write = (sections: Readonly<Record<string, unknown>>): void =>
    writeFileSync(
      configFile,
      JSON.stringify({
        ...sections,
        ledger: { ...(sections['ledger'] as object | undefined), file: ledgerFile },
        log: { level: 'debug' },
      }),
    );
  write(config);
  const child = spawn(process.execPath, [MAIN, 'start', '--config', configFile], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  let log = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (log += chunk.toString()));
  const exited = new Promise<number>(done => {
    child.on('exit', code => done(code ?? -1));
  });
  const hasAdmin = (config['admin'] as { enabled?: boolean } | undefined)?.enabled !== false;
  await untilReady(
    child,
    // What it prints last.
    hasAdmin ? /\n {2}metrics .*\n/ : /\n {2}media .*\n/,
    () => output,
    () => log,
  );
  const ledger = (): readonly LedgerLine[] =>
    existsSync(ledgerFile)
      ? readFileSync(ledgerFile, 'utf8')
          .split('\n')
          .filter(line => line !== '')
          .map(line => JSON.parse(line) as LedgerLine)
      : [];
  return {
    port: transport => Number(new RegExp(`${transport} [^ ]+:(\\d+)`).exec(output)?.[1] ?? NaN),
    adminUrl: /(http:\/\/\S+)\/metrics/.exec(output)?.[1] ?? null,
    log: () => log,
    configFile,
    reload(next) {
      if (typeof next === 'string') {
        writeFileSync(configFile, next);
      } else {
        write({ ...config, ...next });
      }
      child.kill('SIGHUP');
    },
    async waitForLog(test, deadlineMs = 20_000) {
      const end = Date.now() + deadlineMs;
      for (;;) {
        const line = log.split('\n').find(each => test.test(each));
        if (line !== undefined) {
          return line;
        }
        if (Date.now() > end) {
          throw new Error(`the gateway has not logged ${String(test)}\n${log}`);
        }
        await new Promise(next => setTimeout(next, 25));
      }
    },
    ledger,
    async waitForLedger(lines, deadlineMs = 10_000) {
      const end = Date.now() + deadlineMs;
      while (ledger().length < lines) {
        if (Date.now() > end) {
          throw new Error(`the ledger has ${ledger().length} lines, not ${lines}\n${log}`);
        }
        await new Promise(next => setTimeout(next, 25));
      }
      return ledger();
    },
    async stop(signal = 'SIGINT') {
      child.kill(signal);
      const timer = setTimeout(() => child.kill('SIGKILL'), EXIT_DEADLINE_MS);
      const code = await exited;
      clearTimeout(timer);
      if (home === null) {
        rmSync(folder, { recursive: true, force: true });
      }
      return code;
    },
  };
}

async function untilReady(
  child: ChildProcess,
  lastLine: RegExp,
  output: () => string,
  log: () => string,
): Promise<void> {
  await new Promise<void>((ready, failed) => {
    const fail = (why: string): void => failed(new Error(`${why}\n${output()}${log()}`));
    const timer = setTimeout(() => fail('the gateway is not ready in time'), READY_DEADLINE_MS);
    child.on('exit', () => {
      clearTimeout(timer);
      fail('the gateway ended');
    });
    child.stdout?.on('data', () => {
      if (lastLine.test(output())) {
        clearTimeout(timer);
        ready();
      }
    });
  });
}
