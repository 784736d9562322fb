import { type LedgerLocation } from './locate';
import { readLines } from './read-lines';
import { type LedgerRecord } from './record';

/**
 * The records of ledgers, in the order in which they were written; lines that are none are passed over.
 * @throws LedgerError `REC_ERR_LEDGER_UNREADABLE`.
 */
export async function* readRecords(
  locations: readonly LedgerLocation[],
): AsyncGenerator<LedgerRecord> {
  for (const { segments } of locations) {
    for (const segment of segments) {
      for await (const line of readLines(segment)) {
        const record = parseRecord(line);
        if (record !== null) {
          yield record;
        }
      }
    }
  }
}

function parseRecord(line: string): LedgerRecord | null {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return null;
  }
  const isRecord =
    typeof value === 'object' &&
    value !== null &&
    'kind' in value &&
    value.kind === 'recording' &&
    'recordingId' in value &&
    typeof value.recordingId === 'string' &&
    'startedAt' in value;
  return isRecord ? { ...LATER_FIELDS, ...(value as LedgerRecord) } : null;
}

/** Fields that records of earlier versions do not have. */
const LATER_FIELDS = {
  replayedS: 0,
  notices: [],
  controls: [],
  participants: [],
  intervals: [],
  voicemail: null,
  kept: null,
  remarks: [],
} satisfies Partial<LedgerRecord>;

/** A stretch of time, milliseconds since the epoch; `toMs` is not in it. */
export interface TimeRange {
  readonly fromMs: number;
  readonly toMs: number;
}

/** Whether a recording began in the range. */
export function beganWithin({ startedAt }: LedgerRecord, { fromMs, toMs }: TimeRange): boolean {
  const startedAtMs = Date.parse(startedAt);
  return startedAtMs >= fromMs && startedAtMs < toMs;
}
