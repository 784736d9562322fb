import { type PacketIo } from '../io/packet-io';
import { MIN_RING_BYTES, PacketRing } from './packet-ring';

/** Memory is asked for in pieces of about this size; the system gives pages only as they are written. */
const SLAB_BYTES = 64 * 1024 * 1024;

/** Rings of one size, cut from large slabs of the backend's memory and used again. */
export class RingPool {
  readonly #io: PacketIo;
  readonly #ringBytes: number;
  readonly #free: PacketRing[] = [];

  /** @param ringBytes raised to what one ring needs at least. */
  constructor(io: PacketIo, ringBytes: number) {
    this.#io = io;
    this.#ringBytes = Math.ceil(Math.max(ringBytes, MIN_RING_BYTES) / 16) * 16;
  }

  /** @throws Error when the system has no memory left. */
  take(): PacketRing {
    const ring = this.#free.pop();
    if (ring !== undefined) {
      ring.reset();
      return ring;
    }
    const rings = Math.max(1, Math.floor(SLAB_BYTES / this.#ringBytes));
    const slab = this.#io.allocate(this.#ringBytes * rings);
    for (let i = rings - 1; i > 0; i--) {
      this.#free.push(new PacketRing(slab, i * this.#ringBytes, this.#ringBytes));
    }
    return new PacketRing(slab, 0, this.#ringBytes);
  }

  giveBack(ring: PacketRing): void {
    this.#free.push(ring);
  }
}
