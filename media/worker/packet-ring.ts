import { type IoMemory } from '../io/packet-io';
import { MAX_PACKET_BYTES } from '../rtp/header';

/** Records start at multiples of this, so that the end of the ring always has room for a record header. */
const ALIGN = 16;
const HEADER_BYTES = 16;
/** Packet length of a record that only fills the ring up to its end. */
const FILLER = 0xffff;
/** The smallest ring that can hold any packet twice. */
export const MIN_RING_BYTES = 4 * (HEADER_BYTES + MAX_PACKET_BYTES);

/**
 * A bounded ring of packets with one read cursor, in memory that packets can be sent from. The oldest packets give
 * way to new ones; those that the cursor had not reached are counted as overflowed. Packets behind the cursor stay
 * until their room is needed, so that the cursor can go back to them.
 *
 * ```text
 * record:  u16 size | u16 mark | u16 packet length | u16 flags | f64 capture time, ms | packet … padding to 16
 * ```
 */
export class PacketRing {
  /** Shared by many rings, so that its views are always at hand; offsets are of the whole memory. */
  readonly memory: IoMemory;
  /** Unread packets. */
  pending = 0;
  /** Unread packets that had to give way, since the start. */
  overflowed = 0;

  readonly #base: number;
  readonly #capacity: number;
  // Positions count bytes since the start; a position modulo the capacity is an offset.
  #head = 0;
  #tail = 0;
  #cursor = 0;
  #reserved = 0;

  /**
   * @param base where the ring begins in `memory`, a multiple of 16.
   * @param length of the ring; cut to a multiple of 16.
   * @throws RangeError below {@link MIN_RING_BYTES}.
   */
  constructor(memory: IoMemory, base: number, length: number) {
    this.memory = memory;
    this.#base = base;
    this.#capacity = length - (length % ALIGN);
    if (this.#capacity < MIN_RING_BYTES) {
      throw new RangeError(`a ring needs ${MIN_RING_BYTES} bytes, not ${length}`);
    }
  }

  /** Forgets everything: the ring of an ended stream is another stream's. */
  reset(): void {
    this.#head = 0;
    this.#tail = 0;
    this.#cursor = 0;
    this.pending = 0;
    this.overflowed = 0;
  }

  /**
   * Makes room for one packet of at most {@link MAX_PACKET_BYTES}.
   *
   * @returns offset in {@link memory}, a multiple of 16, where the packet's bytes are to be written before
   * {@link commit}.
   */
  reserve(length: number): number {
    const size = (HEADER_BYTES + length + ALIGN - 1) & ~(ALIGN - 1);
    let offset = this.#head % this.#capacity;
    if (offset + size > this.#capacity) {
      const rest = this.#capacity - offset;
      this.#makeRoom(rest);
      this.#writeHeader(this.#base + offset, rest, 0, FILLER, 0, 0);
      if (this.#cursor === this.#head) {
        this.#cursor += rest;
      }
      this.#head += rest;
      offset = 0;
    }
    this.#makeRoom(size);
    this.#reserved = size;
    return this.#base + offset + HEADER_BYTES;
  }

  /**
   * Adds the packet that was written where {@link reserve} said. Capture times never go back.
   * @param flags 16 bits of the caller's. @param mark 16 more.
   */
  commit(length: number, captureMs: number, flags: number, mark = 0): void {
    const offset = this.#base + (this.#head % this.#capacity);
    this.#writeHeader(offset, this.#reserved, mark, length, flags, captureMs);
    this.#head += this.#reserved;
    this.pending++;
  }

  /** Offset in {@link memory} of the packet at the cursor; only while {@link pending} > 0. */
  get packetAt(): number {
    return this.#cursorOffset() + HEADER_BYTES;
  }

