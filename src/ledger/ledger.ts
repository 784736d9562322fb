import { type Clock, type Closeable, errorMessage, type Logger } from '#core';
import { type AppendFile, openAppendFile } from './append-file';
import { LedgerError } from './errors';
import { type LedgerLine, type LedgerRecord } from './record';

export interface LedgerCounters {
  /** Records that are on the disk. */
  readonly written: number;
  /** Records that were refused or lost. */
  readonly failed: number;
  /** Records that wait to be written. */
  readonly pending: number;
}

/** What happened to every recording, append-only. */
export interface Ledger extends Closeable {
  /**
   * Resolves when the record is on the disk. Rejects with LedgerError `REC_ERR_LEDGER_WRITE`,
   * `REC_ERR_LEDGER_QUEUE_FULL` or `REC_ERR_LEDGER_CLOSED`, which has then been logged and counted; a caller
   * that has nothing to add may leave the promise alone.
   */
  append(record: LedgerRecord): Promise<void>;
  counters(): LedgerCounters;
  /** Writes what waits, then closes. Idempotent; never rejects. */
  close(): Promise<void>;
}

export interface JsonlLedgerOptions {
  /** The file; created if it is missing. Its folder must exist. */
  readonly path: string;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Records that may wait; one more is refused. Default 4096. */
  readonly maxPending?: number;
}

interface PendingLine {
  readonly recordingId: string;
  readonly bytes: Buffer;
  readonly resolve: () => void;
  readonly reject: (error: LedgerError) => void;
}

const DEFAULT_MAX_PENDING = 4096;
/** A full disk fails every record; it is said this often. */
const FAILURE_LOG_INTERVAL_MS = 10_000;

/**
 * Opens a ledger of one JSON object per line. Lines that arrive while others are being written are written
 * together and made durable by one fsync (group commit). A line that was cut off by a crash or a full disk is
 * ended first, so that it can never swallow the next one.
 *
 * @throws LedgerError `REC_ERR_LEDGER_UNWRITABLE`.
 */
export function createJsonlLedger(options: JsonlLedgerOptions): Ledger {
  return new JsonlLedger(openAppendFile(options.path), options);
}

/** The ledger over any file; {@link createJsonlLedger} is the way in. */
export class JsonlLedger implements Ledger {
  readonly #file: AppendFile;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #maxPending: number;
  #pending: PendingLine[] = [];
  /** Taken from the queue and not settled yet. */
  #inFlight = 0;
  #isInsideLine: boolean;
  #written = 0;
  #failed = 0;
  #failuresNotLogged = 0;
  #lastFailureLoggedMs = -Infinity;
  #writing: Promise<void> | null = null;
  #closing: Promise<void> | null = null;

  constructor(file: AppendFile, options: JsonlLedgerOptions) {
    this.#file = file;
    this.#clock = options.clock;
    this.#logger = options.logger;
    this.#maxPending = options.maxPending ?? DEFAULT_MAX_PENDING;
    this.#isInsideLine = file.endsInsideLine;
    if (file.endsInsideLine) {
      this.#logger.warn('ledger ends in a line that was cut off', { path: options.path });
    }
  }

  append(record: LedgerRecord): Promise<void> {
    const appended = new Promise<void>((resolve, reject) => {
      const { recordingId } = record;
      const refusal = this.#refusal();
      if (refusal !== null) {
        this.#fail(refusal, recordingId);
        reject(refusal);
        return;
      }
      this.#pending.push({ recordingId, bytes: toLine(record), resolve, reject });
      this.#writing ??= this.#writeAll();
    });
    // Whoever cares awaits it; for everybody else the failure is in the log and in the counters.
    appended.catch(() => undefined);
    return appended;
  }

  counters(): LedgerCounters {
    const pending = this.#pending.length + this.#inFlight;
    return { written: this.#written, failed: this.#failed, pending };
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    await this.#writing;
    try {
      await this.#file.close();
    } catch (error) {
      this.#logger.error('closing the ledger failed', { error: errorMessage(error) });
    }
    if (this.#failuresNotLogged > 0) {
      this.#logger.error('ledger records lost', { records: this.#failuresNotLogged });
    }
  }

  #refusal(): LedgerError | null {
    if (this.#closing !== null) {
      return new LedgerError('REC_ERR_LEDGER_CLOSED', 'the ledger is closed');
    }
    if (this.#pending.length + this.#inFlight >= this.#maxPending) {
      const message = `${this.#maxPending} records wait to be written already`;
      return new LedgerError('REC_ERR_LEDGER_QUEUE_FULL', message);
    }
    return null;
  }

  /** Runs while there is anything to write. Never rejects. */
  async #writeAll(): Promise<void> {
    // Records that arrive in the same turn go into the first batch.
    await Promise.resolve();
    while (this.#pending.length > 0) {
      const batch = this.#pending;
      this.#pending = [];
      this.#inFlight = batch.length;
      await this.#writeBatch(batch);
    }
    this.#writing = null;
  }

  async #writeBatch(batch: readonly PendingLine[]): Promise<void> {
    const appended: PendingLine[] = [];
    for (const line of batch) {
      try {
        await this.#appendLine(line.bytes);
        appended.push(line);
      } catch (error) {
        this.#reject(line, error);
      }
    }
    if (appended.length === 0) {
      return;
    }
    try {
      await this.#file.sync();
    } catch (error) {
      for (const line of appended) {
        this.#reject(line, error);
      }
      return;
    }
    this.#written += appended.length;
    this.#inFlight -= appended.length;
    for (const line of appended) {
      line.resolve();
    }
  }

  async #appendLine(bytes: Buffer): Promise<void> {
    const isInsideLine = this.#isInsideLine;
    // Until it is known to be whole, it may have been cut anywhere.
    this.#isInsideLine = true;
    await this.#file.append(isInsideLine ? Buffer.concat([Buffer.from('\n'), bytes]) : bytes);
    this.#isInsideLine = false;
  }

  #reject(line: PendingLine, cause: unknown): void {
    const message = `a ledger record could not be written: ${errorMessage(cause)}`;
    const error = new LedgerError('REC_ERR_LEDGER_WRITE', message, { cause });
    this.#inFlight -= 1;
    this.#fail(error, line.recordingId);
    line.reject(error);
  }

  #fail(error: LedgerError, recordingId: string): void {
    this.#failed += 1;
    this.#failuresNotLogged += 1;
    const nowMs = this.#clock.monotonicMs();
    if (nowMs - this.#lastFailureLoggedMs < FAILURE_LOG_INTERVAL_MS) {
      return;
    }
    this.#logger.error('ledger records lost', {
      records: this.#failuresNotLogged,
      code: error.code,
      error: error.message,
      recordingId,
    });
    this.#failuresNotLogged = 0;
    this.#lastFailureLoggedMs = nowMs;
  }
}

function toLine(record: LedgerRecord): Buffer {
  const line: LedgerLine = { kind: 'recording', ...record };
  return Buffer.from(`${JSON.stringify(line)}\n`);
}
