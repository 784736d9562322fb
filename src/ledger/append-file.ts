import { close, closeSync, constants, fstatSync, fsync, openSync, readSync, write } from 'node:fs';
import { promisify } from 'node:util';

import { errorMessage } from '#core';
import { LedgerError } from './errors';

const writeBytes = promisify<number, Buffer, number, number, null, number>(write);
const syncFile = promisify(fsync);
const closeFile = promisify(close);

/** The owner alone reads full identities. */
const FILE_MODE = 0o600;
const LINE_FEED = 0x0a;

/** A file that only ever grows. One caller at a time. */
export interface AppendFile {
  /** Whether the file ends in the middle of a line (a crash, a full disk). */
  readonly endsInsideLine: boolean;
  /** Appends all of it. @throws the error of the system; a part may have been written then. */
  append(bytes: Buffer): Promise<void>;
  /** Returns when everything is on the disk. */
  sync(): Promise<void>;
  close(): Promise<void>;
}

/**
 * Opens `path` for appending and creates it if it is missing; its folder must exist.
 * @throws LedgerError `REC_ERR_LEDGER_UNWRITABLE`.
 */
export function openAppendFile(path: string): AppendFile {
  const fd = open(path);
  try {
    const stat = fstatSync(fd);
    return new SystemFile(fd, stat.isFile(), stat.isFile() && endsInsideLine(fd, stat.size));
  } catch (error) {
    closeSync(fd);
    throw unwritable(path, error);
  }
}

function open(path: string): number {
  try {
    return openSync(path, constants.O_RDWR | constants.O_APPEND | constants.O_CREAT, FILE_MODE);
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
  /** A device or a pipe cannot be made durable. */
  readonly #isRegular: boolean;

  constructor(fd: number, isRegular: boolean, insideLine: boolean) {
    this.#fd = fd;
    this.#isRegular = isRegular;
    this.endsInsideLine = insideLine;
  }

  async append(bytes: Buffer): Promise<void> {
    let written = 0;
    while (written < bytes.length) {
      written += await writeBytes(this.#fd, bytes, written, bytes.length - written, null);
    }
  }

  async sync(): Promise<void> {
    if (this.#isRegular) {
      await syncFile(this.#fd);
    }
  }

  async close(): Promise<void> {
    await closeFile(this.#fd);
  }
}
