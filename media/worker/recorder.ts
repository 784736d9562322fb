import { KIND_COMFORT_NOISE, KIND_EVENT } from '../codec/payload-kinds';
import { G711_RATE_HZ, ToG711 } from '../codec/to-g711';
import { copyWords } from '../io/copy-words';
import {
  type IoMemory,
  type PacketIo,
  SEND_OK,
  SEND_REFUSED,
  SEND_TOO_LONG,
  type SendResult,
} from '../io/packet-io';
import {
  MAX_PACKET_BYTES,
  payloadEnd,
  payloadStart,
  RTP_HEADER_BYTES,
  RTP_SEQUENCE_AT,
  RTP_TIMESTAMP_AT,
} from '../rtp/header';
import { MAX_SRTP_OVERHEAD_BYTES } from '../srtp/suites';
import { IS_DROPPED, IS_TRANSCODED } from './capture-rules';
import { add, get, STREAM } from './counters';
import { movePlayhead } from './pacing';
import { AFTER_PAUSE, flagsOf, flagsOfKind, kindOfFlags, rateOfFlags } from './record-flags';
import { type RecordingState, type RecordingStreamState } from './recording-state';
import { type Silence, unitsOf } from '../codec/silence';

/** How often a recording that lies behind is served, ms. */
export const PUMP_INTERVAL_MS = 5;

/** Captures packets into rings and sends what the rings hold. The hot half of a recording. */
export class Recorder {
  readonly #io: PacketIo;
  readonly #counters: Float64Array;
  readonly #factor: number;
  /** Where packets are protected: the ring keeps them plain, for an SRS with other keys. */
  readonly #protected: IoMemory;
  readonly #onUnreachable: (stream: RecordingStreamState) => void;

  constructor(
    io: PacketIo,
    counters: Float64Array,
    factor: number,
    onUnreachable: (stream: RecordingStreamState) => void,
  ) {
    this.#io = io;
    this.#counters = counters;
    this.#factor = factor;
    this.#protected = io.allocate(MAX_PACKET_BYTES + MAX_SRTP_OVERHEAD_BYTES);
    this.#onUnreachable = onUnreachable;
  }

  /**
   * Copies one packet as the leg sent it; only SSRC, sequence and timestamp become the recording's own. What the rules
   * of the stream do not let pass is left out without a gap, or transcoded. The caller has checked the gate.
   *
   * @param at offset of the packet in `memory`, a multiple of 4.
   * @param legRateHz of the payload type's clock as agreed with the leg; 0: not known.
   */
  capture(
    stream: RecordingStreamState,
    memory: IoMemory,
    at: number,
    length: number,
    ssrc: number,
    sequence: number,
    timestamp: number,
    kind: number,
    legRateHz: number,
    nowMs: number,
  ): void {
    const payloadType = (memory.bytes[at + 1] ?? 0) & 0x7f;
    const rateHz = legRateHz === 0 ? (stream.clockRates[payloadType] ?? 0) : legRateHz;
    const verdict = stream.rules.judge(kind, payloadType, rateHz);
    if (verdict === IS_DROPPED) {
      stream.output.leaveOut(ssrc);
    } else if (this.#isWanted(stream)) {
      if (verdict === IS_TRANSCODED) {
        this.#mapToG711(stream, ssrc, sequence, timestamp, rateHz, nowMs);
        this.#storeAsG711(stream, memory, at, length, kind, nowMs);
      } else {
        stream.output.map(ssrc, sequence, timestamp, rateHz, nowMs);
        this.#store(stream, memory, at, length, flagsOf(stream, kind, rateHz), nowMs);
      }
      stream.sourceRateHz = rateHz;
    }
  }

