import { type IoMemory, type PacketIo } from '../io/packet-io';
import { PeerAddress } from '../io/peer-address';
import { LINE_WORDS, type StateRow } from '../rtp/state-row';

/** Words of a slot's row: two lines of cache. */
export const ROW_WORDS = 2 * LINE_WORDS;

/**
 * A leg's row, in words. The first line is what receiving from the leg needs, the second what sending to it needs.
 * The sockaddr is of the latched source, which is both.
 */
export const LEG_ROW = {
  /** `struct sockaddr`, 28 bytes. */
  address: 0,
  /** What a plain packet begins with, and the rate of its clock: see plain-packet. */
  plain: 7,
  /** 5 words of ReceptionStats. */
  reception: 8,
  /** Where plain packets go: see plain-packet. */
  links: 13,
  /** A double: monotonic ms of the last packet, or of the moment from which on packets are expected. */
  lastRtpAtMs: 14,
  /** 14 words of StreamRewriter. */
  output: LINE_WORDS,
  handle: LINE_WORDS + 14,
  /** Which row of keys protects what is sent; 0: none. */
  key: LINE_WORDS + 15,
} as const;

/**
 * A recording stream's row. The first line is its ring and what was captured last, the second what sending needs.
 * {@link LEG_ROW.plain} is left at 0: no packet that comes to a stream is plain.
 */
export const STREAM_ROW = {
  /** The packet of speech (or silence) that was captured last: see LastAudio. */
  audioAt: 0,
  /** 16 bits each: length, and the flags of its record above. */
  audioRecord: 1,
  /** A double. */
  audioAtMs: 2,
  /** The flags of the ring's record of a plain packet, and which row of keys protects what is sent: see plain-packet. */
  plainFlags: 4,
  handle: 5,
  /** 10 words of PacketRing, of which the second is always 0. */
  ring: 6,
  /** 14 words of StreamRewriter. */
  output: LINE_WORDS,
  /** A double: wall clock minus monotonic time, ms. */
  wallOffsetMs: LINE_WORDS + 14,
} as const;

/**
 * What every packet needs to know of legs and recording streams, by slot, in one stretch of memory: with hundreds of
 * calls, what a packet touches is no longer in the processor's cache, so it must be few lines. The objects of legs
 * and streams keep these fields here instead of in themselves; there is no second copy.
 */
export class StateTable {
  readonly words: Int32Array;
  readonly doubles: Float64Array;
  readonly pointer: number;
  /** By slot: when its timers are to be looked at, monotonic ms. Infinity: nothing is there. */
  readonly dueAtMs: Float64Array;
  readonly #memory: IoMemory;

  constructor(io: PacketIo, slots: number) {
    this.#memory = io.allocate(slots * ROW_WORDS * 4);
    this.words = this.#memory.words;
    this.doubles = this.#memory.doubles;
    this.pointer = this.#memory.pointer;
    this.dueAtMs = new Float64Array(slots).fill(Infinity);
  }

  /** Where a slot's row begins, or a part of it, in words. */
  at(slot: number, part = 0): number {
    return slot * ROW_WORDS + part;
  }

  row(slot: number, part: number): StateRow {
    return { words: this.words, doubles: this.doubles, at: this.at(slot, part) };
  }

  /** A leg's address, kept in its row. */
  createAddress(slot: number): PeerAddress {
    const address = new PeerAddress(this.#memory, this.at(slot, LEG_ROW.address));
    address.clear();
    return address;
  }

  clear(slot: number): void {
    this.words.fill(0, this.at(slot), this.at(slot + 1));
  }
}
