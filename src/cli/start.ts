import { configWarnings, loadWithSources } from '#config';
import { type Command } from 'commander';
import { type CliContext, type SetExitCode } from './context';
import { exampleConfigFile } from './package-info';

/** `start`: runs the gateway until it is told to stop. */
export function addStartCommand(program: Command, context: CliContext, exit: SetExitCode): void {
  program
    .command('start')
    .description('run the gateway')
    .option('-c, --config <file>', 'configuration (YAML)', exampleConfigFile())
    .addHelpText(
      'after',
      `
SIGTERM stops taking calls (503 with Retry-After) and ends when the last call has ended, at the latest after
sip.drainTimeoutMs. SIGINT ends the calls at once. A second signal does not wait for anything. SIGHUP reads the
configuration again: all of it, or nothing when something is wrong with it.

Examples:
  $ siprec-gateway start
  $ siprec-gateway start --config /etc/siprec-gateway.yaml
  $ SIPREC_GATEWAY_LOG_LEVEL=debug siprec-gateway start`,
    )
    .action(async ({ config: file }: { config: string }) => {
      const loaded = loadWithSources({ file, env: context.env });
      const { config } = loaded;
      configWarnings(config).forEach(warning => context.printError(`warning: ${warning}`));
      exit(await context.runners.start(config, context.signals, context.print, loaded));
    });
}
