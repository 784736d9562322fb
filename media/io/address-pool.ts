import { type IoMemory } from './packet-io';
import { PeerAddress } from './peer-address';

/** Of one address: a sockaddr, which lies within one line of the cache. */
const ADDRESS_BYTES = 32;
const ADDRESSES_PER_SLAB = 1024;

/** Addresses in memory of a backend, which are used again. */
export class AddressPool {
  readonly #allocate: (bytes: number) => IoMemory;
  readonly #free: PeerAddress[] = [];
  #slab: IoMemory | null = null;
  /** Addresses that were cut from the slab. */
  #cut = 0;

  constructor(allocate: (bytes: number) => IoMemory) {
    this.#allocate = allocate;
  }

  /** @returns an address that is not set. @throws Error when the system has no memory left. */
  take(): PeerAddress {
    const free = this.#free.pop();
    if (free !== undefined) {
      return free;
    }
    if (this.#slab === null || this.#cut === ADDRESSES_PER_SLAB) {
      this.#slab = this.#allocate(ADDRESSES_PER_SLAB * ADDRESS_BYTES);
      this.#cut = 0;
    }
    return new PeerAddress(this.#slab, (this.#cut++ * ADDRESS_BYTES) / 4);
  }

  /** Once for each that was taken; nobody may use it any more. */
  giveBack(address: PeerAddress): void {
    address.clear();
    this.#free.push(address);
  }
}
