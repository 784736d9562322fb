import Table from 'cli-table3';
import pc from 'picocolors';

import { type Scenario, type ScenarioCheck } from './scenario';

/** What came of a scenario; what `demo --scenario NAME --json` prints. */
export interface ScenarioResult {
  readonly scenario: string;
  readonly ok: boolean;
  /** Where the evidence is. */
  readonly out: string;
  readonly tookMs: number;
  /** What was measured beside the checks, e.g. `seconds lost`. */
  readonly figures: Readonly<Record<string, string>>;
  readonly checks: readonly ScenarioCheck[];
}

/** Plain lines: the output is also read from files and pipes. */
const STYLE = { head: [], border: [], compact: true };

export function listText(scenarios: readonly Scenario[]): string {
  const table = new Table({
    style: STYLE,
    head: ['scenario', 'what it shows'],
    colWidths: [28, 96],
    wordWrap: true,
  });
  scenarios.forEach(({ name, shows }) => table.push([name, shows]));
  return table.toString();
}

export function scenarioText(scenario: Scenario, result: ScenarioResult): string {
  const table = new Table({
    style: STYLE,
    head: ['', 'check', 'expected', 'found'],
    colWidths: [4, 44, 48, 48],
    wordWrap: true,
  });
  result.checks.forEach(({ name, ok, expected, found }) => {
    table.push([ok ? pc.green('✓') : pc.red('✗'), name, expected, found]);
  });
  const failed = result.checks.filter(({ ok }) => !ok).length;
  return [
    `${scenario.title}: ${scenario.shows}.`,
    ...Object.entries(result.figures).map(([what, value]) => `${what}: ${value}`),
    table.toString(),
    `Evidence: ${result.out}`,
    result.ok ? pc.green('Everything is as it should be.') : pc.red(`${failed} checks failed.`),
  ].join('\n');
}

export function overviewText(outDir: string, results: readonly ScenarioResult[]): string {
  const table = new Table({
    style: STYLE,
    head: ['', 'scenario', 'checks', 'took', 'measured', 'failed'],
    colWidths: [4, 28, 9, 8, 30, 64],
    wordWrap: true,
  });
  for (const { scenario, ok, checks, tookMs, figures } of results) {
    const failed = checks.filter(check => !check.ok);
    table.push([
      ok ? pc.green('✓') : pc.red('✗'),
      scenario,
      `${checks.length - failed.length}/${checks.length}`,
      `${(tookMs / 1000).toFixed(1)} s`,
      Object.entries(figures)
        .map(([what, value]) => `${what}: ${value}`)
        .join('; '),
      failed.map(({ name, found }) => `${name}: ${found}`).join('; '),
    ]);
  }
  const bad = results.filter(({ ok }) => !ok).length;
  return [
    table.toString(),
    `Evidence: ${outDir}`,
    bad === 0
      ? pc.green(`All ${results.length} scenarios are as they should be.`)
      : pc.red(`${bad} of ${results.length} scenarios failed.`),
  ].join('\n');
}

/** A line of `demo --all --json`. */
export function summaryOf({ scenario, ok, out, tookMs, figures, checks }: ScenarioResult): object {
  return {
    scenario,
    ok,
    out,
    tookMs,
    figures,
    checks: checks.length,
    failed: checks.filter(check => !check.ok),
  };
}
