import { type Command, Option } from 'commander';
import { abortOnSignals, type CliContext, type SetExitCode } from './context';
import { UsageError } from './exit';
import { type HostPort, integerBetween, numberBetween, parseHostPort } from './option-parsers';
import { addTlsOptions, type TlsFlags, toolTls } from './tls-flags';
import { type LabTransport, type SrsMisbehaviour, type SrsOptions } from './runners';

interface SrsFlags extends TlsFlags {
  explain?: string[];
  json?: true;
  listen: HostPort;
  transport: LabTransport | 'both';
  out: string;
  refuse?: number;
  silent?: true;
  answerDelay?: number;
  inactive?: true | number;
  refuseStream?: '1' | '2';
  byeAfter?: number;
  stopReading?: true;
  snapshotAfter?: number;
  reportLoss?: number;
  glare?: true;
  closeAfter?: number;
}

const MAX_S = 86_400;

/** `srs`: the reference recorder alone. */
export function addSrsCommand(program: Command, context: CliContext, exit: SetExitCode): void {
  const seconds = numberBetween(0, MAX_S, 'seconds');
  const command = program
    .command('srs')
    .description('run the reference recorder (SRS): WAV, metadata and a verdict for each recording')
    .addOption(
      new Option('-l, --listen <host:port>', 'where to listen')
        .argParser(parseHostPort)
        .default({ host: '127.0.0.1', port: 5090 }, '127.0.0.1:5090'),
    )
    .addOption(
      new Option('-t, --transport <transport>', 'SIP transport')
        .choices(['udp', 'tcp', 'tls', 'both'])
        .default('both'),
    )
    .option('-o, --out <dir>', 'where recordings go', 'recordings');
  addTlsOptions(command)
    .option(
      '--explain <files...>',
      'say what metadata files of one session tell (who speaks on which channel), and exit',
    )
    .option('--json', 'with --explain: one JSON object')
    .optionsGroup('Misbehave:')
    .addOption(
      new Option('--refuse <status>', 'answer every INVITE with this status')
        .argParser(integerBetween(300, 699, 'SIP status'))
        .conflicts(['silent', 'answerDelay', 'inactive', 'refuseStream']),
    )
    .addOption(
      new Option('--silent', 'never answer anything').conflicts(['answerDelay', 'inactive']),
    )
    .option('--answer-delay <seconds>', 'answer late', seconds)
    .option(
      '--inactive [seconds]',
      'answer inactive; with a time, become recvonly after it',
      seconds,
    )
    .addOption(
      new Option('--refuse-stream <label>', 'refuse one stream (port 0)').choices(['1', '2']),
    )
    .option('--bye-after <seconds>', 'hang up after a time', seconds)
    .option('--stop-reading', 'stop reading from sockets once established')
    .option('--snapshot-after <seconds>', 'ask for a complete document after a time', seconds)
    .option('--report-loss <percent>', 'report lost packets', numberBetween(0, 100, 'per cent'))
    .option('--glare', 'answer re-INVITEs with 491')
    .option('--close-after <seconds>', 'close the TCP connection after a time', seconds)
    .addHelpText(
      'after',
      `
Examples:
  $ siprec-gateway srs --out recordings
  $ siprec-gateway srs --listen 0.0.0.0:5090 --transport tcp
  $ siprec-gateway srs --transport tls --tls-cert srs.crt --tls-key srs.key --tls-ca ca.crt --require-client-cert
  $ siprec-gateway srs --refuse 503
  $ siprec-gateway srs --answer-delay 2 --bye-after 10
  $ siprec-gateway srs --explain recordings/*/metadata/*.xml`,
    )
    .action(async (flags: SrsFlags) => {
      if (flags.explain !== undefined) {
        const options = { files: flags.explain, json: flags.json === true };
        exit(await context.runners.explain(options, context.print));
        return;
      }
      if (flags.json) {
        throw new UsageError('--json goes with --explain only');
      }
      const options = srsOptions(flags);
      const { signals, runners, print } = context;
      exit(await abortOnSignals(signals, signal => runners.srs(options, signal, print)));
    });
}

function srsOptions(flags: SrsFlags): SrsOptions {
  const transports: readonly LabTransport[] =
    flags.transport === 'both' ? ['udp', 'tcp'] : [flags.transport];
  const tls = toolTls(flags, transports);
  return {
    listen: flags.listen,
    transports,
    outDir: flags.out,
    misbehaviour: misbehaviourOf(flags),
    ...(tls === undefined ? {} : { tls }),
  };
}

function misbehaviourOf(flags: SrsFlags): SrsMisbehaviour {
  return {
    ...(flags.refuse !== undefined && { refuseStatus: flags.refuse }),
    ...(flags.silent && { silent: true }),
    ...(flags.answerDelay !== undefined && { answerDelayMs: flags.answerDelay * 1000 }),
    ...(flags.inactive !== undefined && { inactive: true }),
    ...(typeof flags.inactive === 'number' && { activateAfterMs: flags.inactive * 1000 }),
    ...(flags.refuseStream !== undefined && { refuseStream: flags.refuseStream }),
    ...(flags.byeAfter !== undefined && { byeAfterMs: flags.byeAfter * 1000 }),
    ...(flags.stopReading && { stopReading: true }),
    ...(flags.snapshotAfter !== undefined && { snapshotAfterMs: flags.snapshotAfter * 1000 }),
    ...(flags.reportLoss !== undefined && { reportedLoss: flags.reportLoss / 100 }),
    ...(flags.glare && { glare: true }),
    ...(flags.closeAfter !== undefined && { closeConnectionAfterMs: flags.closeAfter * 1000 }),
  };
}
