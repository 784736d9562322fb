import { Command } from 'commander';
import { addConfigCommand } from './config-check';
import { type CliContext, type SetExitCode } from './context';
import { addDemoCommand } from './demo';
import { describeFailure, EXIT } from './exit';
import { packageVersion } from './package-info';
import { addLedgerCommand } from './ledger';
import { addPhoneCommand } from './phone';
import { addSrsCommand } from './srs';
import { addStartCommand } from './start';

/**
 * Runs one command line.
 * @param args what follows the program's name.
 * @returns the exit code: 0 well, 1 failed, 2 the command line is wrong. Never rejects.
 */
export async function runCli(args: readonly string[], context: CliContext): Promise<number> {
  let exitCode: number = EXIT.ok;
  const program = buildProgram(context, code => (exitCode = code));
  try {
    await program.parseAsync([...args], { from: 'user' });
    return exitCode;
  } catch (error) {
    const failure = describeFailure(error, { verbose: args.includes('--verbose') });
    failure.lines.forEach(line => context.printError(line));
    return failure.code;
  }
}

function buildProgram(context: CliContext, exit: SetExitCode): Command {
  const program = new Command('siprec-gateway')
    .description('Records calls to any SIPREC recorder: a SIP B2BUA with a media plane and an SRC.')
    .version(packageVersion(), '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print help')
    .option('--verbose', 'print the stack of an error too')
    .showHelpAfterError('(--help says more)')
    .configureOutput({
      writeOut: text => context.print(text.trimEnd()),
      writeErr: text => context.printError(text.trimEnd()),
      getOutHelpWidth: () => context.columns,
      getErrHelpWidth: () => context.columns,
      getOutHasColors: () => false,
      getErrHasColors: () => false,
    })
    .exitOverride();
  addStartCommand(program, context, exit);
  addDemoCommand(program, context, exit);
  addSrsCommand(program, context, exit);
  addPhoneCommand(program, context, exit);
  addConfigCommand(program, context, exit);
  addLedgerCommand(program, context, exit);
  return program.addHelpText(
    'after',
    `
Examples:
  $ siprec-gateway demo                        a recorded call on this machine, nothing else needed
  $ siprec-gateway config check my.yaml        what is wrong, or what was understood
  $ siprec-gateway ledger verify ledger.jsonl  prove that no record was changed or removed
  $ siprec-gateway start --config my.yaml      run the gateway
  $ siprec-gateway srs                         run the reference recorder
  $ siprec-gateway phone --call sip:1001@127.0.0.1:5060 --tone 400`,
  );
}
