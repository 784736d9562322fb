import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { errorMessage, systemClock } from '#core';

import { evidenceFolder } from './evidence-folder';
import { noSecretInEvidence, type Secrets } from './proof/secrets';
import { type Scenario, type ScenarioCheck } from './scenario';
import {
  listText,
  overviewText,
  type ScenarioResult,
  scenarioText,
  summaryOf,
} from './scenario-report';
import { SCENARIOS } from './scenarios';
import { onStage } from './stage/stage';

export interface RunScenariosOptions {
  /** Where the evidence goes; null: a new folder below the system's temporary folder. */
  readonly outDir: string | null;
  readonly json: boolean;
}

type Print = (line: string) => void;

/** Prints what scenarios there are. */
export function listScenarios(json: boolean, print: Print): void {
  const scenarios = SCENARIOS.map(({ name, title, shows }) => ({ name, title, shows }));
  print(json ? JSON.stringify({ scenarios }) : listText(SCENARIOS));
}

/**
 * Plays one scenario and checks it.
 * @returns the exit code: 0 only if every check holds; 2 for an unknown name.
 */
export async function runScenario(
  name: string,
  options: RunScenariosOptions,
  signal: AbortSignal,
  print: Print,
): Promise<number> {
  const scenario = SCENARIOS.find(each => each.name === name);
  if (scenario === undefined) {
    const names = SCENARIOS.map(each => each.name).join(', ');
    const error = `there is no scenario "${name}"; there are ${names}`;
    print(options.json ? JSON.stringify({ ok: false, error }) : error);
    return 2;
  }
  const result = await play(scenario, evidenceFolder(options.outDir), signal);
  print(options.json ? JSON.stringify(result) : scenarioText(scenario, result));
  return result.ok ? 0 : 1;
}

/** Plays all scenarios, one after the other, each with a folder of its own in `outDir`. */
export async function runAllScenarios(
  options: RunScenariosOptions,
  signal: AbortSignal,
  print: Print,
): Promise<number> {
  const outDir = evidenceFolder(options.outDir);
  const results: ScenarioResult[] = [];
  for (const scenario of SCENARIOS) {
    if (!signal.aborted) {
      results.push(await play(scenario, evidenceFolder(join(outDir, scenario.name)), signal));
    }
  }
  const ok = results.length === SCENARIOS.length && results.every(result => result.ok);
  const summary = { ok, out: outDir, scenarios: results.map(summaryOf) };
  writeFileSync(join(outDir, 'result.json'), `${JSON.stringify(summary, null, 2)}\n`);
  print(options.json ? JSON.stringify(summary) : overviewText(outDir, results));
  return ok ? 0 : 1;
}

/** Plays a scenario, checks what it shows, and that nothing that it wrote holds a secret. Never rejects. */
export async function play(
  scenario: Scenario,
  outDir: string,
  signal: AbortSignal,
): Promise<ScenarioResult> {
  const begunMs = systemClock.monotonicMs();
  const tell = (atMs: number | null, what: string): void => {
    const at = atMs === null ? '' : `${(atMs / 1000).toFixed(2)} s: `;
    process.stderr.write(`[${scenario.name}] ${at}${what}\n`);
  };
  let figures: Readonly<Record<string, string>> = {};
  let checks: readonly ScenarioCheck[];
  // Nothing is known of a stage that could not be opened.
  let secrets: Secrets = { srtpKeys: [], tokens: [], digits: [] };
  try {
    checks = await onStage(scenario, { outDir, clock: systemClock, signal, tell }, async stage => {
      figures = stage.figures;
      try {
        return await scenario.play(stage);
      } finally {
        secrets = stage.secrets;
      }
    });
  } catch (error) {
    const [expected, found] = ['the scenario is played to its end', errorMessage(error)];
    checks = [{ name: 'played', ok: false, expected, found }];
  }
  const write = (all: readonly ScenarioCheck[]): ScenarioResult => {
    const result: ScenarioResult = {
      scenario: scenario.name,
      ok: checks.length > 0 && all.every(({ ok }) => ok) && !signal.aborted,
      out: outDir,
      tookMs: Math.round(systemClock.monotonicMs() - begunMs),
      figures,
      checks: all,
    };
    writeFileSync(join(outDir, 'result.json'), `${JSON.stringify(result, null, 2)}\n`);
    return result;
  };
  // The result is evidence, too: it is there when the secrets are looked for.
  write(checks);
  return write([...checks, noSecretInEvidence(outDir, secrets)]);
}
