import { createReadStream } from 'node:fs';

import { CsvError, parse } from 'csv-parse';

import { errorMessage } from '#core';
import { LedgerError } from './errors';

/** One recording that a recorder says it has. */
export interface RecorderRow {
  /** Line of the file on which it begins. */
  readonly line: number;
  /** An id that the recorder has taken from us: see {@link RECORDER_COLUMNS}. */
  readonly id: string | null;
  /** The recorded party: a SIP or tel URI, or a number. */
  readonly party: string | null;
  /** ms since the epoch. */
  readonly startedAtMs: number | null;
  readonly durationS: number | null;
  readonly provider: string | null;
}

/** The columns that are read; the first line names them, in any order. Others are ignored. */
export const RECORDER_COLUMNS = ['id', 'party', 'started_at', 'duration_s', 'provider'] as const;

type Column = (typeof RECORDER_COLUMNS)[number];

const MAX_ROW_CHARACTERS = 1_000_000;

/**
 * Reads a recorder's list of recordings (RFC 4180, UTF-8, with or without BOM; `,` or `;`). Needed is a column `id`, or
 * `party` and `started_at`.
 * @throws LedgerError `REC_ERR_LEDGER_UNREADABLE` that names the line.
 */
export async function* readRecorderCsv(path: string): AsyncGenerator<RecorderRow> {
  const header = { isSeen: false };
  const parser = createReadStream(path).pipe(
    parse({
      bom: true,
      columns: checkedHeader(path, header),
      delimiter: [',', ';'],
      info: true,
      max_record_size: MAX_ROW_CHARACTERS,
      relax_column_count_more: true,
      skip_empty_lines: true,
      trim: true,
    }),
  );
  try {
    for await (const { record, info } of parser as AsyncIterable<ParsedRow>) {
      yield toRow(record, info.lines, path);
    }
    if (!header.isSeen) {
      throw unreadable(path, NEEDED);
    }
  } catch (error) {
    throw error instanceof LedgerError
      ? error
      : unreadable(path, error instanceof CsvError ? error.message : errorMessage(error), error);
  }
}

interface ParsedRow {
  readonly record: Readonly<Partial<Record<Column, string>>>;
  readonly info: { readonly lines: number };
}

const NEEDED = 'its first line must name a column id, or party and started_at';

function checkedHeader(
  path: string,
  header: { isSeen: boolean },
): (names: string[]) => (string | false)[] {
  return names => {
    header.isSeen = true;
    const columns = names.map(name => name.toLowerCase().replaceAll(/[\s-]+/g, '_'));
    const has = (name: Column): boolean => columns.includes(name);
    if (!has('id') && !(has('party') && has('started_at'))) {
      throw unreadable(path, NEEDED);
    }
    return columns.map(name => (RECORDER_COLUMNS as readonly string[]).includes(name) && name);
  };
}

function toRow(record: ParsedRow['record'], line: number, path: string): RecorderRow {
  const text = (column: Column): string | null => {
    const value = record[column] ?? '';
    return value === '' ? null : value;
  };
  const started = text('started_at');
  const startedAtMs = started === null ? null : Date.parse(started);
  if (startedAtMs !== null && Number.isNaN(startedAtMs)) {
    throw unreadable(path, `line ${line}: started_at is no time of ISO 8601`);
  }
  const duration = text('duration_s');
  const durationS = duration === null ? null : Number(duration);
  if (durationS !== null && !(durationS >= 0)) {
    throw unreadable(path, `line ${line}: duration_s is no number of seconds`);
  }
  const id = text('id');
  const party = text('party');
  if (id === null && (party === null || startedAtMs === null)) {
    throw unreadable(path, `line ${line}: has neither an id nor party and started_at`);
  }
  return { line, id, party, startedAtMs, durationS, provider: text('provider') };
}

function unreadable(path: string, why: string, cause?: unknown): LedgerError {
  return new LedgerError('REC_ERR_LEDGER_UNREADABLE', `${path} cannot be read: ${why}`, {
    cause,
    details: { path },
  });
}
