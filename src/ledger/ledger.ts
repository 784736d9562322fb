import { type Clock, type Closeable, errorMessage, type Logger } from '#core';
import { type OpenAppendFile } from './append-file';
import { BatchWriter } from './batch-writer';
import { type ChainEntry, type ChainHead } from './chain';
import { ChainStore } from './chain-store';
import { Journal } from './journal';
import { journalPath, writeHeadFile } from './ledger-files';
import { type LedgerRecord } from './record';
import { readJournal, recordingsClosedSince } from './recovery';

export interface LedgerCounters {
  /** Records that are on the disk. */
  readonly written: number;
  /** Records that were refused because too many waited, or given up when the ledger was closed. */
  readonly lost: number;
  /** Records that wait to be written. */
  readonly pending: number;
  /** Attempts to write ledger or journal that failed. */
  readonly failures: number;
  /** Recordings that the journal has open. */
  readonly open: number;
}

/** A recording that has begun and is not accounted for yet. */
export interface LedgerEntry {
  /** Ends with its closing record; resolves and rejects as {@link Ledger.append}. Only the first call counts. */
  close(record: LedgerRecord): Promise<void>;
  /** It turned out that there was nothing to record: no record is written. */
  discard(): void;
}

/** What happened to every recording, append-only and hash-chained. */
export interface Ledger extends Closeable {
  /**
   * Opens the journal's entry of a recording that policy demands. `snapshot` says, now and every checkpoint interval,
   * what would be known if the gateway were cut off at that moment: a record with the verdict `interrupted`. The next
   * start after a crash appends the last one.
   */
  begin(snapshot: () => LedgerRecord): LedgerEntry;
  /**
   * A record without a journal entry before it. Resolves when it is on the disk; while the disk is full it waits in a
   * bounded queue. Rejects with LedgerError `REC_ERR_LEDGER_QUEUE_FULL`, `REC_ERR_LEDGER_CLOSED` or
   * `REC_ERR_LEDGER_WRITE` (given up at the end), which has then been logged and counted; a caller that has nothing to
   * add may leave the promise alone. A call never waits for it.
   */
  append(record: LedgerRecord): Promise<void>;
  counters(): LedgerCounters;
  /** The last record that is on the disk. */
  head(): ChainHead;
  /** Why ledger or journal cannot be written at the moment; null while all is well. */
  trouble(): string | null;
  /** The recordings of an earlier run that this start has closed as interrupted. */
  readonly recovered: readonly LedgerRecord[];
  /** Called after every batch; replaces the listener before it. */
  onHead(listener: (head: ChainHead) => void): void;
  /** Writes what waits, then closes. Idempotent; never rejects. */
  close(): Promise<void>;
}

export interface LedgerOptions {
  /** The file; created if it is missing. Its folder must exist. Journal and head file stand beside it. */
  readonly path: string;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Records that may wait; one more is refused. Default 16 384 (some 32 MB). */
  readonly maxPending?: number;
  /** How often what is known of a recording in progress goes to the disk, ms. Default 10 000. */
  readonly checkpointIntervalMs?: number;
  /** A ledger file that has grown beyond this becomes a segment of its own; null: never. Default 64 MiB. */
  readonly rotateBytes?: number | null;
  /** Where bytes go; for tests. */
  readonly openFile?: OpenAppendFile;
}

const DEFAULT_MAX_PENDING = 16_384;
const DEFAULT_CHECKPOINT_INTERVAL_MS = 10_000;
const DEFAULT_ROTATE_BYTES = 64 * 1024 * 1024;

/**
 * Opens a ledger of one JSON object per line, each tied to the one before it by SHA-256, and closes what an earlier
 * run has left open in the journal. Records are written in batches with one fsync each.
 *
 * @throws LedgerError `REC_ERR_LEDGER_UNWRITABLE`, also when a recovered record cannot be written.
 */
export async function openLedger(options: LedgerOptions): Promise<Ledger> {
  const ledger = new JsonlLedger(options);
  try {
    await ledger.recover();
  } catch (error) {
    await ledger.close();
    throw error;
  }
  return ledger;
}

