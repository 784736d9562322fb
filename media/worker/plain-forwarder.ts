import {
  type IoMemory,
  type PointerSend,
  SEND_FAILED,
  SEND_OK,
  SEND_TOO_LONG,
  type SendResult,
} from '../io/packet-io';
import { copyWords } from '../io/copy-words';
import { isSameSource, sockaddrBytes } from '../io/peer-address';
import { type CryptoBackend } from '../srtp/crypto-backend';
import { protectByRow, retractByRow } from '../srtp/srtp-sender';
import {
  MAX_PACKET_BYTES,
  RTP_HEADER_BYTES,
  RTP_SEQUENCE_AT,
  RTP_SSRC_AT,
  RTP_TIMESTAMP_AT,
} from '../rtp/header';
import { countNext, isNextOfSource } from '../rtp/reception';
import { goesOn, mapNext, slipOf, stampNumbers } from '../rtp/rewriter';
import { add, COUNTER_STRIDE, LEG, STREAM } from './counters';
import { type LegState } from './leg-state';
import { appendRead, appendUnread, isReadToTheEnd, reserveNext, slabOf } from './packet-ring';
import {
  COPY_SHIFT,
  IS_ENCRYPTED,
  KEY_SHIFT,
  LINK_OBJECTS,
  PLAIN_HEAD_MASK,
  RATE_SHIFT,
  settle,
} from './plain-packet';
import { MAX_SLIP_MS } from './recording-state';
import { LEG_ROW, ROW_WORDS, type StateTable, STREAM_ROW } from './state-table';

/** The numbers of a packet's header, as signed integers, and the rate of its clock. */
export interface PlainNumbers {
  ssrc: number;
  sequence: number;
  timestamp: number;
  rateHz: number;
}

/** What a plain packet may need that is more than sending bytes on. */
export interface ForwarderHost {
  /** Relays toward the leg's peer through its objects: mixing. */
  relayPlain(slot: number, at: number, length: number, packet: PlainNumbers): void;
  /** Copies into the leg's recordings through their objects: several, transcoding, catching up. */
  copyPlain(slot: number, at: number, length: number, packet: PlainNumbers): void;
  /** A packet that was copied into the stream of the slot could not leave: it waits in the ring. */
  copyWaits(slot: number, result: SendResult): void;
}

export interface ForwarderOptions {
  readonly received: IoMemory;
  readonly send: PointerSend;
  readonly table: StateTable;
  readonly counters: Float64Array;
  /** Memories of the rings, by number; more are added as rings are needed. */
  readonly slabs: readonly IoMemory[];
  readonly crypto: CryptoBackend;
  /** Where packets are protected. */
  readonly sealed: IoMemory;
  readonly host: ForwarderHost;
}

/**
 * Relays and copies plain packets (see plain-packet) from the rows of the state table alone. Nearly every packet of
 * an established call is one, and the objects of hundreds of calls are not in the processor's cache: going through
 * them cost 4 µs where the rows cost 1. What is done is what the objects do, by the same functions; a packet that is
 * anything but plain is left to them, untouched.
 */
export class PlainForwarder {
  readonly #send: PointerSend;
  readonly #received: IoMemory;
  readonly #words: Int32Array;
  readonly #doubles: Float64Array;
  readonly #table: StateTable;
  readonly #counters: Float64Array;
  readonly #slabs: readonly IoMemory[];
  readonly #crypto: CryptoBackend;
  readonly #sealed: IoMemory;
  readonly #host: ForwarderHost;
  /** Of the present packet; one object for all. */
  readonly #numbers: PlainNumbers = { ssrc: 0, sequence: 0, timestamp: 0, rateHz: 0 };

  constructor(options: ForwarderOptions) {
    this.#send = options.send;
    this.#received = options.received;
    this.#words = options.table.words;
    this.#doubles = options.table.doubles;
    this.#table = options.table;
    this.#counters = options.counters;
    this.#slabs = options.slabs;
    this.#crypto = options.crypto;
    this.#sealed = options.sealed;
    this.#host = options.host;
  }

