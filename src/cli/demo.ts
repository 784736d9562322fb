import { type Command, Option } from 'commander';
import { abortOnSignals, type CliContext, type SetExitCode } from './context';
import { type DemoOptions } from './runners';

interface DemoFlags {
  out?: string;
  json?: true;
  scenario?: string;
  all?: true;
  list?: true;
}

/** `demo`: one recorded call on loopback, or scenarios that check themselves, with their evidence. */
export function addDemoCommand(program: Command, context: CliContext, exit: SetExitCode): void {
  program
    .command('demo')
    .description('place a recorded call on loopback and check what the recorder got')
    .addOption(
      new Option('-s, --scenario <name>', 'play that scenario instead').conflicts(['all', 'list']),
    )
    .addOption(new Option('--all', 'play all scenarios').conflicts('list'))
    .option('--list', 'list the scenarios')
    .option('-o, --out <dir>', 'where the evidence goes (default: a new temporary folder)')
    .option('--json', 'print one JSON object as the last line')
    .addHelpText(
      'after',
      `
Needs no other server: callers, callees and recorders are part of it. The exit code is 1 if anything is not
as it should be.

Examples:
  $ siprec-gateway demo
  $ siprec-gateway demo --out evidence --json
  $ siprec-gateway demo --list
  $ siprec-gateway demo --scenario srs-killed-midcall --out evidence`,
    )
    .action(async (flags: DemoFlags) => {
      const demo = {
        outDir: flags.out ?? null,
        json: flags.json ?? false,
        show: whatToShow(flags),
      };
      const { signals, runners, print } = context;
      exit(await abortOnSignals(signals, signal => runners.demo(demo, signal, print)));
    });
}

function whatToShow({ scenario, all, list }: DemoFlags): DemoOptions['show'] {
  if (scenario !== undefined) {
    return { scenario };
  }
  return all ? 'all' : list ? 'list' : 'call';
}
