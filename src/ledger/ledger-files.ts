import {
  closeSync,
  existsSync,
  fstatSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
} from 'node:fs';
import { rename, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

import { type ChainHead, type ChainLine, readChainLine } from './chain';
import { LEDGER_FILE_MODE } from './append-file';

/** Digits of the first sequence number in the name of a segment that was rotated away. */
const SEGMENT_DIGITS = 12;
const FIRST_WINDOW_BYTES = 64 * 1024;

/** The journal that stands beside a ledger. */
export function journalPath(ledgerPath: string): string {
  return `${ledgerPath}.journal`;
}

/** The small file that says where the chain stands. */
export function headPath(path: string): string {
  return `${path}.head`;
}

/** Where a full segment goes: named after the first sequence number in it, so that names sort like the chain. */
export function segmentPath(path: string, firstSequence: number): string {
  return `${path}.${String(firstSequence).padStart(SEGMENT_DIGITS, '0')}`;
}

/** The segments that were rotated away, oldest first. */
export function rotatedSegments(path: string): readonly string[] {
  const prefix = `${basename(path)}.`;
  const isSegment = new RegExp(`^\\d{${SEGMENT_DIGITS}}$`);
  const folder = dirname(path);
  if (!existsSync(folder)) {
    return [];
  }
  return readdirSync(folder)
    .filter(name => name.startsWith(prefix) && isSegment.test(name.slice(prefix.length)))
    .sort()
    .map(name => join(folder, name));
}

type SealedLine = Extract<ChainLine, { type: 'sealed' }>;

/** The last line of a file that belongs to a chain; null when there is none. Reads only as much as it must. */
export function lastSealedLine(path: string): SealedLine | null {
  return scanEnds(path, (fd, size) => {
    for (let window = FIRST_WINDOW_BYTES; ; window *= 2) {
      const start = Math.max(0, size - window);
      const lines = readRange(fd, start, size - start).split('\n');
      // Without the start of the file the first piece may be the end of a line.
      const whole = start > 0 ? lines.slice(1) : lines;
      const sealed = whole.map(readChainLine).findLast(line => line.type === 'sealed');
      if (sealed !== undefined || start === 0) {
        return sealed ?? null;
      }
    }
  });
}

/** The first line of a file that belongs to a chain; null when there is none. */
export function firstSealedLine(path: string): SealedLine | null {
  return scanEnds(path, (fd, size) => {
    for (let window = FIRST_WINDOW_BYTES; ; window *= 2) {
      const lines = readRange(fd, 0, Math.min(size, window)).split('\n');
      const whole = window < size ? lines.slice(0, -1) : lines;
      const sealed = whole.map(readChainLine).find(line => line.type === 'sealed');
      if (sealed !== undefined || window >= size) {
        return sealed ?? null;
      }
    }
  });
}

function scanEnds(
  path: string,
  scan: (fd: number, size: number) => SealedLine | null,
): SealedLine | null {
  if (!existsSync(path)) {
    return null;
  }
  const fd = openSync(path, 'r');
  try {
    const stat = fstatSync(fd);
    return stat.isFile() && stat.size > 0 ? scan(fd, stat.size) : null;
  } finally {
    closeSync(fd);
  }
}

function readRange(fd: number, start: number, length: number): string {
  const bytes = Buffer.alloc(length);
  const read = readSync(fd, bytes, 0, length, start);
  return bytes.toString('utf8', 0, read);
}

/** What the head file says; null when it is missing or unusable. */
export function readHeadFile(path: string): ChainHead | null {
  try {
    const value = JSON.parse(readFileSync(headPath(path), 'utf8')) as Partial<ChainHead>;
    const { sequence, hash } = value;
    return typeof sequence === 'number' &&
      Number.isSafeInteger(sequence) &&
      typeof hash === 'string' &&
      /^[0-9a-f]{64}$/.test(hash)
      ? { sequence, hash }
      : null;
  } catch {
    return null;
  }
}

/**
 * Replaces the head file in one step, so that nobody reads half of it. One caller at a time.
 * @throws the error of the system.
 */
export async function writeHeadFile(path: string, head: ChainHead, atMs: number): Promise<void> {
  const temporary = `${headPath(path)}.tmp`;
  const at = new Date(atMs).toISOString();
  const mode = LEDGER_FILE_MODE;
  await writeFile(temporary, `${JSON.stringify({ ...head, at })}\n`, { mode });
  await rename(temporary, headPath(path));
}
