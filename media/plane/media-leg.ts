import { type LocalEndpoint, type PayloadFormat, type RemoteStream } from '#core';
import { type DtmfHoldRule, type LegCounters, type MediaLeg } from '../ports';
import { LEG } from '../worker/counters';
import { type WorkerCommand } from '../worker/protocol';
import { checkRemote } from './check-remote';
import { type Slot, type SlotTable } from './slot-table';
import { type WorkerHandle } from './worker-handle';

/** A level that was measured before this is none, ms. */
const MAX_LEVEL_AGE_MS = 1000;

/** The facade of one leg; its state lives in the worker. */
export class PlaneLeg implements MediaLeg {
  readonly legId: string;
  readonly slot: Slot;
  readonly #worker: WorkerHandle;
  readonly #table: SlotTable;
  readonly #onClosed: (leg: PlaneLeg) => void;
  #formats: readonly PayloadFormat[] = [];
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
    this.#formats = remote.formats;
    this.#send({ kind: 'set-remote', slot: this.slot.binding.slot, remote });
  }

  holdDtmf(rule: DtmfHoldRule | null): void {
    this.#send({ kind: 'hold-dtmf', slot: this.slot.binding.slot, rule });
  }

  releaseDtmf(action: 'relay' | 'drop'): void {
    this.#send({ kind: 'release-dtmf', slot: this.slot.binding.slot, action });
  }

  watchLevel(on: boolean): void {
    this.#send({ kind: 'watch-level', slot: this.slot.binding.slot, on });
  }

  /** What the leg sends, dBFS; null when nothing was measured lately. */
  levelDbfs(): number | null {
    const ageMs = Date.now() - this.#table.read(this.slot, LEG.levelAtMs);
    return ageMs <= MAX_LEVEL_AGE_MS ? this.#table.read(this.slot, LEG.levelDbfs) : null;
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
      unauthentic: read(LEG.unauthentic),
    };
  }

  /** Agreed with the leg's peer. */
  get formats(): readonly PayloadFormat[] {
    return this.#formats;
  }

  close(): void {
    void this.closed();
  }

  /** Closes the leg. @returns when its ports are given back; never rejects. */
  closed(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  #send(command: WorkerCommand): void {
    if (this.#closing === null) {
      this.#worker.send(command);
    }
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
