import { type Command, InvalidArgumentError, Option } from 'commander';

import {
  type ChainHead,
  locateLedgers,
  readRecorderCsv,
  readRecords,
  RECORDER_COLUMNS,
  reconcile,
  type RecorderRow,
  ReportBuilder,
  beganWithin,
  type LedgerRecord,
  type TimeRange,
  verifyLedger,
} from '../ledger';
import { type CliContext, type SetExitCode } from './context';
import { EXIT } from './exit';
import { proofLines, reconciliationLines, recordLines, reportLines } from './ledger-text';
import { numberBetween } from './option-parsers';

const DEFAULT_LEDGER = './ledger.jsonl';
const DEFAULT_TOLERANCE_S = 30;
const DAY_MS = 86_400_000;

interface JsonFlag {
  readonly json?: true;
}

interface RangeFlags extends JsonFlag {
  readonly from?: number;
  readonly to?: number;
  readonly provider?: string;
}

/** `ledger`: proves, sums up, compares and shows what is in a ledger. */
export function addLedgerCommand(program: Command, context: CliContext, exit: SetExitCode): void {
  const ledger = program
    .command('ledger')
    .description('work with the ledger: what happened to every recording');
  addVerify(ledger, context, exit);
  addReport(ledger, context, exit);
  addReconcile(ledger, context, exit);
  addShow(ledger, context, exit);
}

function addVerify(ledger: Command, context: CliContext, exit: SetExitCode): void {
  ledger
    .command('verify')
    .description('prove that no line was changed, removed, added or cut off')
    .argument('[path]', 'ledger file, one of its segments, or a folder', DEFAULT_LEDGER)
    .addOption(
      new Option(
        '--head <sequence:hash>',
        'a head that was exported earlier (metric, webhook): the chain must hold it',
      ).argParser(parseHead),
    )
    .option('--json', 'print one JSON object')
    .addHelpText(
      'after',
      `
The exit code is 0 when the chain holds and 1 when not; the first broken line is named. A last line that a crash cut
off is only told.

Examples:
  $ siprec-gateway ledger verify /var/lib/siprec-gateway/ledger.jsonl
  $ siprec-gateway ledger verify /var/lib/siprec-gateway --json`,
    )
    .action(async (path: string, { head, json }: JsonFlag & { head?: ChainHead }) => {
      const proofs = [];
      for (const location of locateLedgers(path)) {
        proofs.push(await verifyLedger(location, head ?? null));
      }
      const ok = proofs.every(proof => proof.ok);
      if (json) {
        context.print(JSON.stringify({ ok, ledgers: proofs }));
      } else {
        proofs.flatMap(proofLines).forEach(context.print);
      }
      exit(ok ? EXIT.ok : EXIT.failure);
    });
}

function addReport(ledger: Command, context: CliContext, exit: SetExitCode): void {
  withRange(
    ledger
      .command('report')
      .description('sums by provider and verdict, and the seconds that were lost')
      .argument('[path]', 'ledger file, one of its segments, or a folder', DEFAULT_LEDGER),
  )
    .addHelpText(
      'after',
      `
Recordings count by their start. Times are ISO 8601; a date alone is a day in UTC.

Examples:
  $ siprec-gateway ledger report --from 2026-11-01 --to 2026-11-30
  $ siprec-gateway ledger report /var/lib/siprec-gateway --from 2026-11-24T08:00:00+01:00 --json`,
    )
    .action(async (path: string, flags: RangeFlags) => {
      const builder = new ReportBuilder();
      for await (const record of recordsOf(path, flags)) {
        builder.add(record);
      }
      const report = builder.report();
      if (flags.json) {
        context.print(JSON.stringify({ ...rangeText(flags), ...report }));
      } else {
        reportLines(report).forEach(context.print);
      }
      exit(EXIT.ok);
    });
}