  /** Bytes of the packet at the cursor. */
  get packetLength(): number {
    return (this.memory.words[(this.#cursorOffset() + 4) >> 2] ?? 0) & 0xffff;
  }

  get packetFlags(): number {
    return (this.memory.words[(this.#cursorOffset() + 4) >> 2] ?? 0) >>> 16;
  }

  get packetMark(): number {
    return (this.memory.words[this.#cursorOffset() >> 2] ?? 0) >>> 16;
  }

  /** Puts another packet, no longer than it was, in the place of the one at the cursor. */
  setPacket(length: number, flags: number): void {
    this.memory.words[(this.#cursorOffset() + 4) >> 2] = (flags << 16) | length;
  }

  get packetCaptureMs(): number {
    return this.memory.doubles[(this.#cursorOffset() + 8) >> 3] ?? 0;
  }

  /** Moves the cursor past its packet. */
  advance(): void {
    this.#cursor += this.#sizeAt(this.#cursorOffset());
    this.pending--;
  }

  /**
   * Moves the cursor back to the oldest packet that is still there and was captured at `fromMs` or later; never forward.
   * @returns how many packets are pending again.
   */
  rewind(fromMs: number): number {
    let position = this.#tail;
    let again = 0;
    let target = this.#cursor;
    while (position < this.#cursor) {
      const offset = this.#base + (position % this.#capacity);
      const isPacket = !this.#isFiller(offset);
      if (isPacket && again === 0 && (this.memory.doubles[(offset + 8) >> 3] ?? 0) >= fromMs) {
        target = position;
      }
      if (isPacket && target <= position) {
        again++;
      }
      position += this.#sizeAt(offset);
    }
    this.#cursor = target;
    this.pending += again;
    return again;
  }

  /** Visits the packets, oldest first, that are still there and were captured at `fromMs` or later. */
  visitSince(fromMs: number, visit: (at: number, length: number, flags: number) => void): void {
    let position = this.#tail;
    while (position < this.#head) {
      const offset = this.#base + (position % this.#capacity);
      const lengthAndFlags = this.memory.words[(offset + 4) >> 2] ?? 0;
      if (!this.#isFiller(offset) && (this.memory.doubles[(offset + 8) >> 3] ?? 0) >= fromMs) {
        visit(offset + HEADER_BYTES, lengthAndFlags & 0xffff, lengthAndFlags >>> 16);
      }
      position += this.#sizeAt(offset);
    }
  }

  /** Moves the cursor past everything. @returns how many packets were passed. */
  skipAll(): number {
    const skipped = this.pending;
    this.#cursor = this.#head;
    this.pending = 0;
    return skipped;
  }

  /** Steps over fillers: they are never what the cursor means. */
  #cursorOffset(): number {
    const offset = this.#base + (this.#cursor % this.#capacity);
    if (this.pending > 0 && this.#isFiller(offset)) {
      this.#cursor += this.#sizeAt(offset);
      return this.#base;
    }
    return offset;
  }

  #sizeAt(offset: number): number {
    return (this.memory.words[offset >> 2] ?? 0) & 0xffff;
  }

  #isFiller(offset: number): boolean {
    return ((this.memory.words[(offset + 4) >> 2] ?? 0) & 0xffff) === FILLER;
  }

  #makeRoom(size: number): void {
    while (this.#head + size - this.#tail > this.#capacity) {
      const offset = this.#base + (this.#tail % this.#capacity);
      const recordSize = this.#sizeAt(offset);
      if (this.#cursor === this.#tail) {
        this.#cursor += recordSize;
        if (!this.#isFiller(offset)) {
          this.pending--;
          this.overflowed++;
        }
      }
      this.#tail += recordSize;
    }
  }

  #writeHeader(
    offset: number,
    size: number,
    mark: number,
    length: number,
    flags: number,
    captureMs: number,
  ): void {
    this.memory.words[offset >> 2] = (mark << 16) | size;
    this.memory.words[(offset + 4) >> 2] = (flags << 16) | length;
    this.memory.doubles[(offset + 8) >> 3] = captureMs;
  }
}
