import Table from 'cli-table3';
import { type Clock, type Logger, noopLogger, systemClock } from '#core';
import { type ClientTlsOptions, type EngineTransport, type ServerTls } from '#sip/engine';
import { type ReferenceSrs, type SrsEvent, startReferenceSrs } from './reference-srs';
import { type SrsBehaviour } from './srs/behaviour';
import { type Recording } from './srs/recording';

export interface RunSrsOptions {
  readonly listen: { readonly host: string; readonly port: number };
  readonly transports: readonly EngineTransport[];
  readonly outDir: string;
  readonly misbehaviour: SrsBehaviour;
  readonly tls?: LabTls;
}

/** TLS of a tool of the lab: what it listens with, and how it connects. PEM texts. */
export interface LabTls {
  readonly listener?: ServerTls;
  readonly client?: ClientTlsOptions;
}

/** The surroundings of a command-line tool of the lab. */
export interface LabSurroundings {
  readonly clock?: Clock;
  readonly logger?: Logger;
  /** Takes one line without its line end. Default: standard output. */
  readonly print?: (line: string) => void;
}

/** Rows of the table at the end. */
const MAX_ROWS = 200;

/**
 * Serves as a recorder until `signal` aborts; prints a line for each event of a session and a table at the end.
 * @returns the exit code: 0.
 * @throws LabError `REC_ERR_LAB_BIND`.
 */
export async function runSrs(
  options: RunSrsOptions,
  signal: AbortSignal,
  surroundings: LabSurroundings = {},
): Promise<number> {
  const { clock = systemClock, logger = noopLogger, print = printLine } = surroundings;
  const srs = await startReferenceSrs({
    host: options.listen.host,
    port: options.listen.port,
    transports: options.transports,
    outDir: options.outDir,
    behaviour: options.misbehaviour,
    ...labTls(options.tls),
    clock,
    logger,
  });
  srs.onEvent(event => print(`${new Date(clock.wallNowMs()).toISOString()} ${describe(event)}`));
  for (const transport of options.transports) {
    print(`recording at ${srs.uri(transport)}`);
  }
  print(`evidence goes to ${options.outDir}`);
  await aborted(signal);
  await srs.close();
  print(summary(srs));
  return 0;
}

/** The options of an endpoint for `tls`. */
export function labTls(tls: LabTls = {}): { listenerTls?: ServerTls; tls?: ClientTlsOptions } {
  return {
    ...(tls.listener === undefined ? {} : { listenerTls: tls.listener }),
    ...(tls.client === undefined ? {} : { tls: tls.client }),
  };
}

/** Resolves when the signal aborts. */
export function aborted(signal: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    if (signal.aborted) {
      resolve();
    } else {
      signal.addEventListener('abort', () => resolve(), { once: true });
    }
  });
}

export function printLine(line: string): void {
  process.stdout.write(`${line}\n`);
}

function describe(event: SrsEvent): string {
  if (event.kind === 'turned-away') {
    return `${event.callId}: ${event.status === null ? 'left unanswered' : `turned away with ${event.status}`}`;
  }
  const { recording } = event;
  const name = `#${recording.number}`;
  switch (event.event.kind) {
    case 'offered':
      return `${name} offered by ${recording.from}, Call-ID ${recording.callId}`;
    case 'established':
      return `${name} established, evidence in ${recording.directory}`;
    case 'updated':
      return `${name} updated`;
    case 'first-packet':
      return `${name} media flows`;
    case 'document':
      return `${name} metadata document ${event.event.number}`;
    case 'ended':
      return `${name} ended (${event.event.by}), ${verdictOf(recording)}`;
  }
}

function verdictOf({ deviations }: Recording): string {
  return deviations.length === 0
    ? 'conformant'
    : `${deviations.length} deviations: ${[...new Set(deviations.map(({ name }) => name))].join(', ')}`;
}

function summary(srs: ReferenceSrs): string {
  const table = new Table({
    head: ['#', 'from', 'ended', 'label', 'packets', 'lost', 'documents', 'verdict'],
    style: { head: [], border: [] },
  });
  for (const recording of srs.recordings.slice(-MAX_ROWS)) {
    const column = (value: (stream: Recording['streams'][number]) => string | number): string =>
      recording.streams.map(stream => String(value(stream))).join('\n');
    table.push([
      recording.number,
      recording.from,
      recording.endedBy ?? '',
      column(({ label }) => label ?? '(none)'),
      column(({ packets }) => packets),
      column(({ lost }) => lost),
      recording.documents,
      verdictOf(recording),
    ]);
  }
  return srs.recordings.length === 0 ? 'no recording session came' : table.toString();
}
