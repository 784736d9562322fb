import { type IoMemory, type PacketIo } from '../io/packet-io';
import { type StateRow } from '../rtp/state-row';
import { MIN_RING_BYTES, PacketRing, type RingPlace } from './packet-ring';

/** Memory is asked for in pieces of about this size; the system gives pages only as they are written. */
const SLAB_BYTES = 64 * 1024 * 1024;

/** Rings of one size, cut from large slabs of the backend's memory and used again. */
export class RingPool {
  /** By the number that rings keep of them. */
  readonly slabs: IoMemory[] = [];
  readonly #io: PacketIo;
  readonly #ringBytes: number;
  readonly #free: RingPlace[] = [];

  /** @param ringBytes raised to what one ring needs at least. */
  constructor(io: PacketIo, ringBytes: number) {
    this.#io = io;
    this.#ringBytes = Math.ceil(Math.max(ringBytes, MIN_RING_BYTES) / 16) * 16;
  }

  /** An empty ring whose places are kept in `row`. @throws Error when the system has no memory left. */
  take(row: StateRow): PacketRing {
    return new PacketRing(this.#free.pop() ?? this.#cut(), row);
  }

  giveBack(ring: PacketRing): void {
    this.#free.push(ring.place);
  }

  /** Cuts another slab. @returns the place of its first ring; the others are free. */
  #cut(): RingPlace {
    const length = this.#ringBytes;
    const rings = Math.max(1, Math.floor(SLAB_BYTES / length));
    const memory = this.#io.allocate(length * rings);
    const slab = this.slabs.push(memory) - 1;
    for (let i = rings - 1; i > 0; i--) {
      this.#free.push({ memory, slab, base: i * length, length });
    }
    return { memory, slab, base: 0, length };
  }
}