class JsonlLedger implements Ledger {
  recovered: readonly LedgerRecord[] = [];
  readonly #options: LedgerOptions;
  readonly #store: ChainStore;
  readonly #writer: BatchWriter;
  readonly #journal: Journal;
  #listener: (head: ChainHead) => void = () => undefined;
  #closing: Promise<void> | null = null;

  constructor(options: LedgerOptions) {
    const { path, clock, logger, maxPending = DEFAULT_MAX_PENDING, openFile } = options;
    this.#options = options;
    const files = openFile === undefined ? {} : { openFile };
    const rotateBytes =
      options.rotateBytes === undefined ? DEFAULT_ROTATE_BYTES : options.rotateBytes;
    this.#store = new ChainStore({ path, rotateBytes, logger, ...files });
    this.#writer = new BatchWriter({
      name: 'ledger',
      write: entries => this.#write(entries),
      maxPending,
      clock,
      logger,
    });
    this.#journal = new Journal({
      path: journalPath(path),
      checkpointIntervalMs: options.checkpointIntervalMs ?? DEFAULT_CHECKPOINT_INTERVAL_MS,
      maxPending,
      clock,
      logger,
      ...files,
    });
  }

  /** Closes what the journal has open. Nothing is lost if this is cut off: the next start does it again. */
  async recover(): Promise<void> {
    const { path, clock, logger } = this.#options;
    const remains = readJournal(journalPath(path), clock.wallNowMs(), logger);
    if (remains.records.length > 0) {
      const closed = recordingsClosedSince(path, remains.ledgerSeq);
      const due = remains.records.filter(({ recordingId }) => !closed.has(recordingId));
      if (due.length > 0) {
        await this.#write(due.map(toEntry));
        logger.error('recordings that the last run did not end are in the ledger as interrupted', {
          recordings: due.length,
        });
      }
      this.recovered = due;
    }
    await this.#journal.reset();
  }

  begin(snapshot: () => LedgerRecord): LedgerEntry {
    const recordingId = this.#journal.open(this.#store.head.sequence, snapshot);
    let closed: Promise<void> | null = null;
    return {
      close: record => (closed ??= this.#closeEntry(recordingId, record)),
      discard: () => {
        closed ??= Promise.resolve();
        this.#journal.closed(recordingId);
      },
    };
  }

  append(record: LedgerRecord): Promise<void> {
    return this.#writer.push(toEntry(record));
  }

  counters(): LedgerCounters {
    const { written, lost, pending, failures } = this.#writer.counters();
    const journal = this.#journal.counters();
    return {
      written,
      lost,
      pending,
      failures: failures + journal.failures,
      open: this.#journal.openCount,
    };
  }

  head(): ChainHead {
    return this.#store.head;
  }

  trouble(): string | null {
    return this.#writer.trouble ?? this.#journal.trouble;
  }

  onHead(listener: (head: ChainHead) => void): void {
    this.#listener = listener;
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  #closeEntry(recordingId: string, record: LedgerRecord): Promise<void> {
    this.#journal.closing(recordingId, record);
    const appended = this.append(record);
    appended.then(
      () => this.#journal.closed(recordingId),
      () => this.#journal.keepClosing(recordingId, record),
    );
    return appended;
  }

  async #write(entries: readonly ChainEntry[]): Promise<void> {
    await this.#store.append(entries);
    const { path, clock, logger } = this.#options;
    const { head } = this.#store;
    try {
      await writeHeadFile(path, head, clock.wallNowMs());
    } catch (error) {
      logger.warn('head of the ledger not written', { error: errorMessage(error) });
    }
    this.#listener(head);
  }

  async #close(): Promise<void> {
    await this.#writer.close();
    await this.#journal.close();
    await this.#store.close().catch((error: unknown) => {
      this.#options.logger.error('closing the ledger failed', { error: errorMessage(error) });
    });
  }
}

function toEntry(record: LedgerRecord): ChainEntry {
  return { kind: 'recording', ...record };
}
