import {
  close,
  closeSync,
  constants,
  fstatSync,
  fsync,
  ftruncate,
  openSync,
  readSync,
  statSync,
  write,
} from 'node:fs';
import { promisify } from 'node:util';

import { errorMessage } from '#core';
import { LedgerError } from './errors';

const writeBytes = promisify<number, Buffer, number, number, null, number>(write);
const syncFile = promisify(fsync);
const truncateFile = promisify<number, number>(ftruncate);
const closeFile = promisify(close);

/** The owner alone reads full identities. */
export const LEDGER_FILE_MODE = 0o600;
const LINE_FEED = 0x0a;

/** A file that only ever grows. One caller at a time. */
export interface AppendFile {
  /** Whether the file ended in the middle of a line when it was opened (a crash). */
  readonly endsInsideLine: boolean;
  /** Bytes that are in the file and on the disk. */
  readonly sizeBytes: number;
  /**
   * Appends all of it and makes it durable, or nothing: what a failure has left half-written is taken back,
   * at the latest before the next attempt.
   * @throws the error of the system.
   */
  append(bytes: Buffer): Promise<void>;
  /** Whether the path names this file: false after somebody has moved it away. */
  isAt(path: string): boolean;
  close(): Promise<void>;
}

/** Opens a file for appending; replaced in tests. */
export type OpenAppendFile = (path: string) => AppendFile;

/**
 * Opens `path` for appending and creates it if it is missing; its folder must exist.
 * @throws LedgerError `REC_ERR_LEDGER_UNWRITABLE`.
 */
export function openAppendFile(path: string): AppendFile {
  const fd = open(path);
  try {
    const stat = fstatSync(fd);
    const isRegular = stat.isFile();
    return new SystemFile(fd, isRegular, isRegular ? stat.size : 0);
  } catch (error) {
    closeSync(fd);
    throw unwritable(path, error);
  }
}

function open(path: string): number {
  try {
    return openSync(
      path,
      constants.O_RDWR | constants.O_APPEND | constants.O_CREAT,
      LEDGER_FILE_MODE,
    );
  } catch (error) {
    throw unwritable(path, error);
  }
}

function endsInsideLine(fd: number, size: number): boolean {
  const last = Buffer.alloc(1);
  return size > 0 && readSync(fd, last, 0, 1, size - 1) === 1 && last[0] !== LINE_FEED;
}

function unwritable(path: string, cause: unknown): LedgerError {
  const message = `the ledger file ${path} cannot be written: ${errorMessage(cause)}`;
  return new LedgerError('REC_ERR_LEDGER_UNWRITABLE', message, { cause, details: { path } });
}

class SystemFile implements AppendFile {
  readonly endsInsideLine: boolean;
  readonly #fd: number;
  /** A device or a pipe cannot be made durable or cut. */
  readonly #isRegular: boolean;
  #sizeBytes: number;
  /** Something may stand behind `sizeBytes` that must go first. */
  #isDirty = false;

  constructor(fd: number, isRegular: boolean, sizeBytes: number) {
    this.#fd = fd;
    this.#isRegular = isRegular;
    this.#sizeBytes = sizeBytes;
    this.endsInsideLine = isRegular && endsInsideLine(fd, sizeBytes);
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  async append(bytes: Buffer): Promise<void> {
    await this.#rollBack();
    this.#isDirty = true;
    try {
      let written = 0;
      while (written < bytes.length) {
        written += await writeBytes(this.#fd, bytes, written, bytes.length - written, null);
      }
      if (this.#isRegular) {
        await syncFile(this.#fd);
      }
    } catch (error) {
      // Whether it succeeds now or before the next attempt is the same.
      await this.#rollBack().catch(() => undefined);
      throw error;
    }
    this.#isDirty = false;
    // Somebody may have emptied the file in place (logrotate's copytruncate).
    this.#sizeBytes = this.#isRegular ? fstatSync(this.#fd).size : 0;
  }

  isAt(path: string): boolean {
    if (!this.#isRegular) {
      return true;
    }
    try {
      const [named, held] = [statSync(path), fstatSync(this.#fd)];
      return named.ino === held.ino && named.dev === held.dev;
    } catch {
      return false;
    }
  }

  async close(): Promise<void> {
    await closeFile(this.#fd);
  }

  async #rollBack(): Promise<void> {
    if (!this.#isDirty || !this.#isRegular) {
      return;
    }
    if (fstatSync(this.#fd).size > this.#sizeBytes) {
      await truncateFile(this.#fd, this.#sizeBytes);
    }
    this.#isDirty = false;
  }
}
