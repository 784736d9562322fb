import { type IoMemory } from '../io/packet-io';
import { MAX_PACKET_BYTES } from '../rtp/header';
import { ownRow, type StateRow } from '../rtp/state-row';

/** Records start at multiples of this, so that the end of the ring always has room for a record header. */
const ALIGN = 16;
export const RECORD_HEADER_BYTES = 16;
/** Packet length of a record that only fills the ring up to its end. */
const FILLER = 0xffff;
/** The smallest ring that can hold any packet twice. */
export const MIN_RING_BYTES = 4 * (RECORD_HEADER_BYTES + MAX_PACKET_BYTES);

/**
 * Words that a ring keeps in its row; the second is left at 0. All places are offsets in the memory that the ring lies
 * in.
 */
export const RING_WORDS = 10;
/**
 * How many bytes before the head are records of one size (in units of 16, upper bits), and that size (likewise, lower
 * 8 bits). Speech has packets of one size: where all records have it, the oldest one need not be read to know how
 * long it is, and it has left the cache long ago.
 */
const RUN = 0;
/** Which of the pool's memories the ring lies in. */
const SLAB = 2;
const BASE = 3;
const END = 4;
/** Where the next record goes, and the oldest one. */
const HEAD = 5;
const TAIL = 6;
/** Bytes from the oldest record to the end of the newest. */
const USED = 7;
/** The oldest unread record; of no meaning while none is {@link PENDING}. */
const CURSOR = 8;
/** Unread packets. */
const PENDING = 9;

const RUN_SHIFT = 8;
const RUN_SIZE_MASK = 0xff;
/** More need not be counted; a sum of bytes stays within 32 bits. */
const MAX_RUN = 0x3f_ffff;

/** Where a ring lies. */
export interface RingPlace {
  /** Shared by many rings, so that its views are always at hand. */
  readonly memory: IoMemory;
  /** Its number in the pool. */
  readonly slab: number;
  /** Where the ring begins in `memory`, a multiple of 16. */
  readonly base: number;
  /** Bytes; cut to a multiple of 16. */
  readonly length: number;
}

/** Bytes of the record of a packet. */
function recordBytes(length: number): number {
  return (RECORD_HEADER_BYTES + length + ALIGN - 1) & ~(ALIGN - 1);
}

/** In which of the pool's memories a ring lies. @param at first word of the ring's row. */
export function slabOf(rows: Int32Array, at: number): number {
  return rows[at + SLAB] ?? 0;
}

/** Whether nothing is unread. */
export function isReadToTheEnd(rows: Int32Array, at: number): boolean {
  return rows[at + PENDING] === 0;
}

/**
 * Makes room for a packet in a ring that {@link isReadToTheEnd}.
 * @returns where its bytes are to be written before {@link appendRead} or {@link appendUnread}.
 */
export function reserveNext(
  rows: Int32Array,
  at: number,
  memory: IoMemory,
  length: number,
): number {
  const size = recordBytes(length);
  const rest = (rows[at + END] ?? 0) - (rows[at + HEAD] ?? 0);
  if (size > rest) {
    dropRead(rows, at, memory, rest);
    fillUp(rows, at, memory, rest);
  }
  dropRead(rows, at, memory, size);
  return (rows[at + HEAD] ?? 0) + RECORD_HEADER_BYTES;
}

/** Drops the oldest records, all of which have been read, until there is room for `size` bytes. */
function dropRead(rows: Int32Array, at: number, memory: IoMemory, size: number): void {
  const end = rows[at + END] ?? 0;
  const base = rows[at + BASE] ?? 0;
  const room = end - base - size;
  let used = rows[at + USED] ?? 0;
  if (used <= room) {
    return;
  }
  const run = rows[at + RUN] ?? 0;
  const isUniform = (run >>> RUN_SHIFT) * ALIGN >= used;
  const runSize = (run & RUN_SIZE_MASK) * ALIGN;
  let tail = rows[at + TAIL] ?? 0;
  while (used > room) {
    // What does not fit before the end is a filler.
    const dropped = isUniform ? Math.min(runSize, end - tail) : sizeAt(memory, tail);
    used -= dropped;
    tail += dropped;
    tail = tail === end ? base : tail;
  }
  rows[at + USED] = used;
  rows[at + TAIL] = tail;
}

/** Fills the ring up to its end, where there is room for it: the next record stands at the beginning. */
function fillUp(rows: Int32Array, at: number, memory: IoMemory, rest: number): void {
  writeRecordHeader(memory, rows[at + HEAD] ?? 0, rest, 0, FILLER, 0, 0);
  rows[at + USED] = (rows[at + USED] ?? 0) + rest;
  rows[at + HEAD] = rows[at + BASE] ?? 0;
  rows[at + RUN] = (rows[at + RUN] ?? 0) + ((rest / ALIGN) << RUN_SHIFT);
}

