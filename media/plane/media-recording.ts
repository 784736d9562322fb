import { type PayloadFormat, type RemoteStream } from '#core';
import { MediaError } from '../errors';
import {
  type MediaRecording,
  type MediaRecordingStream,
  type RecordingReport,
  type RecordingStreamReport,
  type RecordingStreamRules,
} from '../ports';
import { STREAM } from '../worker/counters';
import { checkRemote } from './check-remote';
import { type Slot, type SlotTable } from './slot-table';
import { type WorkerHandle } from './worker-handle';

/** What the facade keeps of a recording stream. */
export interface PlaneStream {
  readonly slot: Slot;
  readonly stream: MediaRecordingStream;
}

export interface PlaneRecordingOptions {
  readonly recordingId: string;
  /** The recording's name toward the worker. */
  readonly number: number;
  readonly streams: readonly PlaneStream[];
  readonly worker: WorkerHandle;
  readonly table: SlotTable;
  /** @throws MediaError `REC_ERR_MEDIA_UNKNOWN_LEG`. */
  readonly slotOfLeg: (legId: string) => number;
  readonly onClosed: (recording: PlaneRecording) => void;
}

/** The facade of one recording; its state lives in the worker. */
export class PlaneRecording implements MediaRecording {
  readonly recordingId: string;
  readonly streams: readonly MediaRecordingStream[];
  readonly #options: PlaneRecordingOptions;
  #isClosing = false;
  #closing: Promise<RecordingReport> | null = null;
  #final: RecordingReport | null = null;

  constructor(options: PlaneRecordingOptions) {
    this.#options = options;
    this.recordingId = options.recordingId;
    this.streams = options.streams.map(({ stream }) => stream);
  }

  get slots(): readonly Slot[] {
    return this.#options.streams.map(({ slot }) => slot);
  }

  async setGate(open: boolean, { fillsSilence = false } = {}): Promise<number> {
    if (this.#isClosing) {
      throw new MediaError('REC_ERR_MEDIA_CLOSED', 'the recording is closed');
    }
    const { worker, number: recording } = this.#options;
    const reply = await worker.request(request => ({
      kind: 'set-gate',
      request,
      recording,
      open,
      fillsSilence,
    }));
    return reply.atMs;
  }

  setRemotes(remotes: readonly (RemoteStream | null)[]): void {
    this.checkRemotes(remotes);
    // A recording that drains still takes the SRS's answer: what was captured can then be delivered.
    this.#options.worker.send({ kind: 'set-remotes', recording: this.#options.number, remotes });
  }

  checkRemotes(remotes: readonly (RemoteStream | null)[]): void {
    remotes.forEach(remote => {
      if (remote !== null) {
        checkRemote(remote);
      }
    });
  }

  setRules(label: string, rules: RecordingStreamRules): void {
    this.#options.worker.send({ kind: 'set-rules', slot: this.#slotOf(label), rules });
  }

  setSource(label: string, legId: string, formats: readonly PayloadFormat[]): void {
    this.#options.worker.send({
      kind: 'set-source',
      recording: this.#options.number,
      slot: this.#slotOf(label),
      sourceSlot: this.#options.slotOfLeg(legId),
      formats,
    });
  }

  async rewind(fromWallMs: number): Promise<number | null> {
    if (this.#isClosing) {
      throw new MediaError('REC_ERR_MEDIA_CLOSED', 'the recording is closed');
    }
    const { worker, number: recording } = this.#options;
    const reply = await worker.request(request => ({
      kind: 'rewind',
      request,
      recording,
      fromWallMs,
    }));
    return Number.isFinite(reply.atMs) ? reply.atMs : null;
  }

  report(): RecordingReport {
    return this.#final ?? { streams: this.#options.streams.map(entry => this.#reportOf(entry)) };
  }

  close(options: { drainMs: number }): Promise<RecordingReport> {
    this.#isClosing = true;
    this.#closing ??= this.#close(Math.max(0, options.drainMs));
    return this.#closing;
  }

  #slotOf(label: string): number {
    const entry = this.#options.streams.find(({ stream }) => stream.label === label);
    if (entry === undefined) {
      throw new MediaError('REC_ERR_MEDIA_UNKNOWN_STREAM', `no stream has the label ${label}`);
    }
    return entry.slot.binding.slot;
  }

  async #close(drainMs: number): Promise<RecordingReport> {
    const { worker, number: recording, onClosed } = this.#options;
    try {
      await worker.request(request => ({ kind: 'close-recording', request, recording, drainMs }));
    } catch {
      // The worker is dead: its sockets are closed already.
    }
    this.#final = this.report();
    onClosed(this);
    return this.#final;
  }

  #reportOf({ slot, stream }: PlaneStream): RecordingStreamReport {
    const read = (column: number): number => this.#options.table.read(slot, column);
    const packetsSent = read(STREAM.packetsSent);
    const packetsOverflowed = read(STREAM.overflowed);
    const packetsUnaccepted = read(STREAM.unaccepted);
    const packetsCaptured = read(STREAM.captured);
    const packetsReplayed = read(STREAM.replayed);
    const packetsOfSilence = read(STREAM.silence);
    const packetsGone = packetsSent + packetsOverflowed + packetsUnaccepted;
    return {
      label: stream.label,
      packetsCaptured,
      packetsSent,
      bytesSent: read(STREAM.bytesSent),
      packetsOverflowed,
      packetsUnaccepted,
      packetsTranscoded: read(STREAM.transcoded),
      sentPayloadType: read(STREAM.sentType) === 0 ? null : read(STREAM.sentType) - 1,
      packetsReplayed,
      packetsOfSilence,
      // The worker counts on meanwhile: a packet may be seen as captured and sent, or neither, but not negative.
      packetsPending: Math.max(
        0,
        packetsCaptured + packetsOfSilence + packetsReplayed - packetsGone,
      ),
      firstPacketAtMs: packetsSent === 0 ? null : read(STREAM.firstSentAtMs),
      lastPacketAtMs: packetsSent === 0 ? null : read(STREAM.lastSentAtMs),
      lastReceiverReport:
        read(STREAM.receiverReports) === 0
          ? null
          : {
              fractionLost: read(STREAM.fractionLost),
              packetsLost: read(STREAM.packetsLost),
              jitterMs: read(STREAM.jitterMs),
            },
      lastReceiverReportAtMs:
        read(STREAM.receiverReports) === 0 ? null : read(STREAM.receiverReportAtMs),
    };
  }
}