  /** Numbers a packet of whatever clock on the line of 8000 Hz. */
  #mapToG711(
    stream: RecordingStreamState,
    ssrc: number,
    sequence: number,
    timestamp: number,
    rateHz: number,
    nowMs: number,
  ): void {
    stream.transcoder ??= new ToG711();
    const located = stream.transcoder.locate(ssrc, timestamp, rateHz);
    if (rateHz === G711_RATE_HZ) {
      stream.output.map(ssrc, sequence, timestamp, rateHz, nowMs);
      return;
    }
    if (stream.transcoder.isNewTimeline || stream.sourceRateHz !== rateHz) {
      stream.output.startNewRun();
    }
    stream.output.map(ssrc, sequence, located, G711_RATE_HZ, nowMs);
  }

  /** Transcodes the packet into the ring, with the numbers mapped last. */
  #storeAsG711(
    stream: RecordingStreamState,
    memory: IoMemory,
    at: number,
    length: number,
    kind: number,
    nowMs: number,
  ): void {
    const { ring, rules, transcoder } = stream;
    // What is made is never longer than what it is made of.
    const target = ring.reserve(length);
    const { bytes } = ring.memory;
    const from = payloadStart(memory.bytes, at);
    const payloadBytes = Math.max(0, payloadEnd(memory.bytes, at, length) - from);
    const to = target + RTP_HEADER_BYTES;
    const { targetKind, targetType } = rules;
    const made =
      transcoder?.write(kind, memory.bytes, from, payloadBytes, targetKind, bytes, to) ?? 0;
    // Contributing sources, extensions and padding belong to the packet of the leg.
    bytes[target] = 0x80;
    bytes[target + 1] = ((memory.bytes[at + 1] ?? 0) & 0x80) | targetType;
    add(this.#counters, stream.counterBase, STREAM.transcoded, 1);
    const flags = flagsOf(stream, targetKind, G711_RATE_HZ);
    this.#commit(stream, target, RTP_HEADER_BYTES + made, flags, nowMs);
  }

  /** Captures one packet of a telephone event that was held, between those of the leg; otherwise as {@link capture}. */
  insert(
    stream: RecordingStreamState,
    memory: IoMemory,
    at: number,
    length: number,
    isFirst: boolean,
    nowMs: number,
  ): void {
    const payloadType = (memory.bytes[at + 1] ?? 0) & 0x7f;
    if (stream.rules.judge(KIND_EVENT, payloadType, 0) !== IS_DROPPED && this.#isWanted(stream)) {
      if (isFirst) {
        stream.eventTimestamp = stream.output.momentAt(nowMs);
      }
      stream.output.insert(stream.eventTimestamp);
      this.#store(stream, memory, at, length, flagsOf(stream, KIND_EVENT, 0), nowMs);
    }
  }

  /**
   * Captures a packet of silence in the place of what the leg may not be recorded with.
   * @param isContiguous whether it follows the packet before without a gap.
   */
  captureSilence(
    stream: RecordingStreamState,
    silence: Silence,
    atMs: number,
    isContiguous: boolean,
  ): void {
    const { ring, output } = stream;
    const { kind, payloadType, rateHz, units, payloadBytes } = silence;
    const length = RTP_HEADER_BYTES + payloadBytes;
    const unitsBefore = output.isFilled ? units : (this.unitsOfLast(stream) ?? units);
    output.fill(units, rateHz, atMs, isContiguous, unitsBefore);
    const target = ring.reserve(length);
    const { bytes } = ring.memory;
    bytes[target] = 0x80;
    bytes[target + 1] = payloadType;
    silence.write(bytes, target + RTP_HEADER_BYTES);
    add(this.#counters, stream.counterBase, STREAM.silence, 1);
    this.#commit(stream, target, length, flagsOf(stream, kind, rateHz), atMs);
  }

  /** How long the packet captured last is, in timestamp units; null when that is not known. */
  unitsOfLast({ lastAudio, ring }: RecordingStreamState): number | null {
    const { at, length, atMs } = lastAudio;
    const kind = kindOfFlags(lastAudio.flags);
    if (atMs === -Infinity || kind === 0) {
      return null;
    }
    const { bytes } = ring.memory;
    return unitsOf(kind, Math.max(0, payloadEnd(bytes, at, length) - payloadStart(bytes, at)));
  }

  /** Counts one more packet that was captured. @returns whether the SRS takes the stream at all. */
  #isWanted(stream: RecordingStreamState): boolean {
    add(this.#counters, stream.counterBase, STREAM.captured, 1);
    if (stream.isRefused) {
      add(this.#counters, stream.counterBase, STREAM.unaccepted, 1);
      return false;
    }
    return true;
  }

  /** Copies the packet into the ring with the numbers mapped last, and sends it on when nothing is ahead of it. */
  #store(
    stream: RecordingStreamState,
    memory: IoMemory,
    at: number,
    length: number,
    flags: number,
    nowMs: number,
  ): void {
    const { ring } = stream;
    const target = ring.reserve(length);
    copyWords(memory.words, at >> 2, ring.memory.words, target >> 2, (length + 3) >> 2);
    this.#commit(stream, target, length, flags, nowMs);
  }

  #commit(
    stream: RecordingStreamState,
    target: number,
    length: number,
    flags: number,
    nowMs: number,
  ): void {
    const { ring, output, lastAudio } = stream;
    output.stamp(ring.memory.view, target);
    if (kindOfFlags(flags) < KIND_EVENT) {
      lastAudio.set(target, length, flags, nowMs);
    }
    ring.commit(length, nowMs, flags, ring.memory.view.getUint16(target + RTP_SEQUENCE_AT));
    stream.isFirstOfGate = false;
    if (ring.overflowed !== stream.overflowedCounted) {
      this.#countOverflow(stream);
    }
    if (stream.isSending && stream.recording.isLive && !this.#sendNext(stream)) {
      this.#fallBehind(stream.recording, nowMs);
    }
  }

  /** The one packet that waits in the ring could not leave when it was captured. @param result not SEND_OK. */
  onWaiting(stream: RecordingStreamState, result: SendResult, nowMs: number): void {
    const { memory, packetAt, packetLength } = stream.ring;
    let again = result;
    if (result === SEND_REFUSED) {
      this.#onUnreachable(stream);
      again = this.#transmit(stream, memory, packetAt, packetLength, false);
    }
    if (!this.#passSent(stream, again)) {
      this.#fallBehind(stream.recording, nowMs);
    }
  }

  /**
   * The SRS is gone: nothing leaves any more, and what was captured at `fromMs` or later waits for the next one.
   * @returns capture time of the oldest waiting packet of all streams; Infinity when none waits.
   */
  rewind(recording: RecordingState, fromMs: number): number {
    recording.isLive = false;
    let oldestMs = Infinity;
    for (const stream of recording.streams) {
      stream.isSending = false;
      stream.isRefused = false;
      stream.isAnswered = false;
      stream.isReplaying = true;
      stream.leftOut = 0;
      add(this.#counters, stream.counterBase, STREAM.replayed, stream.ring.rewind(fromMs));
      if (stream.ring.pending > 0) {
        oldestMs = Math.min(oldestMs, stream.ring.packetCaptureMs);
      }
    }
    return oldestMs;
  }

  /** After anything that may let pending packets leave: the playhead begins at the oldest of them. */
  startCatchingUp(recording: RecordingState, nowMs: number): void {
    recording.isLive = false;
    recording.lastPumpMs = nowMs;
    recording.playheadMs = Math.min(nowMs, oldestPendingMs(recording));
  }

  /**
   * Sends what is due of a recording that is not live.
   *
   * @returns whether it wants to be served again soon; one that nobody receives yet does not.
   */
  pump(recording: RecordingState, nowMs: number): boolean {
    const isSending = recording.streams.some(stream => stream.isSending);
    const elapsedMs = nowMs - recording.lastPumpMs;
    if (!isSending || elapsedMs < PUMP_INTERVAL_MS) {
      return isSending;
    }
    recording.lastPumpMs = nowMs;
    const oldestMs = oldestPendingMs(recording);
    recording.playheadMs = movePlayhead({
      playheadMs: recording.playheadMs,
      elapsedMs,
      factor: this.#factor,
      nowMs,
      oldestPendingMs: oldestMs,
      isAfterPause: oldestMs !== Infinity && isAfterPause(recording),
    });
    let isBehind = false;
    for (const stream of recording.streams) {
      if (stream.isSending) {
        this.#sendUpTo(stream, recording.playheadMs);
        isBehind ||= stream.ring.pending > 0;
      }
    }
    // Only streams that the SRS takes count: a stream that waits for its answer holds nobody up.
    recording.isLive = !isBehind;
    return isBehind;
  }

  #fallBehind(recording: RecordingState, nowMs: number): void {
    recording.isLive = false;
    recording.unsettle();
    recording.lastPumpMs = nowMs;
    recording.playheadMs = nowMs;
  }

  #countOverflow(stream: RecordingStreamState): void {
    stream.overflowedCounted = stream.ring.overflowed;
    this.#counters[stream.counterBase + STREAM.overflowed] = stream.ring.overflowed;
  }

  #sendUpTo(stream: RecordingStreamState, playheadMs: number): void {
    const { ring } = stream;
    while (ring.pending > 0 && ring.packetCaptureMs <= playheadMs) {
      if (!this.#sendNext(stream)) {
        break;
      }
    }
  }

  /** @returns false when the packet at the cursor could not leave now and stays. */
  #sendNext(stream: RecordingStreamState): boolean {
    const { ring } = stream;
    const counters = this.#counters;
    const base = stream.counterBase;
    const at = ring.packetAt;
    const { memory } = ring;
    if (!stream.rules.isAccepted((memory.bytes[at + 1] ?? 0) & 0x7f) && !this.#convert(stream)) {
      stream.leftOut++;
      stream.source?.unsettle();
      add(counters, base, STREAM.unaccepted, 1);
      ring.advance();
      return true;
    }
    if (stream.leftOut !== 0 || stream.isReplaying) {
      // The ring's mark is the sequence number as captured, whatever an earlier sending has made of the packet's.
      const sequence = (ring.packetMark - stream.leftOut) & 0xffff;
      memory.view.setUint16(at + RTP_SEQUENCE_AT, sequence);
    }
    return this.#passSent(stream, this.#transmit(stream, memory, at, ring.packetLength));
  }

  /**
   * Counts how the packet at the cursor fared.
   * @returns false when it could not leave now and stays; otherwise the cursor has moved on.
   */
  #passSent(stream: RecordingStreamState, result: SendResult): boolean {
    const { ring, counterBase: base } = stream;
    const counters = this.#counters;
    if (result === SEND_OK) {
      const { packetAt: at, packetLength: length, memory } = ring;
      if (kindOfFlags(ring.packetFlags) < KIND_EVENT) {
        counters[base + STREAM.sentType] = ((memory.bytes[at + 1] ?? 0) & 0x7f) + 1;
      }
      const capturedAtMs = ring.packetCaptureMs + stream.recording.wallOffsetMs;
      if (get(counters, base, STREAM.packetsSent) === 0) {
        counters[base + STREAM.firstSentAtMs] = capturedAtMs;
      }
      counters[base + STREAM.lastSentAtMs] = capturedAtMs;
      add(counters, base, STREAM.packetsSent, 1);
      add(counters, base, STREAM.bytesSent, length);
      ring.advance();
      return true;
    }
    add(counters, base, STREAM.sendErrors, 1);
    if (result === SEND_TOO_LONG) {
      ring.advance();
      ring.overflowed++;
      this.#countOverflow(stream);
      return true;
    }
    return false;
  }

  /**
   * The SRS takes less than was expected when the packet at the cursor was captured: the packet becomes, in its place,
   * one that it does take.
   * @returns false when that cannot be; the packet is as it was.
   */
  #convert(stream: RecordingStreamState): boolean {
    const { ring, rules } = stream;
    const flags = ring.packetFlags;
    const kind = kindOfFlags(flags);
    const rateHz = rateOfFlags(flags);
    const isOther = kind >= KIND_EVENT && kind <= KIND_COMFORT_NOISE;
    if (isOther || !rules.canBeMadeFrom(kind, rateHz)) {
      return false;
    }
    const { bytes, view } = ring.memory;
    const at = ring.packetAt;
    const from = payloadStart(bytes, at);
    const payloadBytes = Math.max(0, payloadEnd(bytes, at, ring.packetLength) - from);
    const timestamp = view.getInt32(at + RTP_TIMESTAMP_AT);
    const to = at + RTP_HEADER_BYTES;
    const { targetKind, targetType } = rules;
    const converter = (stream.converter ??= new ToG711());
    converter.locate(stream.output.ssrc, timestamp, rateHz);
    const made = converter.write(kind, bytes, from, payloadBytes, targetKind, bytes, to);
    if (rateHz !== G711_RATE_HZ) {
      const before = (stream.meetsAt - timestamp) | 0;
      const scaled = Math.floor((before * G711_RATE_HZ) / rateHz);
      view.setInt32(at + RTP_TIMESTAMP_AT, (stream.meetsAt - scaled) | 0);
    }
    bytes[at] = 0x80;
    bytes[at + 1] = ((bytes[at + 1] ?? 0) & 0x80) | targetType;
    add(this.#counters, stream.counterBase, STREAM.transcoded, 1);
    const newFlags = (flags & AFTER_PAUSE) | flagsOfKind(targetKind);
    if (stream.lastAudio.at === at) {
      stream.lastAudio.set(at, RTP_HEADER_BYTES + made, newFlags, stream.lastAudio.atMs);
    }
    ring.setPacket(RTP_HEADER_BYTES + made, newFlags);
    return true;
  }

  /** One packet to the SRS, protected when its stream is. @param isFirst whether it may be sent a second time. */
  #transmit(
    stream: RecordingStreamState,
    memory: IoMemory,
    at: number,
    length: number,
    isFirst = true,
  ): SendResult {
    const { protection } = stream;
    if (protection === null) {
      return this.#sendConnected(stream, memory, at, length, isFirst);
    }
    const target = this.#protected;
    const bytes = protection.sender.protectRtp(memory, at, length, target, 0);
    if (bytes === 0) {
      // It can never be sent: its number was used, and nothing may be sent twice under one number.
      return SEND_TOO_LONG;
    }
    const result = this.#sendConnected(stream, target, 0, bytes, isFirst);
    if (result !== SEND_OK) {
      protection.sender.retractRtp();
    }
    return result;
  }

  #sendConnected(
    stream: RecordingStreamState,
    memory: IoMemory,
    at: number,
    length: number,
    isFirst: boolean,
  ): SendResult {
    const result = this.#io.send(stream.rtpHandle, memory, at, length, null);
    if (result !== SEND_REFUSED || !isFirst) {
      return result;
    }
    // The kernel told of an earlier packet; asking again sends this one.
    this.#onUnreachable(stream);
    return this.#io.send(stream.rtpHandle, memory, at, length, null);
  }
}

function oldestPendingMs(recording: RecordingState): number {
  let oldestMs = Infinity;
  for (const { isSending, ring } of recording.streams) {
    if (isSending && ring.pending > 0) {
      oldestMs = Math.min(oldestMs, ring.packetCaptureMs);
    }
  }
  return oldestMs;
}

function isAfterPause(recording: RecordingState): boolean {
  return recording.streams.every(
    ({ isSending, ring }) =>
      !isSending || ring.pending === 0 || (ring.packetFlags & AFTER_PAUSE) !== 0,
  );
}
