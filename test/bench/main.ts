import { setPriority } from 'node:os';

import { BENCHMARKS, CommanderError, parseArguments } from './command-line';
import { becomeOnlyRun } from './only-run';
import { terminalProgress } from './progress';
import { runBenchmarks } from './run';
import { formatReport } from './tables';

const WRONG_COMMAND_LINE = 2;
const PRIORITY = -10;

async function main(argv: readonly string[]): Promise<number> {
  const options = parseArguments(argv);
  if (options.isList) {
    for (const [name, description] of Object.entries(BENCHMARKS)) {
      print(`${name.padEnd(12)}${description}`);
    }
    return 0;
  }
  if (process.platform !== 'linux') {
    process.stderr.write('The benchmarks need Linux.\n');
    return 1;
  }
  await becomeOnlyRun();
  beforeOthers();
  const report = await runBenchmarks(options, terminalProgress(process.stderr.isTTY));
  print(options.isJson ? JSON.stringify(report) : formatReport(report));
  return 0;
}

/** Every process under measure inherits it, so that other programs weigh on none of them more than on another. */
function beforeOthers(): void {
  try {
    setPriority(PRIORITY);
  } catch {
    // Not allowed: the load average and the generator's headroom tell.
  }
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.once(signal, () => process.exit(1));
}

main(process.argv.slice(2)).then(
  code => (process.exitCode = code),
  (error: unknown) => {
    if (error instanceof CommanderError) {
      process.exitCode = error.exitCode === 0 ? 0 : WRONG_COMMAND_LINE;
      return;
    }
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  },
);
