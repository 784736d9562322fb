import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { SingleBar } from 'cli-progress';

import { systemClock } from '#core';

import { createLogger } from '../observability';
import { openDemoBench } from './bench';
import { checkRecordedCall } from './checks';
import { evidenceFolder } from './evidence-folder';
import { type DemoCheck, type DemoFacts } from './facts';
import { runRecordedCall } from './recorded-call';
import { demoJson, demoText } from './report';
import { listScenarios, runAllScenarios, runScenario } from './run-scenarios';

export interface DemoOptions {
  /** Where the evidence goes; null: a new folder below the system's temporary folder. */
  readonly outDir: string | null;
  /** One JSON object as the last line instead of tables. */
  readonly json: boolean;
  /** What is shown: one recorded call, a scenario by name, all of them, or only their list. */
  readonly show: 'call' | 'all' | 'list' | { readonly scenario: string };
}

const SCENARIO = 'always';
const TALK_MS = 5_000;
const TRANSPORT = 'udp';
/**
 * Places one recorded call on loopback, or plays scenarios, and checks what everybody got.
 * @returns the exit code: 0 only if every check holds.
 */
export async function runDemo(
  options: DemoOptions,
  signal: AbortSignal,
  print: (line: string) => void,
): Promise<number> {
  const { show, json } = options;
  if (show === 'list') {
    listScenarios(json, print);
    return 0;
  }
  if (show === 'all') {
    return runAllScenarios(options, signal, print);
  }
  return show === 'call'
    ? runCall(options, signal, print)
    : runScenario(show.scenario, options, signal, print);
}

async function runCall(
  options: DemoOptions,
  signal: AbortSignal,
  print: (line: string) => void,
): Promise<number> {
  const outDir = evidenceFolder(options.outDir);
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