function addReconcile(ledger: Command, context: CliContext, exit: SetExitCode): void {
  withRange(
    ledger
      .command('reconcile')
      .description("compare a ledger with a recorder's own list of recordings")
      .argument('<path>', 'ledger file, one of its segments, or a folder')
      .argument('<csv>', `what the recorder has: columns ${RECORDER_COLUMNS.join(', ')}`),
  )
    .option(
      '--tolerance <seconds>',
      'how far starts and lengths may be apart',
      numberBetween(0, 86_400, 'seconds'),
      DEFAULT_TOLERANCE_S,
    )
    .addHelpText(
      'after',
      `
The first line of the CSV names its columns: id (our recording or call id, or a SIP Call-ID), or party and started_at;
duration_s and provider are optional. The exit code is 1 when the recorder lacks something or has too much.

Example:
  $ siprec-gateway ledger reconcile ledger.jsonl recorder.csv --from 2026-11-01 --to 2026-11-30`,
    )
    .action(async (path: string, csv: string, flags: RangeFlags & { tolerance: number }) => {
      const records: LedgerRecord[] = [];
      for await (const record of recordsOf(path, flags)) {
        records.push(record);
      }
      const rows: RecorderRow[] = [];
      const range = rangeOf(flags);
      for await (const row of readRecorderCsv(csv)) {
        if (isWanted(row, flags.provider, range)) {
          rows.push(row);
        }
      }
      const result = reconcile(records, rows, { toleranceS: flags.tolerance });
      if (flags.json) {
        context.print(JSON.stringify(result));
      } else {
        reconciliationLines(result).forEach(context.print);
      }
      const isEven = result.missing.length + result.surplus.length + result.shorter.length === 0;
      exit(isEven ? EXIT.ok : EXIT.failure);
    });
}

function addShow(ledger: Command, context: CliContext, exit: SetExitCode): void {
  ledger
    .command('show')
    .description('show the records of one recording or call')
    .argument('<id>', 'recording id, call id or SIP Call-ID; 8 characters or more from its start')
    .option('-l, --ledger <path>', 'ledger file, one of its segments, or a folder', DEFAULT_LEDGER)
    .option('--json', 'print one JSON object per record')
    .action(async (id: string, { ledger: path, json }: JsonFlag & { ledger: string }) => {
      let found = 0;
      for await (const record of readRecords(locateLedgers(path))) {
        if (isMeant(record, id)) {
          found += 1;
          (json ? [JSON.stringify(record)] : recordLines(record)).forEach(context.print);
        }
      }
      if (found === 0) {
        context.printError(`no record of ${id} in ${path}`);
      }
      exit(found > 0 ? EXIT.ok : EXIT.failure);
    });
}

function withRange(command: Command): Command {
  return command
    .option('--from <time>', 'recordings that began at this time or later', parseTime('start'))
    .option('--to <time>', 'recordings that began before the end of this time', parseTime('end'))
    .option('--provider <id>', 'only recordings of this provider')
    .option('--json', 'print one JSON object');
}

async function* recordsOf(path: string, flags: RangeFlags): AsyncGenerator<LedgerRecord> {
  const range = rangeOf(flags);
  for await (const record of readRecords(locateLedgers(path))) {
    const isOfProvider = flags.provider === undefined || record.provider === flags.provider;
    if (isOfProvider && beganWithin(record, range)) {
      yield record;
    }
  }
}

function rangeOf({ from = -Infinity, to = Infinity }: RangeFlags): TimeRange {
  return { fromMs: from, toMs: to };
}

function rangeText({ from, to }: RangeFlags): { from: string | null; to: string | null } {
  const text = (atMs: number | undefined): string | null =>
    atMs === undefined ? null : new Date(atMs).toISOString();
  return { from: text(from), to: text(to) };
}

/** A row without a time is compared whatever the range is. */
function isWanted(
  { provider, startedAtMs }: RecorderRow,
  wanted: string | undefined,
  { fromMs, toMs }: TimeRange,
): boolean {
  const isOfProvider = wanted === undefined || provider === null || provider === wanted;
  return isOfProvider && (startedAtMs === null || (startedAtMs >= fromMs && startedAtMs < toMs));
}

const MIN_PREFIX = 8;

function isMeant({ recordingId, callId, sipCallId }: LedgerRecord, id: string): boolean {
  return [recordingId, callId, sipCallId].some(
    each => each === id || (id.length >= MIN_PREFIX && each.startsWith(id)),
  );
}

/** ISO 8601; a date alone is its first moment, or that of the next day. @returns ms since the epoch */
function parseTime(edge: 'start' | 'end'): (text: string) => number {
  return text => {
    const isDate = /^\d{4}-\d{2}-\d{2}$/.test(text);
    const isTime = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:\d{2})$/.test(
      text,
    );
    const atMs = isDate || isTime ? Date.parse(text) : NaN;
    if (Number.isNaN(atMs)) {
      throw new InvalidArgumentError(
        'It must be a date or a time with its zone, such as 2026-11-24 or 2026-11-24T08:00:00Z.',
      );
    }
    return isDate && edge === 'end' ? atMs + DAY_MS : atMs;
  };
}

function parseHead(text: string): ChainHead {
  const match = /^(\d{1,15}):([0-9a-f]{64})$/i.exec(text);
  if (match?.[1] === undefined || match[2] === undefined) {
    throw new InvalidArgumentError('It must be a sequence number and 64 hex digits: 120:9f86d0….');
  }
  return { sequence: Number(match[1]), hash: match[2].toLowerCase() };
}
