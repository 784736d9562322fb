import { chooseCryptoBackend } from '../../../media/srtp/choose-backend';
import { SrtpSender } from '../../../media/srtp/srtp-sender';
import { memoryOf } from '../../../media/io/packet-io';
import { type Arena, arena } from '../kernel';
import { BENCH_KEY, LEG_SUITE, type TrafficOrder } from './plan';

const SAMPLES_PER_PACKET = 160;
const RTP_BYTES = 12;
const PACKET_BYTES = RTP_BYTES + SAMPLES_PER_PACKET;
const SLOT_BYTES = 256;
/** In the payload: when it was sent, whether it belongs to the window, what it is, and which leg sent it. */
const STAMP_AT = RTP_BYTES;
const FLAG_AT = STAMP_AT + 8;
const MAGIC_AT = FLAG_AT + 1;
const LEG_AT = MAGIC_AT + 2;
const MAGIC = 0x5ec0;
const REPORT_BYTES = 28;
/** From 1900 to 1970, s: NTP's epoch. */
const NTP_OFFSET_S = 2_208_988_800;

/** The packets of all legs: one of each, written anew for each sending. */
export class Packets {
  readonly #legs: number;
  readonly #packets: Arena;
  readonly #sealed: Arena;
  readonly #reports: Arena;
  readonly #senders: SrtpSender[] = [];

  constructor({ targets, round, isEncrypted, payloadType }: TrafficOrder) {
    this.#legs = targets.length;
    this.#packets = arena(this.#legs * SLOT_BYTES);
    this.#sealed = arena(this.#legs * SLOT_BYTES);
    this.#reports = arena(this.#legs * SLOT_BYTES);
    const { bytes, view } = this.#packets;
    for (let leg = 0; leg < this.#legs; leg++) {
      const at = leg * SLOT_BYTES;
      for (let i = 0; i < SAMPLES_PER_PACKET; i++) {
        bytes[at + RTP_BYTES + i] = 0x80 | ((i * 13 + leg) & 0x7f);
      }
      view.setUint8(at, 0x80);
      view.setUint8(at + 1, payloadType);
      view.setUint16(at + 2, leg * 31);
      view.setUint32(at + 4, leg * 977);
      view.setUint32(at + 8, 0x10_0000 * (round + 1) + leg);
      view.setUint16(at + MAGIC_AT, MAGIC);
      view.setUint16(at + LEG_AT, leg);
    }
    if (isEncrypted) {
      const backend = chooseCryptoBackend(length => asMemory(arena(length)));
      for (let leg = 0; leg < this.#legs; leg++) {
        this.#senders.push(new SrtpSender(backend, LEG_SUITE, BENCH_KEY));
      }
    }
  }

  /** Writes the leg's next packet. @returns its length; it lies at {@link pointerOf}. */
  write(leg: number, stampUs: number, isInWindow: boolean): number {
    const at = leg * SLOT_BYTES;
    const { bytes, view } = this.#packets;
    view.setUint16(at + 2, view.getUint16(at + 2) + 1);
    view.setUint32(at + 4, view.getUint32(at + 4) + SAMPLES_PER_PACKET);
    view.setFloat64(at + STAMP_AT, stampUs);
    bytes[at + FLAG_AT] = isInWindow ? 1 : 0;
    const sender = this.#senders[leg];
    return sender === undefined
      ? PACKET_BYTES
      : sender.protectRtp(asMemory(this.#packets), at, PACKET_BYTES, asMemory(this.#sealed), at);
  }

  pointerOf(leg: number): number {
    const memory = this.#senders.length > 0 ? this.#sealed : this.#packets;
    return memory.pointer + leg * SLOT_BYTES;
  }

  /** Writes a sender report without blocks (RFC 3550 §6.4.1). @returns its length and place. */
  writeReport(leg: number): { length: number; pointer: number } {
    const at = leg * SLOT_BYTES;
    const { view, pointer } = this.#reports;
    view.setUint32(at, 0x80c8_0006);
    view.setUint32(at + 4, this.#packets.view.getUint32(at + 8));
    view.setUint32(at + 8, Math.floor(Date.now() / 1000) + NTP_OFFSET_S);
    view.setUint32(at + 16, this.#packets.view.getUint32(at + 4));
    return { length: REPORT_BYTES, pointer: pointer + at };
  }
}

/** Whether the payload is as one of ours was sent. @param at offset of the packet. */
export function isIntact(view: DataView, at: number): boolean {
  return view.getUint16(at + MAGIC_AT) === MAGIC;
}

/** Of an intact packet. */
export function isOfWindow(view: DataView, at: number): boolean {
  return view.getUint8(at + FLAG_AT) === 1;
}

/** Of an intact packet: the `stampUs` that it was sent with. */
export function stampOf(view: DataView, at: number): number {
  return view.getFloat64(at + STAMP_AT);
}

/** Of an intact packet. */
export function senderOf(view: DataView, at: number): number {
  return view.getUint16(at + LEG_AT);
}

/** RTCP packet types 192–223 stand where RTP has marker and payload type (RFC 5761 §4). */
export function isRtcp(view: DataView, at: number): boolean {
  const kind = view.getUint8(at + 1);
  return kind >= 192 && kind <= 223;
}

const memories = new WeakMap<Arena, ReturnType<typeof memoryOf>>();

/** The same memory as SRTP sees it. */
function asMemory(of: Arena): ReturnType<typeof memoryOf> {
  let memory = memories.get(of);
  if (memory === undefined) {
    memory = memoryOf(of.bytes.buffer, 0, of.bytes.length, of.pointer);
    memories.set(of, memory);
  }
  return memory;
}
