import { readTlsFiles, tlsFileProblems } from '#config';
import { type Command } from 'commander';
import { UsageError } from './exit';
import { type LabTransport, type ToolTls } from './runners';

/** The TLS options that the tools of the lab share. */
export interface TlsFlags {
  tlsCert?: string;
  tlsKey?: string;
  tlsCa?: string;
  requireClientCert?: true;
  insecure?: true;
}

export function addTlsOptions(command: Command): Command {
  return command
    .optionsGroup('TLS:')
    .option('--tls-cert <file>', 'certificate (PEM), shown to clients and to servers that ask')
    .option('--tls-key <file>', 'its private key (PEM)')
    .option('--tls-ca <file>', 'CAs (PEM) that sign the certificates of others')
    .option('--require-client-cert', 'refuse clients without a certificate signed by --tls-ca')
    .option('--insecure', 'connect to a server whatever its certificate');
}

/**
 * Reads the files that the options name.
 * @throws UsageError when an option is missing or a file is of no use
 */
export function toolTls(flags: TlsFlags, transports: readonly LabTransport[]): ToolTls | undefined {
  const { tlsCert, tlsKey, tlsCa } = flags;
  if (!transports.includes('tls')) {
    return undefined;
  }
  if (tlsCert === undefined || tlsKey === undefined) {
    throw new UsageError('--transport tls needs --tls-cert and --tls-key');
  }
  if (flags.requireClientCert === true && tlsCa === undefined) {
    throw new UsageError('--require-client-cert needs --tls-ca');
  }
  const paths = { cert: tlsCert, key: tlsKey, ...(tlsCa === undefined ? {} : { ca: tlsCa }) };
  const [problem] = tlsFileProblems(paths);
  if (problem !== undefined) {
    throw new UsageError(`--tls-${problem.key} ${problem.message}`);
  }
  const texts = readTlsFiles(paths);
  return {
    listener: {
      ...texts,
      requestClientCert: flags.requireClientCert === true ? 'require' : 'never',
    },
    client: { ...texts, verify: flags.insecure !== true },
  };
}