/** Adds the packet that was written where {@link reserveNext} said, as one that has been read already. */
export function appendRead(
  rows: Int32Array,
  at: number,
  memory: IoMemory,
  length: number,
  captureMs: number,
  flags: number,
  mark: number,
): void {
  const head = rows[at + HEAD] ?? 0;
  const size = recordBytes(length);
  writeRecordHeader(memory, head, size, mark, length, flags, captureMs);
  countRun(rows, at, size);
  rows[at + USED] = (rows[at + USED] ?? 0) + size;
  const next = head + size;
  rows[at + HEAD] = next === rows[at + END] ? (rows[at + BASE] ?? 0) : next;
}

/** The same, but the packet waits to be read. */
export function appendUnread(
  rows: Int32Array,
  at: number,
  memory: IoMemory,
  length: number,
  captureMs: number,
  flags: number,
  mark: number,
): void {
  if (rows[at + PENDING] === 0) {
    rows[at + CURSOR] = rows[at + HEAD] ?? 0;
  }
  rows[at + PENDING] = (rows[at + PENDING] ?? 0) + 1;
  appendRead(rows, at, memory, length, captureMs, flags, mark);
}

function countRun(rows: Int32Array, at: number, size: number): void {
  const run = rows[at + RUN] ?? 0;
  const units = size / ALIGN;
  const before = (run & RUN_SIZE_MASK) === units ? run >>> RUN_SHIFT : 0;
  rows[at + RUN] = (Math.min(MAX_RUN, before + units) << RUN_SHIFT) | units;
}

function sizeAt(memory: IoMemory, offset: number): number {
  return (memory.words[offset >> 2] ?? 0) & 0xffff;
}

function writeRecordHeader(
  memory: IoMemory,
  offset: number,
  size: number,
  mark: number,
  length: number,
  flags: number,
  captureMs: number,
): void {
  memory.words[offset >> 2] = (mark << 16) | size;
  memory.words[(offset + 4) >> 2] = (flags << 16) | length;
  memory.doubles[(offset + 8) >> 3] = captureMs;
}

/**
 * A bounded ring of packets with one read cursor, in memory that packets can be sent from. The oldest packets give
 * way to new ones; those that the cursor had not reached are counted as overflowed. Packets behind the cursor stay
 * until their room is needed, so that the cursor can go back to them. Its places are in a row of shared memory (see
 * state-row), where the functions above do the usual case without the object.
 *
 * ```text
 * record:  u16 size | u16 mark | u16 packet length | u16 flags | f64 capture time, ms | packet … padding to 16
 * ```
 */
export class PacketRing {
  readonly memory: IoMemory;
  readonly place: RingPlace;
  /** Unread packets that had to give way, since the start. */
  overflowed = 0;

  readonly #rows: Int32Array;
  readonly #at: number;
  readonly #base: number;
  readonly #end: number;

  /**
   * An empty ring.
   *
   * @param row of {@link RING_WORDS} words, set here.
   * @throws RangeError below {@link MIN_RING_BYTES}.
   */
  constructor(place: RingPlace, { words, at }: StateRow = ownRow()) {
    const capacity = place.length - (place.length % ALIGN);
    if (capacity < MIN_RING_BYTES) {
      throw new RangeError(`a ring needs ${MIN_RING_BYTES} bytes, not ${place.length}`);
    }
    this.place = place;
    this.memory = place.memory;
    this.#rows = words;
    this.#at = at;
    this.#base = place.base;
    this.#end = place.base + capacity;
    words.fill(0, at, at + RING_WORDS);
    words[at + SLAB] = place.slab;
    words[at + BASE] = this.#base;
    words[at + END] = this.#end;
    words[at + HEAD] = this.#base;
    words[at + TAIL] = this.#base;
  }

  /** Unread packets. */
  get pending(): number {
    return this.#get(PENDING);
  }

