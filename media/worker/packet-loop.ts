import { KIND_EVENT } from '../codec/payload-kinds';
import { type IoMemory, type PacketIo, type PacketSink, type SendResult } from '../io/packet-io';
import { describeSource } from '../io/peer-address';
import { GOES_BESIDE, GOES_ON, IS_TOO_LATE } from '../mixer/leg-mixer';
import {
  isRtp,
  looksLikeRtcp,
  MAX_PACKET_BYTES,
  RTP_SEQUENCE_AT,
  RTP_SSRC_AT,
  RTP_TIMESTAMP_AT,
} from '../rtp/header';
import { type CryptoBackend } from '../srtp/crypto-backend';
import { MAX_SRTP_OVERHEAD_BYTES } from '../srtp/suites';
import { type StreamProtection } from '../srtp/stream-protection';
import { add, LEG } from './counters';
import { EarlyPackets } from './early-packets';
import { LegSender } from './leg-sender';
import { LegServices } from './leg-services';
import { type LegState } from './leg-state';
import { type ForwarderHost, PlainForwarder, type PlainNumbers } from './plain-forwarder';
import { type WorkerEvent, type WorkerSettings } from './protocol';
import { PUMP_INTERVAL_MS, Recorder } from './recorder';
import { type RecordingState, type RecordingStreamState } from './recording-state';
import { RingPool } from './ring-pool';
import { RtcpReceiver } from './rtcp-receiver';
import { RtcpReporter } from './rtcp-reporter';
import { SilenceFiller } from './silence-filler';
import { SlotTimers } from './slot-timers';
import { type SourceLatch } from './source-latch';
import { StateTable } from './state-table';

/** How often recordings that close are looked at, ms. */
const TICK_MS = 100;
/** An intruder is told of once per leg and this many ms. */
const INTRUDER_INTERVAL_MS = 10_000;
/** So is an SRS that is not there. */
const UNREACHABLE_INTERVAL_MS = 5000;

export interface PacketLoopOptions {
  readonly io: PacketIo;
  readonly crypto: CryptoBackend;
  readonly counters: Float64Array;
  readonly slots: number;
  readonly settings: WorkerSettings;
  readonly emit: (event: WorkerEvent) => void;
  /** Takes the waiting commands. @returns false to end the loop. */
  readonly control: () => boolean;
  /** A closing recording has nothing left to send, or no time left. */
  readonly onDrained: (recording: RecordingState) => void;
}

/**
 * What a worker does with packets: relay to the other leg, copy into recordings, RTCP, timers. State is in
 * {@link LegState} and {@link RecordingState}; commands change it between rounds.
 */
export class PacketLoop implements PacketSink, ForwarderHost {
  nowMs = performance.now();
  readonly recorder: Recorder;
  readonly reporter: RtcpReporter;
  readonly sender: LegSender;
  readonly services: LegServices;
  readonly filler: SilenceFiller;
  /** By slot. */
  readonly legs: (LegState | null)[];
  readonly streams: (RecordingStreamState | null)[];
  readonly recordings = new Map<number, RecordingState>();
  readonly table: StateTable;
  readonly rings: RingPool;

  readonly #io: PacketIo;
  readonly #received: IoMemory;
  readonly #counters: Float64Array;
  readonly #emit: (event: WorkerEvent) => void;
  readonly #control: () => boolean;
  readonly #onDrained: (recording: RecordingState) => void;
  /** null: the backend has no pointers, and every packet goes through the objects. */
  readonly #forwarder: PlainForwarder | null;
  readonly #rtcp: RtcpReceiver;
  readonly #timers: SlotTimers;
  /** Legs that hold packets from before their peer's address was known. */
  readonly #early = new Set<LegState>();
  #nextTickMs = 0;
  #nextTimersMs = 0;
  #nextPumpMs = 0;
  #nextServiceMs = 0;
  #nextFillMs = Infinity;

