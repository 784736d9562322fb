import { assertNever, errorMessage, type Logger } from '#core';
import { randomBytes } from 'node:crypto';
import { MediaError } from '../errors';
import {
  type LegLevel,
  type MediaCall,
  type MediaCallEvents,
  type MediaLeg,
  type MediaRecording,
  type NoticeOptions,
  type OpenLegOptions,
  type OpenRecordingOptions,
  type PlayingNotice,
} from '../ports';
import { type WorkerCommand, type WorkerReply } from '../worker/protocol';
import { PlaneLeg } from './media-leg';
import { NoticeOnLegs } from './playing-notice';
import { PlaneRecording, type PlaneStream } from './media-recording';
import { type SoundLibrary } from './sound-library';
import { type Slot, type SlotTable } from './slot-table';
import { type SlotEvent, type WorkerHandle } from './worker-handle';

/** What a call needs of the plane. */
export interface CallHost {
  readonly table: SlotTable;
  readonly logger: Logger;
  readonly sounds: SoundLibrary;
  /** So many pairs that the worker has open already, or none. @throws MediaError `REC_ERR_MEDIA_UNKNOWN_NETWORK`. */
  takeSpares(worker: WorkerHandle, network: string, count: number): Slot[];
  /** Names a recording or a notice toward the workers. */
  nextNumber(): number;
  /** From now on events of the slot go to the call. */
  watchSlot(slot: Slot, kind: 'leg' | 'stream', call: PlaneCall): void;
  /** The slot's sockets are closed: counts its row into the totals and gives its ports back. */
  retireSlot(slot: Slot): void;
  recordingOpened(): void;
  recordingClosed(): void;
  callClosed(call: PlaneCall): void;
}

/** The facade of one call. */
export class PlaneCall implements MediaCall {
  readonly worker: WorkerHandle;
  readonly #callId: string;
  readonly #events: MediaCallEvents;
  readonly #host: CallHost;
  readonly #legs = new Map<string, PlaneLeg>();
  /** Lists where there are hardly ever more than one: an empty table takes 200 bytes. */
  #recordings: readonly PlaneRecording[] = [];
  /** Identifiers that are being opened, so that two requests never share one. */
  #opening: readonly string[] = [];
  /** From the first one on. */
  #notices: Map<number, NoticeOnLegs> | null = null;
  #watchesLevels = false;
  #isClosed = false;
  #isLost = false;
  #closing: Promise<void> | null = null;

  constructor(callId: string, worker: WorkerHandle, events: MediaCallEvents, host: CallHost) {
    this.#callId = callId;
    this.worker = worker;
    this.#events = events;
    this.#host = host;
  }