  /**
   * Makes room for one packet of at most {@link MAX_PACKET_BYTES}.
   *
   * @returns offset in {@link memory}, a multiple of 16, where the packet's bytes are to be written before
   * {@link commit}.
   */
  reserve(length: number): number {
    if (this.pending === 0) {
      return reserveNext(this.#rows, this.#at, this.memory, length);
    }
    const size = recordBytes(length);
    const rest = this.#end - this.#get(HEAD);
    if (size > rest) {
      this.#makeRoom(rest);
      fillUp(this.#rows, this.#at, this.memory, rest);
    }
    this.#makeRoom(size);
    return this.#get(HEAD) + RECORD_HEADER_BYTES;
  }

  /**
   * Adds the packet that was written where {@link reserve} said. Capture times never go back.
   * @param flags 16 bits of the caller's. @param mark 16 more.
   */
  commit(length: number, captureMs: number, flags: number, mark = 0): void {
    appendUnread(this.#rows, this.#at, this.memory, length, captureMs, flags, mark);
  }

  /** Offset in {@link memory} of the packet at the cursor; only while {@link pending} > 0. */
  get packetAt(): number {
    return this.#packet() + RECORD_HEADER_BYTES;
  }

  /** Bytes of the packet at the cursor. */
  get packetLength(): number {
    return (this.memory.words[(this.#packet() + 4) >> 2] ?? 0) & 0xffff;
  }

  get packetFlags(): number {
    return (this.memory.words[(this.#packet() + 4) >> 2] ?? 0) >>> 16;
  }

  get packetMark(): number {
    return (this.memory.words[this.#packet() >> 2] ?? 0) >>> 16;
  }

  /** Puts another packet, no longer than it was, in the place of the one at the cursor. */
  setPacket(length: number, flags: number): void {
    this.memory.words[(this.#packet() + 4) >> 2] = (flags << 16) | length;
  }

  get packetCaptureMs(): number {
    return this.memory.doubles[(this.#packet() + 8) >> 3] ?? 0;
  }

  /** Moves the cursor past its packet. */
  advance(): void {
    this.#set(CURSOR, this.#after(this.#packet()));
    this.#set(PENDING, this.pending - 1);
  }

  /**
   * Moves the cursor back to the oldest packet that is still there and was captured at `fromMs` or later; never forward.
   * @returns how many packets are pending again.
   */
  rewind(fromMs: number): number {
    let again = 0;
    let target = this.#get(CURSOR);
    let left = this.#readBytes();
    for (let offset = this.#get(TAIL); left > 0; offset = this.#after(offset)) {
      left -= sizeAt(this.memory, offset);
      if (this.#isFiller(offset)) {
        continue;
      }
      if (again > 0) {
        again++;
      } else if ((this.memory.doubles[(offset + 8) >> 3] ?? 0) >= fromMs) {
        target = offset;
        again = 1;
      }
    }
    this.#set(CURSOR, target);
    this.#set(PENDING, this.pending + again);
    return again;
  }

  /** Visits the packets, oldest first, that are still there and were captured at `fromMs` or later. */
  visitSince(fromMs: number, visit: (at: number, length: number, flags: number) => void): void {
    let left = this.#get(USED);
    for (let offset = this.#get(TAIL); left > 0; offset = this.#after(offset)) {
      left -= sizeAt(this.memory, offset);
      const lengthAndFlags = this.memory.words[(offset + 4) >> 2] ?? 0;
      if (!this.#isFiller(offset) && (this.memory.doubles[(offset + 8) >> 3] ?? 0) >= fromMs) {
        visit(offset + RECORD_HEADER_BYTES, lengthAndFlags & 0xffff, lengthAndFlags >>> 16);
      }
    }
  }

  /** Moves the cursor past everything. @returns how many packets were passed. */
  skipAll(): number {
    const skipped = this.pending;
    this.#set(PENDING, 0);
    return skipped;
  }

  /** The record at the cursor. Steps over fillers: they are never what the cursor means. */
  #packet(): number {
    const offset = this.#get(CURSOR);
    if (this.pending > 0 && this.#isFiller(offset)) {
      this.#set(CURSOR, this.#base);
      return this.#base;
    }
    return offset;
  }

  /** Bytes of the records before the cursor. */
  #readBytes(): number {
    if (this.pending === 0) {
      return this.#get(USED);
    }
    const distance = this.#get(CURSOR) - this.#get(TAIL);
    return distance < 0 ? distance + this.#end - this.#base : distance;
  }

  /** Where the record after the one at `offset` begins. */
  #after(offset: number): number {
    const next = offset + sizeAt(this.memory, offset);
    return next === this.#end ? this.#base : next;
  }

  #isFiller(offset: number): boolean {
    return ((this.memory.words[(offset + 4) >> 2] ?? 0) & 0xffff) === FILLER;
  }

  #makeRoom(size: number): void {
    const room = this.#end - this.#base - size;
    while (this.#get(USED) > room) {
      const tail = this.#get(TAIL);
      const next = this.#after(tail);
      if (this.pending > 0 && this.#get(CURSOR) === tail) {
        this.#set(CURSOR, next);
        if (!this.#isFiller(tail)) {
          this.#set(PENDING, this.pending - 1);
          this.overflowed++;
        }
      }
      this.#set(USED, this.#get(USED) - sizeAt(this.memory, tail));
      this.#set(TAIL, next);
    }
  }

  #get(word: number): number {
    return this.#rows[this.#at + word] ?? 0;
  }

  #set(word: number, value: number): void {
    this.#rows[this.#at + word] = value;
  }
}