  constructor(options: PacketLoopOptions) {
    this.#io = options.io;
    this.#received = options.io.received;
    this.#counters = options.counters;
    this.#emit = options.emit;
    this.#control = options.control;
    this.#onDrained = options.onDrained;
    this.table = new StateTable(options.io, options.slots);
    this.rings = new RingPool(options.io, options.settings.ringBytes);
    this.legs = new Array<LegState | null>(options.slots).fill(null);
    this.streams = new Array<RecordingStreamState | null>(options.slots).fill(null);
    this.reporter = new RtcpReporter(options.io, options.counters);
    this.sender = new LegSender(options.io, options.counters);
    this.recorder = new Recorder(
      options.io,
      options.counters,
      options.settings.catchUpFactor,
      stream => this.#tellUnreachable(stream),
    );
    this.filler = new SilenceFiller(this.recorder);
    this.services = new LegServices(
      options.io,
      options.counters,
      this.sender,
      this.recorder,
      options.emit,
      this,
    );
    this.#timers = new SlotTimers(this, options.settings.mediaTimeoutMs, options.emit);
    this.#rtcp = new RtcpReceiver({
      received: this.#received,
      counters: this.#counters,
      clock: this,
      emit: options.emit,
      rejectSource: (leg, latch, sourceAt) => this.#rejectSource(leg, latch, sourceAt),
    });
    this.#forwarder = this.#createForwarder(options);
  }

  #createForwarder({ io, counters, crypto }: PacketLoopOptions): PlainForwarder | null {
    if (io.sendFrom === null) {
      return null;
    }
    return new PlainForwarder({
      received: io.received,
      send: io.sendFrom,
      table: this.table,
      counters,
      slabs: this.rings.slabs,
      crypto,
      sealed: io.allocate(MAX_PACKET_BYTES + MAX_SRTP_OVERHEAD_BYTES),
      host: this,
    });
  }

  onPacket(token: number, at: number, length: number, sourceAt: number): void {
    const slot = token >> 1;
    const isRtcpPort = (token & 1) === 1;
    if (!isRtcpPort && this.#isForwarded(slot, at, length, sourceAt, false)) {
      return;
    }
    const leg = this.legs[slot];
    if (leg !== null && leg !== undefined) {
      if (isRtcpPort) {
        this.#rtcp.onLegPacket(leg, at, length, sourceAt, leg.rtcpLatch);
      } else {
        this.#onLegRtp(leg, at, length, sourceAt);
      }
      return;
    }
    const stream = this.streams[slot];
    if (stream !== null && stream !== undefined) {
      this.#rtcp.onSrsPacket(stream, at, length, sourceAt, isRtcpPort);
    }
  }

  #isForwarded(
    slot: number,
    at: number,
    length: number,
    sourceAt: number,
    isDecrypted: boolean,
  ): boolean {
    const { nowMs } = this;
    return this.#forwarder?.forward(slot, at, length, sourceAt, nowMs, isDecrypted) === true;
  }

  onOversize(token: number): void {
    // The columns of legs and streams are the same here.
    const slot = token >> 1;
    const base = this.legs[slot]?.counterBase ?? this.streams[slot]?.counterBase;
    if (base !== undefined) {
      add(this.#counters, base, LEG.malformed, 1);
    }
  }

  onRefused(token: number): void {
    const stream = this.streams[token >> 1];
    if (stream !== null && stream !== undefined && (token & 1) === 0) {
      this.#tellUnreachable(stream);
    }
  }

  onControl(): boolean {
    const goesOn = this.#control();
    // After all commands that were given together: a gate that opens with the answer is open for these packets.
    if (this.#early.size > 0) {
      this.#replayEarly();
    }
    this.#nextPumpMs = 0;
    this.#nextServiceMs = 0;
    this.#nextFillMs = 0;
    return goesOn;
  }

  onRoundEnd(): number {
    const nowMs = this.nowMs;
    if (nowMs >= this.#nextFillMs) {
      this.#nextFillMs = this.filler.service(nowMs);
    }
    if (nowMs >= this.#nextPumpMs || nowMs >= this.#nextTickMs) {
      this.#pump(nowMs);
    }
    if (nowMs >= this.#nextTimersMs) {
      this.#nextTimersMs = this.#timers.service(nowMs);
    }
    if (nowMs >= this.#nextServiceMs) {
      this.#nextServiceMs = this.services.service(nowMs);
    }
    const nextMs = Math.min(this.#nextTimersMs, this.#nextPumpMs, this.#nextServiceMs);
    return Math.min(nextMs, this.#nextTickMs, this.#nextFillMs) - nowMs;
  }

  #onLegRtp(leg: LegState, at: number, receivedBytes: number, sourceAt: number): void {
    const { bytes, view, words } = this.#received;
    let length = receivedBytes;
    if (leg.protection !== null && !looksLikeRtcp(bytes[at + 1] ?? 0)) {
      length = this.#unprotect(leg, leg.protection, at, receivedBytes, sourceAt);
      if (length === 0 || this.#isForwarded(leg.slot, at, length, sourceAt, true)) {
        return;
      }
    }
    if (!isRtp(bytes, at, length)) {
      if (length >= 8 && looksLikeRtcp(bytes[at + 1] ?? 0)) {
        this.#rtcp.onLegPacket(leg, at, length, sourceAt, leg.rtpLatch);
      } else {
        add(this.#counters, leg.counterBase, LEG.malformed, 1);
      }
      return;
    }
    if (looksLikeRtcp(bytes[at + 1] ?? 0)) {
      this.#rtcp.onLegPacket(leg, at, length, sourceAt, leg.rtpLatch);
      return;
    }
    if (!leg.rtpLatch.isLockedSource(words, sourceAt) && !this.#admit(leg, at, length, sourceAt)) {
      return;
    }
    const nowMs = this.nowMs;
    const counters = this.#counters;
    const base = leg.counterBase;
    add(counters, base, LEG.packetsReceived, 1);
    add(counters, base, LEG.bytesReceived, length);
    const sequence = view.getUint16(at + RTP_SEQUENCE_AT);
    // Signed, because small integers need no box; only equality and differences matter.
    const timestamp = view.getInt32(at + RTP_TIMESTAMP_AT);
    const ssrc = view.getInt32(at + RTP_SSRC_AT);
    const rateHz = leg.clockRates[(bytes[at + 1] ?? 0) & 0x7f] ?? 0;
    leg.lastRtpAtMs = nowMs;
    if (leg.hasTimedOut) {
      leg.hasTimedOut = false;
      leg.unsettle();
    }
    if (leg.reception.update(ssrc, sequence, timestamp, rateHz === 0 ? 8000 : rateHz, nowMs)) {
      counters[base + LEG.packetsLost] = Math.max(0, leg.reception.packetsLost);
    }
    if (!leg.sends) {
      return;
    }
    const payloadType = (bytes[at + 1] ?? 0) & 0x7f;
    const kind = leg.kinds[payloadType] ?? 0;
    if (kind === KIND_EVENT && this.#isHeldBack(leg, at, length, ssrc, timestamp)) {
      return;
    }
    leg.meter?.onPacket(bytes, at, length, kind, nowMs);
    const { peer } = leg;
    // The live call first: the copy reads nothing that the relay rewrites. A mixer rewrites what is copied.
    const isMixed = peer !== null && peer.mixer !== null;
    if (peer?.receives === true && !isMixed) {
      this.#relay(peer, at, length, ssrc, sequence, timestamp, rateHz);
    }
    this.#copy(leg, at, length, ssrc, sequence, timestamp, kind, rateHz);
    if (peer?.receives === true && isMixed) {
      this.#relay(peer, at, length, ssrc, sequence, timestamp, rateHz);
    }
    this.#forwarder?.settle(leg, payloadType);
  }

  /** Copies one packet into the recordings whose gate is open. */
  #copy(
    leg: LegState,
    at: number,
    length: number,
    ssrc: number,
    sequence: number,
    timestamp: number,
    kind: number,
    rateHz: number,
  ): void {
    const { nowMs } = this;
    // What was pressed before a recording's gate opened is not for that recording, to its last repetition.
    const startedAtMs = kind === KIND_EVENT ? this.#eventStartedAtMs(leg) : nowMs;
    for (const tap of leg.taps) {
      const { gateOpen, gateOpenedAtMs } = tap.recording;
      if (gateOpen && startedAtMs < gateOpenedAtMs && nowMs >= gateOpenedAtMs) {
        tap.output.leaveOut(ssrc);
      } else if (gateOpen) {
        // prettier-ignore
        this.recorder.capture(
          tap, this.#received, at, length, ssrc, sequence, timestamp, kind, rateHz, nowMs,
        );
      }
    }
  }

  copyPlain(slot: number, at: number, length: number, packet: PlainNumbers): void {
    const leg = this.legs[slot];
    if (leg) {
      const { ssrc, sequence, timestamp, rateHz } = packet;
      const type = (this.#received.bytes[at + 1] ?? 0) & 0x7f;
      const kind = leg.kinds[type] ?? 0;
      this.#copy(leg, at, length, ssrc, sequence, timestamp, kind, rateHz);
      // The recording may have caught up meanwhile: then the next packet needs no objects.
      this.#forwarder?.settle(leg, type);
    }
  }

  relayPlain(slot: number, at: number, length: number, packet: PlainNumbers): void {
    const leg = this.legs[slot];
    if (leg?.peer) {
      const type = (this.#received.bytes[at + 1] ?? 0) & 0x7f;
      const { ssrc, sequence, timestamp, rateHz } = packet;
      this.#relay(leg.peer, at, length, ssrc, sequence, timestamp, rateHz);
      // A notice may have ended meanwhile.
      this.#forwarder?.settle(leg, type);
    }
  }

  copyWaits(slot: number, result: SendResult): void {
    const stream = this.streams[slot];
    if (stream) {
      this.recorder.onWaiting(stream, result, this.nowMs);
    }
  }

  /** Shows a packet of a telephone event to who waits for it. @returns whether it goes no further. */
  #isHeldBack(leg: LegState, at: number, length: number, ssrc: number, timestamp: number): boolean {
    const events = this.services.eventsOf(leg);
    this.#nextServiceMs = 0;
    if (!events.onPacket(this.#received.bytes, at, length, ssrc, timestamp, this.nowMs)) {
      return false;
    }
    leg.peer?.output.leaveOut(ssrc);
    for (const tap of leg.taps) {
      if (tap.recording.gateOpen) {
        tap.output.leaveOut(ssrc);
      }
    }
    return true;
  }

  #eventStartedAtMs(leg: LegState): number {
    return this.services.eventsOf(leg).packetStartedAtMs;
  }

  /** Sends one packet on as part of the leg's own stream, from the buffer that it was received into. */
  #relay(
    leg: LegState,
    at: number,
    length: number,
    ssrc: number,
    sequence: number,
    timestamp: number,
    rateHz: number,
  ): void {
    const { output, mixer } = leg;
    const verdict = mixer?.onLivePacket(this.#received, at, length, ssrc, timestamp) ?? GOES_ON;
    if (verdict === IS_TOO_LATE) {
      return;
    }
    if (verdict === GOES_BESIDE) {
      output.interject();
    } else {
      output.map(ssrc, sequence, timestamp, rateHz, this.nowMs);
    }
    output.stamp(this.#received.view, at);
    this.sender.send(leg, this.#received, at, length);
  }

  /**
   * Decrypts in place. Before the latch is asked: only authentic packets may teach it anything.
   *
   * @returns the packet's length, 0 when it is to be dropped.
   */
  #unprotect(
    leg: LegState,
    { receiver }: StreamProtection,
    at: number,
    length: number,
    sourceAt: number,
  ): number {
    const { rtpLatch } = leg;
    if (rtpLatch.isLocked && !rtpLatch.isLockedSource(this.#received.words, sourceAt)) {
      this.#rejectSource(leg, rtpLatch, sourceAt);
      return 0;
    }
    const plainBytes = receiver.unprotectRtp(this.#received, at, length);
    if (plainBytes === 0) {
      add(this.#counters, leg.counterBase, LEG.unauthentic, 1);
    }
    return plainBytes;
  }

  /** Asks the latch about a packet that is not from the locked source. @returns whether to take it. */
  #admit(leg: LegState, at: number, length: number, sourceAt: number): boolean {
    if (!leg.isSignalled) {
      leg.early ??= new EarlyPackets();
      leg.early.keep(this.#received, at, length, sourceAt, this.nowMs);
      this.#early.add(leg);
      return false;
    }
    const verdict = leg.rtpLatch.judge(this.#received.words, sourceAt);
    leg.unsettle();
    switch (verdict) {
      case 'lock':
        this.#onLocked(leg);
        return true;
      case 'accept':
        return true;
      case 'wait':
        return false;
      case 'reject':
        this.#rejectSource(leg, leg.rtpLatch, sourceAt);
        return false;
    }
  }

  #replayEarly(): void {
    const { at, sourceAt } = this.#io.spare;
    const nowMs = this.nowMs;
    for (const leg of this.#early) {
      const isOpen = this.legs[leg.slot] === leg;
      if (isOpen && !leg.isSignalled) {
        continue;
      }
      this.#early.delete(leg);
      const { early } = leg;
      leg.early = null;
      if (isOpen) {
        early?.replay(this.#received, at, sourceAt, nowMs, (length, atMs) => {
          this.nowMs = atMs;
          this.#onLegRtp(leg, at, length, sourceAt);
        });
      }
    }
    this.nowMs = nowMs;
  }

  #onLocked(leg: LegState): void {
    const { destination } = leg.rtpLatch;
    const { rtcpLatch } = leg;
    if (!rtcpLatch.isLocked && !rtcpLatch.destination.sameHostAs(destination)) {
      // Behind a NAT the RTCP comes from where the RTP comes from, as far as one can tell.
      rtcpLatch.signal(destination.host, Math.min(destination.port + 1, 0xffff));
    }
    this.#emit({ kind: 'latched', slot: leg.slot, source: destination.toString() });
  }

  #rejectSource(leg: LegState, latch: SourceLatch, sourceAt: number): void {
    add(this.#counters, leg.counterBase, LEG.rejectedSource, 1);
    if (latch.isLocked && this.nowMs - leg.lastIntruderAtMs >= INTRUDER_INTERVAL_MS) {
      leg.lastIntruderAtMs = this.nowMs;
      const source = describeSource(this.#received.words, sourceAt);
      this.#emit({ kind: 'intruder', slot: leg.slot, source });
    }
  }

  #tellUnreachable(stream: RecordingStreamState): void {
    if (this.nowMs - stream.lastUnreachableAtMs >= UNREACHABLE_INTERVAL_MS) {
      stream.lastUnreachableAtMs = this.nowMs;
      this.#emit({ kind: 'unreachable', slot: stream.slot });
    }
  }

  #pump(nowMs: number): void {
    let isAnyBehind = false;
    for (const recording of this.recordings.values()) {
      if (!recording.isLive) {
        const isBehind = this.recorder.pump(recording, nowMs);
        isAnyBehind ||= isBehind;
      }
      if (recording.closing !== null && isDrained(recording, nowMs)) {
        this.#onDrained(recording);
      }
    }
    this.#nextPumpMs = isAnyBehind ? nowMs + PUMP_INTERVAL_MS : Infinity;
    this.#nextTickMs = nowMs + TICK_MS;
  }
}

/** Nothing is left that could still leave, or the time is up. */
function isDrained(recording: RecordingState, nowMs: number): boolean {
  return (
    nowMs >= (recording.closing?.deadlineMs ?? Infinity) ||
    recording.streams.every(stream => stream.isRefused || stream.ring.pending === 0)
  );
}
