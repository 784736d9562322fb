import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';

import { errorMessage } from '#core';
import { LedgerError } from './errors';
import { rotatedSegments } from './ledger-files';

/** One ledger on the disk: its segments in the order of the chain. */
export interface LedgerLocation {
  /** What the ledger is called: the file that grows. Head file and journal are named after it. */
  readonly path: string;
  readonly segments: readonly string[];
}

const SEGMENT = /^(.*)\.\d{12}$/;

/**
 * Finds the ledgers that a user means: a file (with the segments that were rotated away beside it), one segment
 * alone, or all ledgers of a folder.
 * @throws LedgerError `REC_ERR_LEDGER_UNREADABLE` when there is none.
 */
export function locateLedgers(path: string): readonly LedgerLocation[] {
  if (isFolder(path)) {
    const found = ledgersIn(path);
    if (found.length === 0) {
      throw new LedgerError('REC_ERR_LEDGER_UNREADABLE', `there is no ledger (*.jsonl) in ${path}`);
    }
    return found;
  }
  return [
    SEGMENT.test(path)
      ? { path, segments: [path] }
      : { path, segments: [...rotatedSegments(path), path] },
  ];
}

function ledgersIn(folder: string): readonly LedgerLocation[] {
  const names = readdirSync(folder);
  const growing = names.filter(name => name.endsWith('.jsonl'));
  const rotated = names.flatMap(name => SEGMENT.exec(name)?.[1] ?? []);
  return [...new Set([...growing, ...rotated.filter(name => name.endsWith('.jsonl'))])]
    .sort()
    .map(name => {
      const path = join(folder, name);
      const isThere = growing.includes(name);
      return { path, segments: [...rotatedSegments(path), ...(isThere ? [path] : [])] };
    });
}

function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch (error) {
    throw new LedgerError(
      'REC_ERR_LEDGER_UNREADABLE',
      `${path} cannot be read: ${errorMessage(error)}`,
      { cause: error, details: { path } },
    );
  }
}