  /** The objects have handled a packet of this payload type: says whether the next ones are plain. */
  settle(leg: LegState, type: number): void {
    settle(this.#table, leg, this.#counters, type);
  }

  /**
   * @param isDecrypted the packet came as SRTP and has been checked.
   * @returns false, and nothing was done, when the packet is not plain.
   */
  forward(
    slot: number,
    at: number,
    length: number,
    sourceAt: number,
    nowMs: number,
    isDecrypted: boolean,
  ): boolean {
    const words = this.#words;
    const doubles = this.#doubles;
    const packet = this.#received;
    const leg = slot * ROW_WORDS;
    const stated = words[leg + LEG_ROW.plain] ?? 0;
    const plain = isDecrypted ? stated ^ IS_ENCRYPTED : stated;
    const head = packet.words[at >> 2] ?? 0;
    if (
      plain <= 0 ||
      ((head ^ plain) & PLAIN_HEAD_MASK) !== 0 ||
      length < RTP_HEADER_BYTES ||
      length > MAX_PACKET_BYTES ||
      !isSameSource(words, leg + LEG_ROW.address, packet.words, sourceAt)
    ) {
      return false;
    }
    const sequence = packet.view.getUint16(at + RTP_SEQUENCE_AT);
    const timestamp = packet.view.getInt32(at + RTP_TIMESTAMP_AT);
    const ssrc = packet.view.getInt32(at + RTP_SSRC_AT);
    const rateHz = plain >>> RATE_SHIFT;
    const links = words[leg + LEG_ROW.links] ?? 0;
    const relayTo = links & 0xffff;
    const copyTo = links >>> COPY_SHIFT;
    const relay = relayTo * ROW_WORDS;
    const copy = copyTo * ROW_WORDS;
    // All is asked before anything is done: what one part leaves to the objects, they get whole.
    if (
      !isNextOfSource(words, leg + LEG_ROW.reception, ssrc, sequence) ||
      (relayTo < LINK_OBJECTS && !goesOn(words, relay + LEG_ROW.output, ssrc, sequence, rateHz)) ||
      (copyTo < LINK_OBJECTS && !this.#canCopy(copy, ssrc, sequence, timestamp, rateHz, nowMs))
    ) {
      return false;
    }
    countNext(words, leg + LEG_ROW.reception, sequence, timestamp, rateHz, nowMs);
    doubles[(leg + LEG_ROW.lastRtpAtMs) >> 1] = nowMs;
    const counters = this.#counters;
    add(counters, slot * COUNTER_STRIDE, LEG.packetsReceived, 1);
    add(counters, slot * COUNTER_STRIDE, LEG.bytesReceived, length);
    if (relayTo === LINK_OBJECTS || copyTo === LINK_OBJECTS) {
      const numbers = this.#numbers;
      numbers.ssrc = ssrc;
      numbers.sequence = sequence;
      numbers.timestamp = timestamp;
      numbers.rateHz = rateHz;
    }
    // The live call first: the copy reads nothing that the relay rewrites. A mixer rewrites what is copied.
    if (relayTo < LINK_OBJECTS) {
      mapNext(words, doubles, relay + LEG_ROW.output, timestamp, nowMs);
      stampNumbers(words, relay + LEG_ROW.output, packet.view, at);
      this.#relay(relayTo, relay, at, length);
    }
    if (copyTo < LINK_OBJECTS) {
      mapNext(words, doubles, copy + STREAM_ROW.output, timestamp, nowMs);
      this.#copy(copyTo, copy, at, length, nowMs);
    } else if (copyTo === LINK_OBJECTS) {
      this.#host.copyPlain(slot, at, length, this.#numbers);
    }
    if (relayTo === LINK_OBJECTS) {
      this.#host.relayPlain(slot, at, length, this.#numbers);
    }
    return true;
  }

  #canCopy(
    copy: number,
    ssrc: number,
    sequence: number,
    timestamp: number,
    rateHz: number,
    nowMs: number,
  ): boolean {
    const words = this.#words;
    if (
      !isReadToTheEnd(words, copy + STREAM_ROW.ring) ||
      !goesOn(words, copy + STREAM_ROW.output, ssrc, sequence, rateHz)
    ) {
      return false;
    }
    const slipMs = slipOf(words, this.#doubles, copy + STREAM_ROW.output, timestamp, nowMs);
    return slipMs <= MAX_SLIP_MS && slipMs >= -MAX_SLIP_MS;
  }

  #relay(slot: number, row: number, at: number, length: number): void {
    const words = this.#words;
    const key = words[row + LEG_ROW.key] ?? 0;
    let pointer = this.#received.pointer + at;
    let bytes = length;
    if (key !== 0) {
      // The copy is made of what was received.
      pointer = this.#sealed.pointer;
      bytes = protectByRow(this.#crypto, key, this.#received, at, length, this.#sealed);
    }
    const result =
      bytes === 0
        ? SEND_FAILED
        : this.#send(
            words[row + LEG_ROW.handle] ?? -1,
            pointer,
            bytes,
            this.#table.pointer + 4 * (row + LEG_ROW.address),
            sockaddrBytes(words, row + LEG_ROW.address),
          );
    const base = slot * COUNTER_STRIDE;
    if (result === SEND_OK) {
      add(this.#counters, base, LEG.packetsSent, 1);
      add(this.#counters, base, LEG.bytesSent, length);
    } else {
      add(this.#counters, base, LEG.sendErrors, 1);
    }
  }

  /** Puts the packet into the ring, with the numbers mapped last, and sends it from there. */
  #copy(slot: number, row: number, at: number, length: number, nowMs: number): void {
    const words = this.#words;
    const doubles = this.#doubles;
    const counters = this.#counters;
    const base = slot * COUNTER_STRIDE;
    const ring = row + STREAM_ROW.ring;
    const memory = this.#slabs[slabOf(words, ring)] ?? this.#received;
    const target = reserveNext(words, ring, memory, length);
    copyWords(this.#received.words, at >> 2, memory.words, target >> 2, (length + 3) >> 2);
    stampNumbers(words, row + STREAM_ROW.output, memory.view, target);
    const plainFlags = words[row + STREAM_ROW.plainFlags] ?? 0;
    const flags = plainFlags & 0xffff;
    words[row + STREAM_ROW.audioAt] = target;
    words[row + STREAM_ROW.audioRecord] = (flags << 16) | length;
    doubles[(row + STREAM_ROW.audioAtMs) >> 1] = nowMs;
    add(counters, base, STREAM.captured, 1);
    const mark = memory.view.getUint16(target + RTP_SEQUENCE_AT);
    const key = plainFlags >>> KEY_SHIFT;
    const handle = words[row + STREAM_ROW.handle] ?? -1;
    const result =
      key === 0
        ? this.#send(handle, memory.pointer + target, length, 0, 0)
        : this.#sendProtected(handle, key, memory, target, length, mark);
    if (result === SEND_OK) {
      appendRead(words, ring, memory, length, nowMs, flags, mark);
      counters[base + STREAM.lastSentAtMs] =
        nowMs + (doubles[(row + STREAM_ROW.wallOffsetMs) >> 1] ?? 0);
      add(counters, base, STREAM.packetsSent, 1);
      add(counters, base, STREAM.bytesSent, length);
    } else {
      appendUnread(words, ring, memory, length, nowMs, flags, mark);
      this.#host.copyWaits(slot, result);
    }
  }

  /** The packet itself stays as it is. */
  #sendProtected(
    handle: number,
    key: number,
    memory: IoMemory,
    at: number,
    length: number,
    sequence: number,
  ): SendResult {
    const sealed = this.#sealed;
    const bytes = protectByRow(this.#crypto, key, memory, at, length, sealed);
    if (bytes === 0) {
      return SEND_TOO_LONG;
    }
    const result = this.#send(handle, sealed.pointer, bytes, 0, 0);
    if (result !== SEND_OK) {
      retractByRow(this.#crypto, key, sequence);
    }
    return result;
  }
}
