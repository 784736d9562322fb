import { errorMessage, type Logger } from '#core';
import { MediaError } from '../errors';
import { whyNoLinuxIo } from '../io/linux/probe';
import {
  type MediaCall,
  type MediaCallEvents,
  type MediaCapacity,
  type MediaPlane,
  type MediaPlaneCounters,
  type OpenCallOptions,
  type PromptClip,
} from '../ports';
import { LEG, STREAM } from '../worker/counters';
import { type WorkerSettings } from '../worker/protocol';
import { computeCapacity, openFileLimit } from './capacity';
import { type CallHost, PlaneCall } from './media-call';
import { checkOptions, type MediaPlaneOptions } from './options';
import { SoundLibrary } from './sound-library';
import { type Slot, SlotTable } from './slot-table';
import { SparePairs } from './spare-pairs';
import { type SlotEvent, WorkerHandle } from './worker-handle';

/** A worker is replaced at most this often per window; a plane that cannot keep one alive must not spin. */
const MAX_RESTARTS = 5;
const RESTART_WINDOW_MS = 60_000;

interface WatchedSlot {
  readonly slot: Slot;
  readonly kind: 'leg' | 'stream';
  readonly call: PlaneCall;
}

/** Sums of counters; the sums of closed slots are kept, those of open ones are read. */
type Totals = { -readonly [K in keyof Omit<MediaPlaneCounters, GaugeName>]: number };
type GaugeName = 'openCalls' | 'openLegs' | 'openRecordings' | 'portsInUse';

/**
 * Starts the packet workers.
 *
 * @throws MediaError `REC_ERR_MEDIA_OPTIONS`, `REC_ERR_MEDIA_BACKEND`.
 */
export async function createMediaPlane(options: MediaPlaneOptions): Promise<MediaPlane> {
  checkOptions(options);
  const backend = chooseBackend(options.backend, options.logger);
  const plane = new WorkerPlane(options, backend);
  await plane.start();
  return plane;
}

function chooseBackend(
  wanted: MediaPlaneOptions['backend'],
  logger: Logger,
): MediaPlane['backend'] {
  if (wanted === 'dgram') {
    return 'dgram';
  }
  const obstacle = whyNoLinuxIo();
  if (obstacle === null) {
    return 'linux';
  }
  if (wanted === 'linux') {
    throw new MediaError('REC_ERR_MEDIA_BACKEND', `Linux packet I/O cannot work: ${obstacle}`);
  }
  logger.warn('packet I/O falls back to Node sockets', { obstacle });
  return 'dgram';
}

class WorkerPlane implements MediaPlane, CallHost {
  readonly backend: MediaPlane['backend'];
  readonly table: SlotTable;
  readonly logger: Logger;
  readonly sounds = new SoundLibrary(command => {
    this.#workers.forEach(worker => worker.send(command));
  });
  readonly #options: MediaPlaneOptions;
  readonly #workers: WorkerHandle[] = [];
  readonly #spares = new Map<WorkerHandle, SparePairs>();
  readonly #calls = new Set<PlaneCall>();
  readonly #watched = new Map<number, WatchedSlot>();
  readonly #totals: Totals = emptyTotals();
  #restartsAtMs: number[] = [];
  #restarting: Promise<void> = Promise.resolve();
  #lastNumber = 0;
  #openRecordings = 0;
  #isClosed = false;
  #closing: Promise<void> | null = null;

  constructor(options: MediaPlaneOptions, backend: MediaPlane['backend']) {
    this.#options = options;
    this.backend = backend;
    this.logger = options.logger.child({ component: 'media' });
    this.table = new SlotTable(options, options.clock);
  }

