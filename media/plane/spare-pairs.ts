import { type Clock, type Timer } from '#core';
import { type WorkerCommand, type WorkerReply } from '../worker/protocol';
import { type Slot, type SlotTable } from './slot-table';

/** Pairs that are held ready for each network: those of four recorded calls. */
const SIZE = 16;
/** Opened at a time, so that packets wait a fraction of a millisecond for it at most. */
const BATCH = 4;
/** What was taken is replaced after this, ms: the call that took it has better things to ask of the worker. */
const REFILL_DELAY_MS = 5;
/** Where a network has no more pairs left than this, each is opened for the call that needs it. */
const MIN_FREE_PAIRS = 4 * SIZE;

/** The worker that opens the pairs. */
export interface SpareOpener {
  request(build: (request: number) => WorkerCommand): Promise<WorkerReply>;
}

/**
 * Port pairs of one worker whose sockets are open already, so that a call has its addresses without waiting for the worker.
 * The first call on a network waits; from then on pairs are held ready for it.
 */
export class SparePairs {
  readonly #worker: SpareOpener;
  readonly #table: SlotTable;
  readonly #clock: Clock;
  readonly #ready = new Map<string, Slot[]>();
  #opening = 0;
  #refill: Timer | null = null;
  #isClosed = false;

  constructor(worker: SpareOpener, table: SlotTable, clock: Clock) {
    this.#worker = worker;
    this.#table = table;
    this.#clock = clock;
  }

  /** Pairs that are held and not in use. */
  get count(): number {
    return [...this.#ready.values()].reduce((sum, { length }) => sum + length, this.#opening);
  }

  /**
   * @returns so many pairs that the worker has open, or none when fewer are ready.
   * @throws MediaError `REC_ERR_MEDIA_UNKNOWN_NETWORK`.
   */
  take(network: string, count: number): Slot[] {
    if (this.#isClosed) {
      return [];
    }
    this.#table.freePairs(network);
    let ready = this.#ready.get(network);
    if (ready === undefined) {
      ready = [];
      this.#ready.set(network, ready);
    }
    this.#refillLater();
    return ready.length < count ? [] : ready.splice(0, count);
  }

  /** The worker is gone, and every socket of it. */
  close(): void {
    this.#isClosed = true;
    this.#refill?.cancel();
    for (const slot of [...this.#ready.values()].flat()) {
      this.#table.release(slot);
    }
    this.#ready.clear();
  }

  #refillLater(): void {
    if (this.#refill === null && this.#opening === 0 && !this.#isClosed) {
      this.#refill = this.#clock.setTimer(REFILL_DELAY_MS, () => {
        this.#refill = null;
        void this.#open();
      });
    }
  }

  /** One batch for the network that has the fewest; goes on until all have enough. Never rejects. */
  async #open(): Promise<void> {
    const [network, ready] = [...this.#ready].sort(([, a], [, b]) => a.length - b.length)[0] ?? [];
    if (network === undefined || ready === undefined) {
      return;
    }
    const wanted = Math.min(BATCH, this.#table.freePairs(network) - MIN_FREE_PAIRS);
    if (ready.length > SIZE - BATCH || wanted <= 0) {
      return;
    }
    const slots = Array.from({ length: wanted }, () => this.#table.acquire(network));
    this.#opening = slots.length;
    let unopened: NonNullable<WorkerReply['unopened']> = [];
    let isLost = false;
    try {
      const bindings = slots.map(({ binding }) => binding);
      const reply = await this.#worker.request(request => ({
        kind: 'open-spares',
        request,
        bindings,
      }));
      unopened = reply.unopened ?? [];
    } catch {
      isLost = true;
    }
    this.#opening = 0;
    for (const slot of slots) {
      const failure = unopened.find(each => each.slot === slot.binding.slot);
      if (failure?.error === 'EADDRINUSE') {
        this.#table.markBusy(slot);
      } else if (failure !== undefined || isLost || this.#isClosed) {
        this.#table.release(slot);
      } else {
        ready.push(slot);
      }
    }
    // What could not be opened is tried again with the next call.
    if (unopened.length === 0 && !isLost) {
      this.#refillLater();
    }
  }
}
