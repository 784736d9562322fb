import { type Clock, errorMessage, type Logger, type Timer } from '#core';
import { type ChainEntry } from './chain';
import { LedgerError } from './errors';

export interface BatchWriterOptions {
  /** What is written, for log lines: `ledger` or `journal`. */
  readonly name: string;
  /** Makes a batch durable, or throws and has written none of it. */
  readonly write: (entries: readonly ChainEntry[]) => Promise<void>;
  /** Entries that may wait; one more is refused. */
  readonly maxPending: number;
  readonly clock: Clock;
  readonly logger: Logger;
}

export interface BatchWriterCounters {
  /** Entries that are on the disk. */
  readonly written: number;
  /** Entries that were refused, or given up at the end. */
  readonly lost: number;
  /** Entries that wait to be written. */
  readonly pending: number;
  /** Attempts to write that failed. */
  readonly failures: number;
}

interface Pending {
  readonly entry: ChainEntry;
  readonly resolve: () => void;
  readonly reject: (error: LedgerError) => void;
}

const FIRST_RETRY_MS = 250;
const MAX_RETRY_MS = 15_000;
/** One write and one fsync at most for this many entries. */
const MAX_BATCH = 1024;
/** A full disk fails every record; it is said this often. */
const FAILURE_LOG_INTERVAL_MS = 10_000;

/**
 * Group commit: entries that arrive while others are being written are written together and made durable by
 * one fsync. A write that fails (full disk) is tried again, with back-off, for as long as the writer lives; what
 * arrives meanwhile waits in a bounded queue.
 */
export class BatchWriter {
  readonly #options: BatchWriterOptions;
  #pending: Pending[] = [];
  /** Taken from the queue and not settled yet. */
  #inFlight = 0;
  #written = 0;
  #lost = 0;
  #failures = 0;
  #trouble: string | null = null;
  #retryMs = FIRST_RETRY_MS;
  #retry: { timer: Timer; wake: () => void } | null = null;
  #lastFailureLoggedMs = -Infinity;
  #lastLossLoggedMs = -Infinity;
  #writing: Promise<void> | null = null;
  #closing: Promise<void> | null = null;

  constructor(options: BatchWriterOptions) {
    this.#options = options;
  }

  /** Why nothing can be written at the moment; null while all is well. */
  get trouble(): string | null {
    return this.#trouble;
  }

  /** Whether an entry that can be done without had better be left out. */
  get isBusy(): boolean {
    return (
      this.#trouble !== null || this.#pending.length + this.#inFlight > this.#options.maxPending / 2
    );
  }

  counters(): BatchWriterCounters {
    return {
      written: this.#written,
      lost: this.#lost,
      pending: this.#pending.length + this.#inFlight,
      failures: this.#failures,
    };
  }

  /**
   * Resolves when the entry is on the disk. Rejects with LedgerError `REC_ERR_LEDGER_QUEUE_FULL`,
   * `REC_ERR_LEDGER_CLOSED` or `REC_ERR_LEDGER_WRITE`, which has then been logged and counted; a caller that has nothing
   * to add may leave the promise alone.
   */
  push(entry: ChainEntry): Promise<void> {
    const pushed = new Promise<void>((resolve, reject) => {
      const refusal = this.#refusal();
      if (refusal !== null) {
        this.#lose(1, refusal);
        reject(refusal);
        return;
      }
      this.#pending.push({ entry, resolve, reject });
      this.#writing ??= this.#writeAll();
    });
    pushed.catch(() => undefined);
    return pushed;
  }

  /** Writes what waits, and gives up what still cannot be written. Idempotent; never rejects. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#wake();
    await this.#writing;
  }

  #refusal(): LedgerError | null {
    const { name, maxPending } = this.#options;
    if (this.#closing !== null) {
      return new LedgerError('REC_ERR_LEDGER_CLOSED', `the ${name} is closed`);
    }
    if (this.#pending.length + this.#inFlight >= maxPending) {
      const message = `${maxPending} entries of the ${name} wait to be written already`;
      return new LedgerError('REC_ERR_LEDGER_QUEUE_FULL', message);
    }
    return null;
  }

  /** Runs while there is anything to write. Never rejects. */
  async #writeAll(): Promise<void> {
    // Entries that arrive in the same turn go into the first batch.
    await Promise.resolve();
    while (this.#pending.length > 0) {
      const batch = this.#pending.splice(0, MAX_BATCH);
      this.#inFlight = batch.length;
      const error = await this.#writeBatch(batch);
      if (error === null) {
        continue;
      }
      this.#inFlight = 0;
      this.#pending = [...batch, ...this.#pending];
      if (this.#closing !== null) {
        this.#giveUp(error);
        break;
      }
      await this.#waitForRetry();
    }
    this.#writing = null;
  }

  async #writeBatch(batch: readonly Pending[]): Promise<unknown> {
    try {
      await this.#options.write(batch.map(({ entry }) => entry));
    } catch (error) {
      this.#noteFailure(error, batch.length);
      return error ?? new Error('unknown');
    }
    if (this.#trouble !== null) {
      this.#options.logger.info(`${this.#options.name} can be written again`);
    }
    this.#trouble = null;
    this.#retryMs = FIRST_RETRY_MS;
    this.#inFlight = 0;
    this.#written += batch.length;
    batch.forEach(({ resolve }) => resolve());
    return null;
  }

  #noteFailure(error: unknown, records: number): void {
    const { clock, logger, name } = this.#options;
    this.#failures += 1;
    this.#trouble = errorMessage(error);
    const nowMs = clock.monotonicMs();
    if (nowMs - this.#lastFailureLoggedMs >= FAILURE_LOG_INTERVAL_MS) {
      this.#lastFailureLoggedMs = nowMs;
      logger.error(`${name} cannot be written; it is tried again`, {
        error: this.#trouble,
        waiting: records + this.#pending.length,
      });
    }
  }

  #giveUp(cause: unknown): void {
    const { name } = this.#options;
    const message = `an entry of the ${name} could not be written: ${errorMessage(cause)}`;
    const error = new LedgerError('REC_ERR_LEDGER_WRITE', message, { cause });
    const given = this.#pending.splice(0);
    this.#lastLossLoggedMs = -Infinity;
    this.#lose(given.length, error);
    given.forEach(({ reject }) => reject(error));
  }

  #lose(count: number, error: LedgerError): void {
    const { clock, logger, name } = this.#options;
    this.#lost += count;
    const nowMs = clock.monotonicMs();
    if (nowMs - this.#lastLossLoggedMs >= FAILURE_LOG_INTERVAL_MS) {
      this.#lastLossLoggedMs = nowMs;
      logger.error(`${name} entries lost`, {
        lostSoFar: this.#lost,
        code: error.code,
        error: error.message,
      });
    }
  }

  #waitForRetry(): Promise<void> {
    return new Promise(resolve => {
      const timer = this.#options.clock.setTimer(this.#retryMs, () => this.#wake());
      this.#retryMs = Math.min(MAX_RETRY_MS, this.#retryMs * 2);
      this.#retry = {
        timer,
        wake: resolve,
      };
    });
  }

  #wake(): void {
    const retry = this.#retry;
    this.#retry = null;
    retry?.timer.cancel();
    retry?.wake();
  }
}