  async start(): Promise<void> {
    const starts = Array.from({ length: this.#options.workers }, () => this.#startWorker());
    const results = await Promise.allSettled(starts);
    const failed = results.find(result => result.status === 'rejected');
    if (failed !== undefined) {
      await this.close();
      throw failed.reason;
    }
  }

  capacity(): MediaCapacity {
    return computeCapacity(this.table.pairsPerHost, openFileLimit());
  }

  openCall(options: OpenCallOptions, events: MediaCallEvents): MediaCall {
    if (this.#isClosed) {
      throw new MediaError('REC_ERR_MEDIA_CLOSED', 'the media plane is closed');
    }
    const [first, ...rest] = this.#workers.filter(worker => worker.isAlive);
    if (first === undefined) {
      throw new MediaError('REC_ERR_MEDIA_LOST', 'no media worker is alive');
    }
    const worker = rest.reduce(
      (least, other) => (other.calls < least.calls ? other : least),
      first,
    );
    const call = new PlaneCall(options.callId, worker, events, this);
    worker.calls++;
    this.#calls.add(call);
    return call;
  }

  definePrompt(promptId: string, clip: PromptClip): void {
    this.sounds.definePrompt(promptId, clip);
  }

  counters(): MediaPlaneCounters {
    const totals = { ...this.#totals };
    let openLegs = 0;
    for (const { slot, kind } of this.#watched.values()) {
      openLegs += kind === 'leg' ? 1 : 0;
      this.#addRow(totals, slot, kind);
    }
    return {
      openCalls: this.#calls.size,
      openLegs,
      openRecordings: this.#openRecordings,
      portsInUse: this.table.portsInUse - 2 * this.#sparePairs(),
      ...totals,
    };
  }

  close(): Promise<void> {
    this.#isClosed = true;
    this.#closing ??= this.#close();
    return this.#closing;
  }

  nextNumber(): number {
    return ++this.#lastNumber;
  }

  takeSpares(worker: WorkerHandle, network: string, count: number): Slot[] {
    return this.#spares.get(worker)?.take(network, count) ?? [];
  }

  recordingOpened(): void {
    this.#openRecordings++;
  }

  recordingClosed(): void {
    this.#openRecordings--;
  }

  watchSlot(slot: Slot, kind: 'leg' | 'stream', call: PlaneCall): void {
    this.#watched.set(slot.binding.slot, { slot, kind, call });
  }

  retireSlot(slot: Slot): void {
    const watched = this.#watched.get(slot.binding.slot);
    if (watched !== undefined) {
      this.#watched.delete(slot.binding.slot);
      this.#addRow(this.#totals, slot, watched.kind);
      this.table.release(slot);
    }
  }

  callClosed(call: PlaneCall): void {
    if (this.#calls.delete(call)) {
      call.worker.calls--;
    }
  }

  async #startWorker(): Promise<void> {
    const options = this.#options;
    const settings: WorkerSettings = {
      dscp: options.dscp,
      mediaTimeoutMs: options.mediaTimeoutMs,
      ringBytes: options.ringBytes,
      catchUpFactor: options.recordingCatchUpFactor,
      latchesForeignSource: options.latchesForeignSource ?? true,
    };
    const worker = await WorkerHandle.start({
      backend: this.backend,
      counters: this.table.counters.buffer,
      slots: this.table.slots,
      settings,
      logger: this.logger,
      clock: options.clock,
      onSlotEvent: event => this.#onSlotEvent(event),
      onDeath: (dead, cause) => this.#onWorkerDeath(dead, cause),
    });
    this.#workers.push(worker);
    this.#spares.set(worker, new SparePairs(worker, this.table, options.clock));
    this.sounds.commands().forEach(command => worker.send(command));
  }

  #onSlotEvent(event: SlotEvent): void {
    this.#watched.get(event.slot)?.call.onSlotEvent(event);
  }

  #onWorkerDeath(worker: WorkerHandle, cause: string): void {
    const at = this.#workers.indexOf(worker);
    if (at < 0) {
      return;
    }
    this.#workers.splice(at, 1);
    this.#closeSpares(worker);
    for (const call of [...this.#calls]) {
      if (call.worker === worker) {
        void call.lost(cause);
      }
    }
    this.#restarting = this.#restarting.then(() => this.#replaceWorker());
  }

  async #replaceWorker(): Promise<void> {
    const nowMs = this.#options.clock.monotonicMs();
    this.#restartsAtMs = this.#restartsAtMs.filter(atMs => nowMs - atMs < RESTART_WINDOW_MS);
    if (this.#isClosed || this.#restartsAtMs.length >= MAX_RESTARTS) {
      return;
    }
    this.#restartsAtMs.push(nowMs);
    try {
      await this.#startWorker();
    } catch (error) {
      this.logger.error('media worker cannot be replaced', { error: errorMessage(error) });
    }
  }

  async #close(): Promise<void> {
    await Promise.all([...this.#calls].map(call => call.close()));
    await this.#restarting;
    await Promise.all(this.#workers.map(worker => worker.close()));
    this.#workers.forEach(worker => this.#closeSpares(worker));
  }

  #closeSpares(worker: WorkerHandle): void {
    this.#spares.get(worker)?.close();
    this.#spares.delete(worker);
  }

  #sparePairs(): number {
    return [...this.#spares.values()].reduce((sum, { count }) => sum + count, 0);
  }

  #addRow(totals: Totals, slot: Slot, kind: 'leg' | 'stream'): void {
    const read = (column: number): number => this.table.read(slot, column);
    totals.malformed += read(LEG.malformed);
    totals.rejectedSource += read(LEG.rejectedSource);
    totals.sendErrors += read(LEG.sendErrors);
    totals.unauthentic += read(LEG.unauthentic);
    if (kind === 'leg') {
      totals.packetsReceived += read(LEG.packetsReceived);
      totals.packetsSent += read(LEG.packetsSent);
    } else {
      totals.packetsForked += read(STREAM.packetsSent);
      totals.recordingOverflow += read(STREAM.overflowed);
    }
  }
}

function emptyTotals(): Totals {
  return {
    packetsReceived: 0,
    packetsSent: 0,
    packetsForked: 0,
    malformed: 0,
    rejectedSource: 0,
    unauthentic: 0,
    sendErrors: 0,
    recordingOverflow: 0,
  };
}
