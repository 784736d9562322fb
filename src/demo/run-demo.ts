import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

import { SingleBar } from 'cli-progress';

import { systemClock } from '#core';

import { createLogger } from '../observability';
import { openDemoBench } from './bench';
import { checkRecordedCall } from './checks';
import { type DemoCheck, type DemoFacts } from './facts';
import { runRecordedCall } from './recorded-call';
import { demoJson, demoText } from './report';

export interface DemoOptions {
  /** Where the evidence goes; null: a new folder below the system's temporary folder. */
  readonly outDir: string | null;
  /** One JSON object as the last line instead of tables. */
  readonly json: boolean;
}

const SCENARIO = 'always';
const TALK_MS = 5_000;
const TRANSPORT = 'udp';
/** What an earlier run may have left in the folder: it must never pass for evidence of this one. */
const EVIDENCE = [
  'recording.wav',
  'caller-heard.wav',
  'callee-heard.wav',
  'metadata',
  'sip',
  'srs',
  'ledger.jsonl',
  'gateway.log',
  'result.json',
];

/**
 * Places one recorded call on loopback and checks what everybody got.
 * @returns the exit code: 0 only if every check holds.
 */
export async function runDemo(
  options: DemoOptions,
  signal: AbortSignal,
  print: (line: string) => void,
): Promise<number> {
  const outDir = prepareFolder(options.outDir);
  const { facts, checks } = await record(outDir, signal);
  const json = demoJson(SCENARIO, outDir, facts, checks);
  writeFileSync(join(outDir, 'result.json'), `${JSON.stringify(json, null, 2)}\n`);
  print(options.json ? JSON.stringify(json) : demoText(SCENARIO, outDir, facts, checks));
  return checks.every(({ ok }) => ok) && !signal.aborted ? 0 : 1;
}

async function record(
  outDir: string,
  signal: AbortSignal,
): Promise<{ facts: DemoFacts; checks: readonly DemoCheck[] }> {
  const progress = progressBar();
  const log = createLogger({ level: 'debug', file: join(outDir, 'gateway.log') });
  try {
    const bench = await openDemoBench({
      outDir,
      clock: systemClock,
      logger: log.logger,
      transport: TRANSPORT,
    });
    try {
      const facts = await runRecordedCall(bench, {
        outDir,
        talkMs: TALK_MS,
        transport: TRANSPORT,
        clock: systemClock,
        progress: progress.show,
        signal,
      });
      return { facts, checks: checkRecordedCall(facts) };
    } finally {
      await bench.close();
    }
  } finally {
    progress.stop();
    await log.close();
  }
}

function prepareFolder(outDir: string | null): string {
  if (outDir === null) {
    return mkdtempSync(join(tmpdir(), 'siprec-demo-'));
  }
  mkdirSync(outDir, { recursive: true });
  for (const name of EVIDENCE) {
    rmSync(join(outDir, name), { recursive: true, force: true });
  }
  return resolve(outDir);
}

/** Progress on standard error, so that standard output is the result alone; plain lines without a terminal. */
function progressBar(): { show: (share: number, what: string) => void; stop: () => void } {
  const bar = new SingleBar({
    format: 'demo |{bar}| {percentage} % {what}',
    stream: process.stderr,
    noTTYOutput: true,
    notTTYSchedule: 1000,
    hideCursor: true,
  });
  bar.start(100, 0, { what: 'starting' });
  return {
    show: (share, what) => bar.update(Math.round(share * 100), { what }),
    stop: () => bar.stop(),
  };
}
