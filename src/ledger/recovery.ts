import { existsSync, readFileSync } from 'node:fs';

import { type Logger } from '#core';
import { readChainLine } from './chain';
import { type JournalEntry } from './journal';
import { firstSealedLine, rotatedSegments } from './ledger-files';
import { type LedgerRecord } from './record';

/** What a journal tells of the run that wrote it. */
export interface JournalRemains {
  /** Closing records that are due, oldest first. */
  readonly records: readonly LedgerRecord[];
  /** The ledger's sequence number when the oldest of them began. */
  readonly ledgerSeq: number;
}

/**
 * Reads what a journal of an earlier run still has open. Lines that were cut off are passed over and reported.
 * @throws the error of the system when the file exists and cannot be read.
 */
export function readJournal(path: string, recoveredAtMs: number, logger: Logger): JournalRemains {
  const open = new Map<string, Extract<JournalEntry, { record: LedgerRecord }>>();
  let fragments = 0;
  const text = existsSync(path) ? readFileSync(path, 'utf8') : '';
  for (const line of text.split('\n')) {
    const read = readChainLine(line);
    if (read.type === 'fragment' || (read.type === 'sealed' && !read.isIntact)) {
      fragments += 1;
    }
    if (read.type !== 'sealed') {
      continue;
    }
    const entry = read.entry as unknown as JournalEntry;
    if (entry.kind === 'closed') {
      open.delete(entry.recordingId);
    } else if (isRecord(entry.record)) {
      open.set(entry.record.recordingId, entry);
    }
  }
  if (fragments > 0) {
    logger.warn('journal holds lines that were cut off or changed', { path, lines: fragments });
  }
  const entries = [...open.values()];
  const recoveredAt = new Date(recoveredAtMs).toISOString();
  return {
    records: entries.map(({ kind, record }) =>
      kind === 'closing' ? record : { ...record, recoveredAt },
    ),
    ledgerSeq: Math.min(...entries.map(({ ledgerSeq }) => ledgerSeq)),
  };
}

/** The recordings that the ledger has closed after `sequence`: of those the journal knows no more than it. */
export function recordingsClosedSince(ledgerPath: string, sequence: number): ReadonlySet<string> {
  const closed = new Set<string>();
  for (const path of [...rotatedSegments(ledgerPath), ledgerPath].reverse()) {
    if (!existsSync(path)) {
      continue;
    }
    for (const line of readFileSync(path, 'utf8').split('\n')) {
      const read = readChainLine(line);
      if (read.type === 'sealed' && read.sequence > sequence) {
        const { recordingId } = read.entry;
        if (typeof recordingId === 'string') {
          closed.add(recordingId);
        }
      }
    }
    if ((firstSealedLine(path)?.sequence ?? Infinity) <= sequence) {
      break;
    }
  }
  return closed;
}

function isRecord(value: unknown): value is LedgerRecord {
  return (
    typeof value === 'object' &&
    value !== null &&
    'recordingId' in value &&
    typeof value.recordingId === 'string'
  );
}
