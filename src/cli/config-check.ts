import { ConfigError, type ConfigProblem, configWarnings, loadConfig } from '#config';
import Table from 'cli-table3';
import { type Command } from 'commander';
import { type ConfigSummary, summariseConfig, summaryLines } from './config-summary';
import { addExplainCommand } from './config-explain';
import { type CliContext, type SetExitCode } from './context';
import { exampleConfigFile } from './package-info';

/** What `config check --json` prints. */
export type ConfigCheckReport =
  | {
      readonly ok: true;
      readonly file: string;
      readonly warnings: readonly string[];
      readonly summary: ConfigSummary;
    }
  | { readonly ok: false; readonly file: string; readonly problems: readonly ConfigProblem[] };

/** `config check` says what is wrong with a configuration, or what was understood; `config explain` what it decides. */
export function addConfigCommand(program: Command, context: CliContext, exit: SetExitCode): void {
  const config = program.command('config').description('work with configuration files');
  addExplainCommand(config, context, exit);
  config
    .command('check')
    .description('check a configuration: all problems at once, or a summary')
    .argument('[file]', 'configuration (YAML)', exampleConfigFile())
    .option('--json', 'print one JSON object')
    .addHelpText(
      'after',
      `
The exit code is 0 when the configuration can be used and 1 when not. Environment variables count, as for start.

Examples:
  $ siprec-gateway config check
  $ siprec-gateway config check /etc/siprec-gateway.yaml --json`,
    )
    .action((file: string, { json }: { json?: true }) => {
      const report = checkConfigFile(file, context);
      if (json) {
        context.print(JSON.stringify(report));
      } else {
        printReport(report, context);
      }
      exit(report.ok ? 0 : 1);
    });
}

function checkConfigFile(file: string, { env }: CliContext): ConfigCheckReport {
  try {
    const config = loadConfig({ file, env });
    return { ok: true, file, warnings: configWarnings(config), summary: summariseConfig(config) };
  } catch (error) {
    if (error instanceof ConfigError) {
      return { ok: false, file, problems: error.problems };
    }
    throw error;
  }
}

function printReport(report: ConfigCheckReport, context: CliContext): void {
  if (report.ok) {
    context.print(`OK: ${report.file}`);
    summaryLines(report.summary).forEach(line => context.print(`  ${line}`));
    report.warnings.forEach(warning => context.print(`warning: ${warning}`));
  } else {
    context.print(problemTable(report.problems, context.columns));
    const count = report.problems.length;
    context.print(`${report.file}: ${count} ${count === 1 ? 'problem' : 'problems'}`);
  }
}

function problemTable(problems: readonly ConfigProblem[], columns: number): string {
  const rows = problems.map(({ source, line, path, message }) => [
    line === null ? source : `${source}:${line}`,
    path,
    message,
  ]);
  const [where = 0, key = 0, problem = 0] = columnWidths(rows, columns);
  const table = new Table({
    head: ['where', 'key', 'problem'],
    colWidths: [where, key, problem],
    wordWrap: true,
    style: { head: [], border: [], compact: true },
  });
  table.push(
    ...rows.map(([place = '', path = '', message = '']) => [
      fold(place, where - PADDING),
      fold(path, key - PADDING),
      message,
    ]),
  );
  return table.toString();
}

const PADDING = 2;

/** Where and key as wide as needed, within a third of the line each; the rest is for the problem. */
function columnWidths(rows: readonly string[][], columns: number): number[] {
  const borders = 4;
  const usable = Math.max(60, columns) - borders;
  const wanted = (index: number): number =>
    Math.max(7, ...rows.map(row => (row[index] ?? '').length)) + PADDING;
  const where = Math.min(wanted(0), Math.floor(usable / 3));
  const key = Math.min(wanted(1), Math.floor(usable / 3));
  return [where, key, Math.max(10, Math.min(wanted(2), usable - where - key))];
}

/** Breaks a path that has no spaces into lines, before its dots, slashes and brackets where possible. */
function fold(text: string, width: number): string {
  const pieces = text
    .split(/(?=[./[])/)
    .flatMap(piece => piece.match(new RegExp(`.{1,${width}}`, 'g')) ?? []);
  const lines: string[] = [];
  let line = '';
  for (const piece of pieces) {
    if (line.length + piece.length > width) {
      lines.push(line);
      line = '';
    }
    line += piece;
  }
  lines.push(line);
  return lines.join('\n');
}
