import { type LocalEndpoint, type RemoteStream } from '#core';
import { MediaError } from '../errors';
import { type LegCounters, type MediaLeg } from '../ports';
import { LEG } from '../worker/counters';
import { checkRemote } from './check-remote';
import { type Slot, type SlotTable } from './slot-table';
import { type WorkerHandle } from './worker-handle';

/** The facade of one leg; its state lives in the worker. */
export class PlaneLeg implements MediaLeg {
  readonly legId: string;
  readonly slot: Slot;
  readonly #worker: WorkerHandle;
  readonly #table: SlotTable;
  readonly #onClosed: (leg: PlaneLeg) => void;
  #closing: Promise<void> | null = null;
  #final: LegCounters | null = null;

  constructor(
    legId: string,
    slot: Slot,
    worker: WorkerHandle,
    table: SlotTable,
    onClosed: (leg: PlaneLeg) => void,
  ) {
    this.legId = legId;
    this.slot = slot;
    this.#worker = worker;
    this.#table = table;
    this.#onClosed = onClosed;
  }

  get local(): LocalEndpoint {
    return this.slot.local;
  }

  setRemote(remote: RemoteStream): void {
    checkRemote(remote);
    if (this.#closing === null) {
      this.#worker.send({ kind: 'set-remote', slot: this.slot.binding.slot, remote });
    }
  }

  holdDtmf(): void {
    throw new MediaError('REC_ERR_MEDIA_NOTICE', 'telephone events cannot be held back');
  }

  releaseDtmf(): void {
    throw new MediaError('REC_ERR_MEDIA_NOTICE', 'telephone events cannot be held back');
  }

  counters(): LegCounters {
    if (this.#final !== null) {
      return this.#final;
    }
    const read = (column: number): number => this.#table.read(this.slot, column);
    return {
      packetsReceived: read(LEG.packetsReceived),
      bytesReceived: read(LEG.bytesReceived),
      packetsSent: read(LEG.packetsSent),
      bytesSent: read(LEG.bytesSent),
      packetsLost: read(LEG.packetsLost),
      malformed: read(LEG.malformed),
      rejectedSource: read(LEG.rejectedSource),
    };
  }

  close(): void {
    void this.closed();
  }

  /** Closes the leg. @returns when its ports are given back; never rejects. */
  closed(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    const { slot } = this.slot.binding;
    try {
      await this.#worker.request(request => ({ kind: 'close-leg', request, slot }));
    } catch {
      // The worker is dead: its sockets are closed already.
    }
    this.#final = this.counters();
    this.#onClosed(this);
  }
}
