import { type IoMemory, memoryOf, type PacketIo } from '../io/packet-io';
import { MIN_RING_BYTES } from './packet-ring';

const RINGS_PER_SLAB = 16;

/** Memory for rings of one size, taken from the backend in slabs and used again. */
export class RingPool {
  readonly #io: PacketIo;
  readonly #ringBytes: number;
  readonly #free: IoMemory[] = [];

  /** @param ringBytes raised to what one ring needs at least. */
  constructor(io: PacketIo, ringBytes: number) {
    this.#io = io;
    this.#ringBytes = Math.ceil(Math.max(ringBytes, MIN_RING_BYTES) / 16) * 16;
  }

  take(): IoMemory {
    if (this.#free.length === 0) {
      const slab = this.#io.allocate(this.#ringBytes * RINGS_PER_SLAB);
      for (let i = RINGS_PER_SLAB - 1; i >= 0; i--) {
        const at = i * this.#ringBytes;
        const pointer = slab.pointer === 0 ? 0 : slab.pointer + at;
        this.#free.push(memoryOf(slab.buffer, slab.offset + at, this.#ringBytes, pointer));
      }
    }
    const memory = this.#free.pop();
    if (memory === undefined) {
      throw new Error('no memory for a ring');
    }
    return memory;
  }

  giveBack(memory: IoMemory): void {
    this.#free.push(memory);
  }
}
