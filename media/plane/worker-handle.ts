import { type Clock, errorMessage, type Logger } from '#core';
import { join, sep } from 'node:path';
import { MessageChannel, type MessagePort, Worker } from 'node:worker_threads';
import { closeLeftDescriptors, WakeEvent } from '../io/linux/wake-event';
import { MediaError } from '../errors';
import {
  type WorkerCommand,
  type WorkerEvent,
  type WorkerReply,
  type WorkerSettings,
  type WorkerSetup,
} from '../worker/protocol';

/** A worker that does not end by itself within this is terminated, ms. */
const END_DEADLINE_MS = 2000;

/**
 * For young objects, three times what V8 uses of it at a time: the packet path makes hardly any, so that the 16 MiB twice
 * that V8 would take as calls are opened are of no use, and the objects of new calls are moved in shorter pauses. Node's
 * sockets make some for each packet.
 */
const LINUX_LIMITS = { maxYoungGenerationSizeMb: 6 };

/** An event that concerns one slot. */
export type SlotEvent = Extract<WorkerEvent, { slot: number }>;

export interface WorkerHandleOptions {
  readonly backend: 'linux' | 'dgram';
  readonly counters: SharedArrayBuffer;
  readonly slots: number;
  readonly settings: WorkerSettings;
  readonly logger: Logger;
  readonly clock: Clock;
  readonly onSlotEvent: (event: SlotEvent) => void;
  /** The worker ended although nobody asked it to; its sockets are closed. */
  readonly onDeath: (worker: WorkerHandle, cause: string) => void;
}

interface PendingRequest {
  readonly resolve: (reply: WorkerReply) => void;
  readonly reject: (error: Error) => void;
}

/** One packet thread as the main thread sees it: commands in, answers and events out. */
export class WorkerHandle {
  /** Calls pinned to it. */
  calls = 0;
  readonly #options: WorkerHandleOptions;
  readonly #worker: Worker;
  readonly #port: MessagePort;
  readonly #wakeEvent: WakeEvent | null;
  readonly #openFds: Int32Array<SharedArrayBuffer>;
  readonly #pending = new Map<number, PendingRequest>();
  readonly #exited: Promise<void>;
  #nextRequest = 1;
  #outbox: WorkerCommand[] = [];
  #isAlive = true;
  #isClosing = false;
  #deathCause = 'the worker ended';

  /** Starts a worker. @throws MediaError `REC_ERR_MEDIA_BACKEND` when it cannot run. */
  static start(options: WorkerHandleOptions): Promise<WorkerHandle> {
    return new Promise((resolve, reject) => {
      const worker = new WorkerHandle(options, error => {
        if (error === null) {
          resolve(worker);
        } else {
          reject(error);
        }
      });
    });
  }

  private constructor(options: WorkerHandleOptions, started: (error: Error | null) => void) {
    this.#options = options;
    this.#wakeEvent = options.backend === 'linux' ? new WakeEvent() : null;
    this.#openFds = new Int32Array(
      new SharedArrayBuffer((2 * options.slots + 1) * Int32Array.BYTES_PER_ELEMENT),
    );
    const { port1, port2 } = new MessageChannel();
    this.#port = port1;
    const setup: WorkerSetup = {
      backend: options.backend,
      port: port2,
      wakeFd: this.#wakeEvent?.fd ?? -1,
      counters: options.counters,
      openFds: this.#openFds.buffer,
      settings: options.settings,
    };
    this.#worker = new Worker(workerFile(), {
      workerData: setup,
      transferList: [port2],
      ...(options.backend === 'linux' ? { resourceLimits: LINUX_LIMITS } : {}),
    });
    this.#worker.on('error', error => {
      this.#deathCause = errorMessage(error);
    });
    this.#port.on('message', (event: WorkerEvent) => this.#onEvent(event, started));
    this.#exited = new Promise(resolve => {
      this.#worker.once('exit', () => {
        this.#onExit();
        started(new MediaError('REC_ERR_MEDIA_BACKEND', this.#deathCause));
        resolve();
      });
    });
  }

  get isAlive(): boolean {
    return this.#isAlive;
  }

  /**
   * Sends a command that has no answer. Without effect on a dead worker. Commands that are given without a pause,
   * promises that are settled already included, travel together: they wake the worker once, and come into force
   * between two rounds of packets, so that none falls between them.
   */
  send(command: WorkerCommand): void {
    if (!this.#isAlive) {
      return;
    }
    this.#outbox.push(command);
    if (this.#outbox.length === 1) {
      // Ticks come when no microtask is left: what awaits the result of this command gives its own before.
      queueMicrotask(() => process.nextTick(() => this.#flush()));
    }
  }

  #flush(): void {
    const commands = this.#outbox;
    this.#outbox = [];
    if (this.#isAlive) {
      this.#port.postMessage(commands);
      this.#wakeEvent?.wake();
    }
  }

  /** @throws MediaError `REC_ERR_MEDIA_LOST` when the worker is dead or dies before it answers. */
  request(build: (request: number) => WorkerCommand): Promise<WorkerReply> {
    if (!this.#isAlive) {
      return Promise.reject(this.#lost());
    }
    const request = this.#nextRequest++;
    return new Promise((resolve, reject) => {
      this.#pending.set(request, { resolve, reject });
      this.send(build(request));
    });
  }

  /** Ends the worker; every socket of it is closed afterwards. Idempotent. */
  async close(): Promise<void> {
    if (!this.#isClosing) {
      this.#isClosing = true;
      this.send({ kind: 'shutdown' });
    }
    const timer = this.#options.clock.setTimer(END_DEADLINE_MS, () => {
      void this.#worker.terminate();
    });
    await this.#exited;
    timer.cancel();
  }

  /** Kills the worker as a crash would: for tests of what happens then. */
  async kill(): Promise<void> {
    await this.#worker.terminate();
  }

  #onEvent(event: WorkerEvent, started: (error: Error | null) => void): void {
    switch (event.kind) {
      case 'ready':
        started(null);
        break;
      case 'failed':
        this.#deathCause = event.message;
        break;
      case 'ended':
        break;
      case 'reply': {
        const pending = this.#pending.get(event.request);
        this.#pending.delete(event.request);
        pending?.resolve(event);
        break;
      }
      default:
        this.#options.onSlotEvent(event);
    }
  }

  #onExit(): void {
    this.#isAlive = false;
    this.#port.close();
    this.#wakeEvent?.close();
    if (this.#options.backend === 'linux') {
      closeLeftDescriptors(this.#openFds);
    }
    for (const pending of this.#pending.values()) {
      pending.reject(this.#lost());
    }
    this.#pending.clear();
    if (!this.#isClosing) {
      this.#options.logger.error('media worker died', { cause: this.#deathCause });
      this.#options.onDeath(this, this.#deathCause);
    }
  }

  #lost(): MediaError {
    return new MediaError('REC_ERR_MEDIA_LOST', `the media worker is gone: ${this.#deathCause}`);
  }
}

/** The compiled worker: beside this file in a build, in `dist` when this file runs from its source. */
function workerFile(): string {
  const root = join(__dirname, '..', '..');
  const isBuilt = root.endsWith(`${sep}dist`);
  return join(root, isBuilt ? '' : 'dist', 'media', 'worker', 'worker-main.js');
}
