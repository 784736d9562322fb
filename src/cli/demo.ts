import { type Command } from 'commander';
import { abortOnSignals, type CliContext, type SetExitCode } from './context';

/** `demo`: one recorded call on loopback, with its evidence. */
export function addDemoCommand(program: Command, context: CliContext, exit: SetExitCode): void {
  program
    .command('demo')
    .description('place a recorded call on loopback and check what the recorder got')
    .option('-o, --out <dir>', 'where the evidence goes (default: a new temporary folder)')
    .option('--json', 'print one JSON object as the last line')
    .addHelpText(
      'after',
      `
Needs no other server: caller, callee and recorder run in this process. The exit code is 1 if anything is not
as it should be.

Examples:
  $ siprec-gateway demo
  $ siprec-gateway demo --out evidence --json`,
    )
    .action(async (options: { out?: string; json?: true }) => {
      const demo = { outDir: options.out ?? null, json: options.json ?? false };
      const { signals, runners, print } = context;
      exit(await abortOnSignals(signals, signal => runners.demo(demo, signal, print)));
    });
}
