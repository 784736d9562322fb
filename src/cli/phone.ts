import { type Command, Option } from 'commander';
import { abortOnSignals, type CliContext, type SetExitCode } from './context';
import { UsageError } from './exit';
import { type HostPort, numberBetween, parseHostPort, parseSipUriArgument } from './option-parsers';
import { addTlsOptions, type TlsFlags, toolTls } from './tls-flags';
import { type LabTransport, type PhoneAudio, type PhoneOptions } from './runners';

interface PhoneFlags extends TlsFlags {
  listen: HostPort;
  transport: LabTransport;
  call?: string;
  answer?: true;
  tone?: number;
  wav?: string;
  duration?: number;
  out?: string;
}

/** `phone`: a softphone that calls or answers and plays a tone or a WAV file. */
export function addPhoneCommand(program: Command, context: CliContext, exit: SetExitCode): void {
  const command = program
    .command('phone')
    .description('a softphone that calls or answers and plays a tone or a WAV file')
    .addOption(
      new Option('--call <uri>', 'place a call').argParser(parseSipUriArgument).conflicts('answer'),
    )
    .option('--answer', 'wait for calls and answer them')
    .addOption(
      new Option('-l, --listen <host:port>', 'where to listen (port 0: any)')
        .argParser(parseHostPort)
        .default({ host: '127.0.0.1', port: 0 }, '127.0.0.1:0'),
    )
    .addOption(
      new Option('-t, --transport <transport>', 'SIP transport')
        .choices(['udp', 'tcp', 'tls'])
        .default('udp'),
    )
    .addOption(
      new Option('--tone <hz>', 'play a tone')
        .argParser(numberBetween(50, 3800, 'Hz'))
        .conflicts('wav'),
    )
    .option('--wav <file>', 'play a WAV file (16-bit PCM)')
    .option(
      '-d, --duration <seconds>',
      'hang up after a time',
      numberBetween(0.1, 86_400, 'seconds'),
    )
    .option('-o, --out <file>', 'write what was heard to a WAV file');
  addTlsOptions(command)
    .addHelpText(
      'after',
      `
Examples:
  $ siprec-gateway phone --answer --listen 127.0.0.1:5080 --tone 600
  $ siprec-gateway phone --call sip:1001@127.0.0.1:5060 --tone 400 --duration 10 --out heard.wav`,
    )
    .action(async (flags: PhoneFlags) => {
      const options = phoneOptions(flags);
      const { signals, runners, print } = context;
      exit(await abortOnSignals(signals, signal => runners.phone(options, signal, print)));
    });
}

function phoneOptions(flags: PhoneFlags): PhoneOptions {
  if (flags.call === undefined && flags.answer === undefined) {
    throw new UsageError('phone needs --call <uri> or --answer');
  }
  const tls = toolTls(flags, [flags.transport]);
  return {
    ...(tls === undefined ? {} : { tls }),
    listen: flags.listen,
    transport: flags.transport,
    callUri: flags.call ?? null,
    audio: audioOf(flags),
    durationS: flags.duration ?? null,
    outFile: flags.out ?? null,
  };
}

function audioOf({ tone, wav }: PhoneFlags): PhoneAudio {
  if (wav !== undefined) {
    return { kind: 'wav', file: wav };
  }
  return tone === undefined ? { kind: 'silence' } : { kind: 'tone', hz: tone };
}
