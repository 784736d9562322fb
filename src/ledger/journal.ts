import { type Clock, errorMessage, type Logger, type Timer } from '#core';
import { type OpenAppendFile } from './append-file';
import { BatchWriter, type BatchWriterCounters } from './batch-writer';
import { type ChainEntry } from './chain';
import { ChainStore } from './chain-store';
import { type LedgerRecord } from './record';

/** A line of the journal. Its `record` says what would be known if the gateway were cut off now. */
export type JournalEntry =
  | {
      readonly kind: 'opened' | 'checkpoint';
      /** Where the ledger stood: the closing record can only stand behind it. */
      readonly ledgerSeq: number;
      readonly record: LedgerRecord;
    }
  /** The closing record itself, because the ledger did not take it. */
  | { readonly kind: 'closing'; readonly ledgerSeq: number; readonly record: LedgerRecord }
  | { readonly kind: 'closed'; readonly recordingId: string };

export interface JournalOptions {
  readonly path: string;
  readonly checkpointIntervalMs: number;
  readonly maxPending: number;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly openFile?: OpenAppendFile;
}

interface OpenRecording {
  readonly snapshot: () => LedgerRecord;
  readonly ledgerSeq: number;
  dueMs: number;
  /** On its way into the ledger: nothing new will be known. null: not yet. */
  closing: LedgerRecord | null;
}

/** Checkpoints of many recordings are spread over time by looking this often for those that are due. */
const TICK_MS = 1000;
/** A journal that has grown beyond this, and to several times of what it must hold, is begun anew. */
const COMPACT_BYTES = 8 * 1024 * 1024;
const COMPACT_IDLE_BYTES = 256 * 1024;
const COMPACT_FACTOR = 4;

/** What is known of the recordings in progress, on the disk, so that a crash leaves no recording unaccounted for. */
export class Journal {
  readonly #options: JournalOptions;
  readonly #store: ChainStore;
  readonly #writer: BatchWriter;
  /** In the order in which their checkpoints are due. */
  readonly #open = new Map<string, OpenRecording>();
  #compactAtBytes = COMPACT_BYTES;
  #tick: Timer | null = null;
  #isClosed = false;

  /** @throws LedgerError `REC_ERR_LEDGER_UNWRITABLE`. */
  constructor(options: JournalOptions) {
    this.#options = options;
    const { path, clock, logger, maxPending, openFile } = options;
    this.#store = new ChainStore({
      path,
      rotateBytes: null,
      logger,
      ...(openFile === undefined ? {} : { openFile }),
    });
    this.#writer = new BatchWriter({
      name: 'journal',
      write: entries => this.#write(entries),
      maxPending,
      clock,
      logger,
    });
  }

  get openCount(): number {
    return this.#open.size;
  }

  get trouble(): string | null {
    return this.#writer.trouble;
  }

  counters(): BatchWriterCounters {
    return this.#writer.counters();
  }

  /** Forgets everything that the file holds: it has been taken over into the ledger. */
  async reset(): Promise<void> {
    await this.#store.replaceWith([]);
  }

  /**
   * `snapshot` is asked now and at every checkpoint, until the recording is closed.
   * @returns the recording's id.
   */
  open(ledgerSeq: number, snapshot: () => LedgerRecord): string {
    const record = snapshot();
    const { recordingId } = record;
    const { clock, checkpointIntervalMs } = this.#options;
    const dueMs = clock.monotonicMs() + checkpointIntervalMs;
    this.#open.set(recordingId, { snapshot, ledgerSeq, dueMs, closing: null });
    void this.#push({ kind: 'opened', ledgerSeq, record });
    this.#startTick();
    return recordingId;
  }

  /** The closing record is being written. */
  closing(recordingId: string, record: LedgerRecord): void {
    const entry = this.#open.get(recordingId);
    if (entry !== undefined) {
      entry.closing = record;
    }
  }

  /** The closing record could not be written: it is kept here for the next start. */
  keepClosing(recordingId: string, record: LedgerRecord): void {
    const ledgerSeq = this.#open.get(recordingId)?.ledgerSeq ?? 0;
    void this.#push({ kind: 'closing', ledgerSeq, record });
  }

  /** The closing record is in the ledger, or there is nothing to account for. */
  closed(recordingId: string): void {
    if (this.#open.delete(recordingId)) {
      void this.#push({ kind: 'closed', recordingId });
    }
  }

  /** Writes what waits, then closes. Never rejects. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#tick?.cancel();
    await this.#writer.close();
    await this.#store.close().catch((error: unknown) => {
      this.#options.logger.error('closing the journal failed', { error: errorMessage(error) });
    });
  }

  #push(entry: JournalEntry): Promise<void> {
    return this.#writer.push(entry);
  }

  async #write(entries: readonly ChainEntry[]): Promise<void> {
    await this.#store.append(entries);
    const { sizeBytes } = this.#store;
    const isIdle = this.#open.size === 0 && sizeBytes > COMPACT_IDLE_BYTES;
    if (isIdle || sizeBytes > this.#compactAtBytes) {
      await this.#compact();
    }
  }

  async #compact(): Promise<void> {
    try {
      const kept = [...this.#open.values()].map(
        ({ ledgerSeq, snapshot, closing }): JournalEntry => ({
          kind: closing === null ? 'checkpoint' : 'closing',
          ledgerSeq,
          record: closing ?? snapshot(),
        }),
      );
      await this.#store.replaceWith(kept);
    } catch (error) {
      // Nothing is lost: the old file goes on.
      this.#options.logger.warn('journal cannot be begun anew', { error: errorMessage(error) });
    }
    this.#compactAtBytes = Math.max(COMPACT_BYTES, this.#store.sizeBytes * COMPACT_FACTOR);
  }

  #startTick(): void {
    if (this.#tick === null && !this.#isClosed) {
      this.#tick = this.#options.clock.setTimer(TICK_MS, () => this.#checkpointDue());
    }
  }

  #checkpointDue(): void {
    this.#tick = null;
    const { clock, checkpointIntervalMs, logger } = this.#options;
    const nowMs = clock.monotonicMs();
    for (const [recordingId, entry] of this.#open) {
      if (entry.dueMs > nowMs) {
        break;
      }
      // To the end of the line: all have the same interval.
      this.#open.delete(recordingId);
      this.#open.set(recordingId, entry);
      entry.dueMs = nowMs + checkpointIntervalMs;
      if (entry.closing !== null || this.#writer.isBusy) {
        continue;
      }
      try {
        const { ledgerSeq, snapshot } = entry;
        void this.#push({ kind: 'checkpoint', ledgerSeq, record: snapshot() });
      } catch (error) {
        logger.error('no checkpoint of a recording', { recordingId, error: errorMessage(error) });
      }
    }
    if (this.#open.size > 0) {
      this.#startTick();
    }
  }
}