  async openLeg(options: OpenLegOptions): Promise<MediaLeg> {
    const { legId, network } = options;
    return this.#exclusively(`leg ${legId}`, this.#legs.has(legId), async () => {
      const slot = this.#openLegOnSpare(network) ?? (await this.#openLegOnFreePort(network));
      const leg = new PlaneLeg(legId, slot, this.worker, this.#host.table, closed => {
        this.#legs.delete(legId);
        this.#host.retireSlot(closed.slot);
      });
      this.#host.watchSlot(slot, 'leg', this);
      if (this.#isClosed) {
        await leg.closed();
        throw this.#closedError();
      }
      this.#legs.set(legId, leg);
      if (this.#watchesLevels) {
        leg.watchLevel(true);
      }
      return leg;
    });
  }

  connect(legIdA: string, legIdB: string): void {
    this.#assertOpen();
    const slotA = this.#slotOfLeg(legIdA);
    const slotB = this.#slotOfLeg(legIdB);
    this.worker.send({ kind: 'connect', slotA, slotB });
  }

  async openRecording(options: OpenRecordingOptions): Promise<MediaRecording> {
    const { recordingId } = options;
    return this.#exclusively(
      `recording ${recordingId}`,
      this.#recordings.some(open => open.recordingId === recordingId),
      async () => {
        const recording = await this.#openRecording(options);
        this.#host.recordingOpened();
        recording.slots.forEach(slot => this.#host.watchSlot(slot, 'stream', this));
        if (this.#isClosed) {
          await recording.close({ drainMs: 0 });
          throw this.#closedError();
        }
        this.#recordings = [...this.#recordings, recording];
        return recording;
      },
    );
  }

  playNotice(notice: NoticeOptions): PlayingNotice {
    this.#assertOpen();
    const { sound, duckDb } = notice;
    if (!(duckDb >= 0)) {
      throw new MediaError('REC_ERR_MEDIA_NOTICE', 'speech is turned down by 0 dB or more', {
        details: { duckDb },
      });
    }
    const legIds = [...new Set(notice.legIds)];
    const legs = legIds.flatMap(legId => this.#legs.get(legId) ?? []);
    const formats = legs.flatMap(leg => leg.formats);
    const { soundId, durationMs } = this.#host.sounds.prepare(sound, formats);
    const number = this.#host.nextNumber();
    const slots = legs.map(leg => leg.slot.binding.slot);
    const playing = new NoticeOnLegs(legIds, () => {
      slots.forEach(slot => this.worker.send({ kind: 'stop-notice', slot, number }));
    });
    const notices = (this.#notices ??= new Map<number, NoticeOnLegs>());
    notices.set(number, playing);
    void playing.done.then(() => notices.delete(number));
    for (const slot of slots) {
      this.worker.send({ kind: 'play-notice', slot, number, soundId, durationMs, duckDb });
    }
    for (const legId of legIds) {
      if (!this.#legs.has(legId)) {
        playing.ended(legId, 'no-stream', null, null);
      }
    }
    playing.settleIfDone();
    return playing;
  }

  watchLevels(on: boolean): void {
    this.#assertOpen();
    this.#watchesLevels = on;
    this.#legs.forEach(leg => leg.watchLevel(on));
  }

  levels(): readonly LegLevel[] {
    return [...this.#legs.values()].map(leg => ({ legId: leg.legId, dbfs: leg.levelDbfs() }));
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  /** The worker died: tells the owner, and gives up everything. */
  async lost(cause: string): Promise<void> {
    this.#isLost = true;
    const wasClosed = this.#isClosed;
    await this.close();
    if (!wasClosed) {
      this.#tell(events => events.mediaLost?.(cause));
    }
  }

  /** An event of one of the call's slots. */
  onSlotEvent(event: SlotEvent): void {
    if (event.kind === 'notice-ended') {
      this.#onNoticeEnded(event);
      return;
    }
    if (this.#isClosed) {
      return;
    }
    const leg = this.#legAt(event.slot);
    switch (event.kind) {
      case 'latched':
        this.#tell(events => leg && events.legLatched?.(leg.legId, event.source));
        break;
      case 'timed-out':
        this.#tell(events => leg && events.legTimedOut?.(leg.legId));
        break;
      case 'intruder':
        this.#tell(events => leg && events.intruderSeen?.(leg.legId, event.source));
        break;
      case 'dtmf':
        this.#tell(events => leg && events.dtmfReceived?.(leg.legId, event));
        break;
      case 'unreachable':
        this.#tellStream(event.slot, (id, label) => this.#events.recordingUnreachable?.(id, label));
        break;
      case 'receiver-report':
        this.#tellStream(event.slot, (id, label) =>
          this.#events.receiverReport?.(id, label, event.report),
        );
        break;
      default:
        assertNever(event);
    }
  }

  #onNoticeEnded(event: Extract<SlotEvent, { kind: 'notice-ended' }>): void {
    const leg = this.#legAt(event.slot);
    if (leg !== undefined) {
      const { number, outcome, startedAtMs, endedAtMs } = event;
      this.#notices?.get(number)?.ended(leg.legId, outcome, startedAtMs, endedAtMs);
    }
  }

  #legAt(slot: number): PlaneLeg | undefined {
    return [...this.#legs.values()].find(leg => leg.slot.binding.slot === slot);
  }

  async #openRecording(options: OpenRecordingOptions): Promise<PlaneRecording> {
    const { recordingId, network, gateOpen } = options;
    const number = this.#host.nextNumber();
    const sources = options.streams.map(({ sourceLegId }) => this.#slotOfLeg(sourceLegId));
    const identities = options.streams.map(() => ({ ssrc: newSsrc(), cname: newCname() }));
    const slots: Slot[] = [];
    try {
      slots.push(...this.#host.takeSpares(this.worker, network, options.streams.length));
      const isOpen = slots.length > 0;
      while (slots.length < options.streams.length) {
        slots.push(this.#host.table.acquire(network));
      }
      for (;;) {
        const command = (request: number): WorkerCommand => ({
          kind: 'open-recording',
          request,
          recording: number,
          gateOpen,
          streams: options.streams.map((stream, i) => ({
            binding: this.#at(slots, i).binding,
            label: stream.label,
            sourceSlot: this.#at(sources, i),
            formats: stream.formats,
            rules: stream.rules ?? null,
            ...this.#at(identities, i),
          })),
        });
        if (isOpen) {
          this.#carryOut(command);
          break;
        }
        const reply = await this.worker.request(command);
        if (reply.error === null) {
          break;
        }
        const busy = slots.findIndex(({ binding }) => binding.slot === reply.busySlot);
        slots.splice(busy, 1, ...this.#replaceBusy(slots[busy], reply, network));
      }
    } catch (error) {
      slots.forEach(slot => this.#host.table.release(slot));
      throw error;
    }
    const streams: PlaneStream[] = options.streams.map((stream, i) => {
      const slot = this.#at(slots, i);
      const identity = this.#at(identities, i);
      return { slot, stream: { label: stream.label, local: slot.local, ...identity } };
    });
    return new PlaneRecording({
      recordingId,
      number,
      streams,
      worker: this.worker,
      table: this.#host.table,
      slotOfLeg: legId => this.#slotOfLeg(legId),
      onClosed: closed => {
        this.#recordings = this.#recordings.filter(open => open !== closed);
        closed.slots.forEach(slot => this.#host.retireSlot(slot));
        this.#host.recordingClosed();
      },
    });
  }

  /** Puts a busy pair aside. @returns the pair to use instead, or none when acquiring throws. */
  #replaceBusy(slot: Slot | undefined, reply: WorkerReply, network: string): [Slot] {
    if (slot === undefined || !isBusy(reply)) {
      throw socketError(reply);
    }
    const replacement = this.#host.table.acquire(network);
    this.#host.table.markBusy(slot);
    return [replacement];
  }

  /** On a pair that the worker has open there is nothing to wait for. @returns null: none is ready. */
  #openLegOnSpare(network: string): Slot | null {
    const [slot] = this.#host.takeSpares(this.worker, network, 1);
    if (slot !== undefined) {
      this.#carryOut(openLeg(slot.binding));
    }
    return slot ?? null;
  }

  /** Tries pairs until one can be bound. */
  async #openLegOnFreePort(network: string): Promise<Slot> {
    for (;;) {
      const slot = this.#host.table.acquire(network);
      let reply: WorkerReply;
      try {
        reply = await this.worker.request(openLeg(slot.binding));
      } catch (error) {
        this.#host.table.release(slot);
        throw error;
      }
      if (reply.error === null) {
        return slot;
      }
      if (!isBusy(reply)) {
        this.#host.table.release(slot);
        throw socketError(reply);
      }
      this.#host.table.markBusy(slot);
    }
  }

  /** Sends a command that can fail only with the worker, whose death the call is told of by itself. */
  #carryOut(build: (request: number) => WorkerCommand): void {
    this.worker.request(build).then(
      ({ error }) => {
        if (error !== null) {
          this.#host.logger.error('an open port pair cannot be used', { error });
        }
      },
      () => undefined,
    );
  }

  async #exclusively<T>(key: string, isTaken: boolean, open: () => Promise<T>): Promise<T> {
    this.#assertOpen();
    if (isTaken || this.#opening.includes(key)) {
      throw new MediaError('REC_ERR_MEDIA_DUPLICATE', `${key} is open already`);
    }
    this.#opening = [...this.#opening, key];
    try {
      return await open();
    } finally {
      this.#opening = this.#opening.filter(other => other !== key);
    }
  }

  async #close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all([
      ...this.#recordings.map(recording => recording.close({ drainMs: 0 })),
      ...[...this.#legs.values()].map(leg => leg.closed()),
    ]);
    this.#notices?.forEach(notice => notice.cut(Date.now()));
    this.#host.callClosed(this);
  }

  #slotOfLeg(legId: string): number {
    const leg = this.#legs.get(legId);
    if (leg === undefined) {
      throw new MediaError('REC_ERR_MEDIA_UNKNOWN_LEG', `the call has no leg ${legId}`);
    }
    return leg.slot.binding.slot;
  }

  #tellStream(slot: number, tell: (recordingId: string, label: string) => void): void {
    for (const recording of this.#recordings) {
      const at = recording.slots.findIndex(({ binding }) => binding.slot === slot);
      const label = recording.streams[at]?.label;
      if (label !== undefined) {
        this.#tell(() => tell(recording.recordingId, label));
      }
    }
  }

  /** An owner's handler that throws is logged and harms nobody else. */
  #tell(action: (events: MediaCallEvents) => void): void {
    try {
      action(this.#events);
    } catch (error) {
      this.#host.logger.error('media event handler threw', {
        callId: this.#callId,
        error: errorMessage(error),
      });
    }
  }

  #assertOpen(): void {
    if (this.#isClosed) {
      throw this.#closedError();
    }
  }

  #closedError(): MediaError {
    return this.#isLost
      ? new MediaError('REC_ERR_MEDIA_LOST', 'the media of the call is lost')
      : new MediaError('REC_ERR_MEDIA_CLOSED', 'the call is closed');
  }

  #at<T>(list: readonly T[], index: number): T {
    const entry = list[index];
    if (entry === undefined) {
      throw new RangeError(`no entry ${index}`);
    }
    return entry;
  }
}

function openLeg(binding: Slot['binding']): (request: number) => WorkerCommand {
  return request => ({ kind: 'open-leg', request, binding, cname: newCname() });
}

function isBusy(reply: WorkerReply): boolean {
  return reply.error === 'EADDRINUSE';
}

function socketError(reply: WorkerReply): MediaError {
  return new MediaError('REC_ERR_MEDIA_SOCKET', `a socket cannot be opened: ${reply.error ?? ''}`, {
    details: { errno: reply.error },
  });
}

/** RFC 3550 §8.1: random, so that streams of one session hardly collide. Zero means "none" in our counters. */
function newSsrc(): number {
  return randomBytes(4).readUInt32BE() || 1;
}

/** A short-term persistent CNAME: 96 random bits (RFC 7022 §4.2). */
function newCname(): string {
  return randomBytes(12).toString('base64');
}
