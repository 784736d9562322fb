import { type Clock, type LocalEndpoint } from '#core';
import { MediaError } from '../errors';
import { PortPool } from '../port-pool';
import { COUNTER_STRIDE } from '../worker/counters';
import { type SlotBinding } from '../worker/protocol';
import { type MediaNetwork, type MediaPlaneOptions } from './options';

/** One port pair in use: a leg's, or a recording stream's. */
export class Slot {
  readonly binding: SlotBinding;
  readonly #advertisedHost: string;

  constructor(binding: SlotBinding, advertisedHost: string) {
    this.binding = binding;
    this.#advertisedHost = advertisedHost;
  }

  /** What peers are told of it; made when asked for, because few keep it. */
  get local(): LocalEndpoint {
    const { port } = this.binding;
    const host = this.#advertisedHost;
    return { rtp: { host, port }, rtcp: { host, port: port + 1 } };
  }
}

/** The pairs of one bind address. */
interface HostPool {
  readonly host: string;
  readonly pool: PortPool;
  readonly firstSlot: number;
}

/**
 * Every port pair of every bind address has a slot: its number names the pair toward the workers and its row in the
 * shared counters.
 */
export class SlotTable {
  readonly slots: number;
  readonly counters: Float64Array<SharedArrayBuffer>;
  readonly #networks: Readonly<Record<string, MediaNetwork>>;
  readonly #pools: readonly HostPool[];

  constructor(options: MediaPlaneOptions, clock: Clock) {
    this.#networks = options.networks;
    const hosts = [...new Set(Object.values(options.networks).map(({ bindHost }) => bindHost))];
    let slots = 0;
    this.#pools = hosts.map(host => {
      const { portMin, portMax, portQuarantineMs: quarantineMs } = options;
      const pool = new PortPool({ portMin, portMax, quarantineMs, clock });
      const firstSlot = slots;
      slots += pool.pairs;
      return { host, pool, firstSlot };
    });
    this.slots = slots;
    this.counters = new Float64Array(
      new SharedArrayBuffer(slots * COUNTER_STRIDE * Float64Array.BYTES_PER_ELEMENT),
    );
  }

  /** Pairs per bind address. */
  get pairsPerHost(): number {
    return this.#pools[0]?.pool.pairs ?? 0;
  }

  /** Ports handed out, resting ones included. */
  get portsInUse(): number {
    return this.#pools.reduce((sum, { pool }) => sum + pool.portsInUse, 0);
  }

  /** Pairs that a network has left. @throws MediaError `REC_ERR_MEDIA_UNKNOWN_NETWORK`. */
  freePairs(networkName: string): number {
    return this.#find(networkName).entry.pool.freePairs;
  }

  /** @throws MediaError `REC_ERR_MEDIA_UNKNOWN_NETWORK`, `REC_ERR_MEDIA_NO_PORTS`. */
  acquire(networkName: string): Slot {
    const { network, entry } = this.#find(networkName);
    const pair = entry.pool.acquire();
    if (pair === null) {
      throw new MediaError('REC_ERR_MEDIA_NO_PORTS', `no free port pair on ${entry.host}`, {
        details: { network: networkName, pairs: entry.pool.pairs },
      });
    }
    const port = entry.pool.rtpPort(pair);
    const binding = { slot: entry.firstSlot + pair, host: entry.host, port };
    return new Slot(binding, network.advertisedHost);
  }

  /** The pair's sockets are closed. */
  release(slot: Slot): void {
    this.#withPool(slot, (pool, pair) => pool.release(pair));
  }

  /** The pair could not be bound. */
  markBusy(slot: Slot): void {
    this.#withPool(slot, (pool, pair) => pool.markBusy(pair));
  }

  /** Reads a counter of a slot's row. */
  read(slot: Slot, column: number): number {
    return this.counters[slot.binding.slot * COUNTER_STRIDE + column] ?? 0;
  }

  #find(networkName: string): { network: MediaNetwork; entry: HostPool } {
    const network = Object.hasOwn(this.#networks, networkName)
      ? this.#networks[networkName]
      : undefined;
    const entry = this.#pools.find(({ host }) => host === network?.bindHost);
    if (network === undefined || entry === undefined) {
      throw new MediaError('REC_ERR_MEDIA_UNKNOWN_NETWORK', `no network named ${networkName}`, {
        details: { network: networkName },
      });
    }
    return { network, entry };
  }

  #withPool({ binding }: Slot, action: (pool: PortPool, pair: number) => void): void {
    const entry = this.#pools.find(({ host }) => host === binding.host);
    if (entry !== undefined) {
      action(entry.pool, binding.slot - entry.firstSlot);
    }
  }
}
