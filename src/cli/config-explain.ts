import { loadConfig } from '#config';
import { type Command } from 'commander';

import { explainCall, explanationLines } from '../explain-call';
import { type CliContext, type SetExitCode } from './context';
import { UsageError } from './exit';
import { exampleConfigFile } from './package-info';

interface ExplainFlags {
  readonly caller: string;
  readonly callee: string;
  readonly trunk?: string;
  readonly json?: true;
}

/** `config explain`: what would happen to a call, and why. */
export function addExplainCommand(config: Command, context: CliContext, exit: SetExitCode): void {
  config
    .command('explain')
    .description('tell for one call who is recorded, how, by whom, and why')
    .argument('[file]', 'configuration (YAML)', exampleConfigFile())
    .requiredOption('--caller <identity>', 'who calls: SIP or tel URI, number or extension')
    .requiredOption('--callee <identity>', 'who is called')
    .option('--trunk <name>', 'where the call comes from; needed where there are several')
    .option('--json', 'print one JSON object')
    .addHelpText(
      'after',
      `
The decision is the one that a real call gets. The exit code is 0 whatever is decided, 1 when the configuration cannot be used.

Examples:
  $ siprec-gateway config explain --caller 1001 --callee +15550199
  $ siprec-gateway config explain /etc/siprec-gateway.yaml --caller sip:a@example.com --callee 1002 --trunk pbx --json`,
    )
    .action((file: string, { caller, callee, trunk, json }: ExplainFlags) => {
      const loaded = loadConfig({ file, env: context.env });
      const explanation = explainCall(loaded, { caller, callee, trunkId: trunk ?? null });
      if (explanation === null) {
        const names = Object.keys(loaded.trunks).join(', ');
        throw new UsageError(
          trunk === undefined
            ? `--trunk is needed; there are: ${names === '' ? 'none' : names}`
            : `there is no trunk ${trunk}; there are: ${names === '' ? 'none' : names}`,
        );
      }
      if (json) {
        context.print(JSON.stringify(explanation));
      } else {
        explanationLines(explanation).forEach(line => context.print(line));
      }
      exit(0);
    });
}
