import { renameSync, rmSync } from 'node:fs';

import { errorMessage, type Logger } from '#core';
import { type AppendFile, type OpenAppendFile, openAppendFile } from './append-file';
import { type ChainEntry, type ChainHead, GENESIS, sealLine } from './chain';
import {
  firstSealedLine,
  lastSealedLine,
  readHeadFile,
  rotatedSegments,
  segmentPath,
} from './ledger-files';

export interface ChainStoreOptions {
  readonly path: string;
  /** A file that has grown beyond this becomes a segment of its own; null: never. */
  readonly rotateBytes: number | null;
  readonly logger: Logger;
  readonly openFile?: OpenAppendFile;
}

/** Entries sealed into a chained file, in batches. One caller at a time. */
export class ChainStore {
  readonly #options: ChainStoreOptions;
  readonly #openFile: OpenAppendFile;
  #file: AppendFile;
  #head: ChainHead;
  /** Number of the first line in the current file; null: it has none yet. */
  #firstSequence: number | null;
  #isInsideLine: boolean;

  /** @throws LedgerError `REC_ERR_LEDGER_UNWRITABLE`. */
  constructor(options: ChainStoreOptions) {
    const { path, logger } = options;
    this.#options = options;
    this.#openFile = options.openFile ?? openAppendFile;
    this.#file = this.#openFile(path);
    this.#isInsideLine = this.#file.endsInsideLine;
    this.#firstSequence = firstSealedLine(path)?.sequence ?? null;
    if (this.#isInsideLine) {
      logger.warn('ledger file ends in a line that was cut off', { path });
    }
    const found = lastHead(path);
    const told = readHeadFile(path);
    this.#head = found;
    if (told !== null && told.sequence > found.sequence) {
      // Going on from what was told makes the hole visible for ever.
      logger.error('ledger file ends before its head: lines are missing', {
        path,
        lastSequence: found.sequence,
        headSequence: told.sequence,
      });
      this.#head = told;
    }
  }

  /** The last line that is on the disk. */
  get head(): ChainHead {
    return this.#head;
  }

  get sizeBytes(): number {
    return this.#file.sizeBytes;
  }

  /** Returns when all of them are on the disk; none is when it throws the error of the system. */
  async append(entries: readonly ChainEntry[]): Promise<void> {
    await this.#reopenWhenMoved();
    const { text, head } = this.#seal(entries);
    const end = this.#isInsideLine ? '\n' : '';
    await this.#file.append(Buffer.from(end + text));
    this.#isInsideLine = false;
    this.#firstSequence ??= this.#head.sequence + 1;
    this.#head = head;
    await this.#rotateWhenFull();
  }

  /** Begins the file anew with these entries in one step; the chain goes on from where it stood. */
  async replaceWith(entries: readonly ChainEntry[]): Promise<void> {
    const { path } = this.#options;
    const temporary = `${path}.new`;
    rmSync(temporary, { force: true });
    const next = this.#openFile(temporary);
    const firstSequence = this.#head.sequence + 1;
    const { text, head } = this.#seal(entries);
    try {
      await next.append(Buffer.from(text));
      renameSync(temporary, path);
    } catch (error) {
      await next.close();
      rmSync(temporary, { force: true });
      throw error;
    }
    const old = this.#file;
    this.#file = next;
    this.#head = head;
    this.#firstSequence = entries.length === 0 ? null : firstSequence;
    this.#isInsideLine = false;
    await old.close();
  }

  close(): Promise<void> {
    return this.#file.close();
  }

  #seal(entries: readonly ChainEntry[]): { text: string; head: ChainHead } {
    let head = this.#head;
    let text = '';
    for (const entry of entries) {
      const sealed = sealLine(entry, head);
      text += sealed.line;
      head = sealed.head;
    }
    return { text, head };
  }

  /** Somebody else rotates the file (logrotate): the next line goes into a new one of that name. */
  async #reopenWhenMoved(): Promise<void> {
    const { path, logger } = this.#options;
    if (this.#file.isAt(path)) {
      return;
    }
    const next = this.#openFile(path);
    logger.info('ledger file was moved away: a new one is begun', { path });
    await this.#useNext(next);
  }

  async #rotateWhenFull(): Promise<void> {
    const { path, rotateBytes, logger } = this.#options;
    if (
      rotateBytes === null ||
      this.#file.sizeBytes < rotateBytes ||
      this.#firstSequence === null
    ) {
      return;
    }
    try {
      const segment = segmentPath(path, this.#firstSequence);
      renameSync(path, segment);
      await this.#useNext(this.#openFile(path));
      logger.info('ledger segment complete', { segment, sequence: this.#head.sequence });
    } catch (error) {
      // The records are safe where they are; the next batch tries again.
      logger.error('ledger file cannot be rotated', { path, error: errorMessage(error) });
    }
  }

  async #useNext(next: AppendFile): Promise<void> {
    const old = this.#file;
    this.#file = next;
    this.#firstSequence = null;
    this.#isInsideLine = next.endsInsideLine;
    await old.close();
  }
}

/** Where the lines on the disk end. */
function lastHead(path: string): ChainHead {
  const files = [...rotatedSegments(path), path].reverse();
  for (const file of files) {
    const line = lastSealedLine(file);
    if (line !== null) {
      return { sequence: line.sequence, hash: line.hash };
    }
  }
  return GENESIS;
}
