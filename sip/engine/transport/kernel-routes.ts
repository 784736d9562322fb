import { createSocket } from 'node:dgram';
import { BlockList, isIPv6 } from 'node:net';
import { networkInterfaces } from 'node:os';

const MAX_CACHED = 1000;
const MAX_AGE_MS = 30_000;

/**
 * Tells which local address the kernel would use to reach a destination: a UDP socket is connected, which
 * sends nothing, and its own address is read. Answers are kept for a short time.
 */
export class KernelRoutes {
  readonly #nowMs: () => number;
  readonly #cache = new Map<string, { readonly address: string; readonly atMs: number }>();

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  /** What is known without asking; null: nothing. */
  peek(remoteHost: string): string | null {
    const known = this.#cache.get(remoteHost);
    return known !== undefined && this.#nowMs() - known.atMs < MAX_AGE_MS ? known.address : null;
  }

  /**
   * What is known, or else what the interfaces suggest: the address whose subnet the destination is in,
   * or the first that is not a loopback. Meanwhile the kernel is asked, for the next time.
   */
  guess(remoteHost: string): string | null {
    const known = this.peek(remoteHost);
    if (known === null) {
      void this.localAddressFor(remoteHost);
    }
    return known ?? guessByInterfaces(remoteHost);
  }

  /** @returns null when the kernel has no route there; never rejects. */
  async localAddressFor(remoteHost: string): Promise<string | null> {
    const known = this.peek(remoteHost);
    if (known !== null) {
      return known;
    }
    const address = await askKernel(remoteHost);
    if (address !== null) {
      if (this.#cache.size >= MAX_CACHED) {
        const [oldest] = this.#cache.keys();
        this.#cache.delete(oldest ?? remoteHost);
      }
      this.#cache.delete(remoteHost);
      this.#cache.set(remoteHost, { address, atMs: this.#nowMs() });
    }
    return address;
  }
}

function askKernel(remoteHost: string): Promise<string | null> {
  return new Promise(resolve => {
    const socket = createSocket(isIPv6(remoteHost) ? 'udp6' : 'udp4');
    let done = false;
    const finish = (address: string | null): void => {
      if (!done) {
        done = true;
        socket.close();
        resolve(address);
      }
    };
    socket.on('error', () => finish(null));
    // Port 9 is "discard"; a connected UDP socket sends nothing by itself.
    socket.connect(9, remoteHost, () => finish(socket.address().address));
  });
}

function guessByInterfaces(remoteHost: string): string | null {
  const family = isIPv6(remoteHost) ? 'ipv6' : 'ipv4';
  const own = Object.values(networkInterfaces())
    .flatMap(addresses => addresses ?? [])
    .filter(address => address.family.toLowerCase() === family);
  const near = own.find(({ cidr, address }) => {
    const prefix = Number(cidr?.split('/')[1]);
    if (cidr === null || !Number.isInteger(prefix)) {
      return false;
    }
    const subnet = new BlockList();
    subnet.addSubnet(address, prefix, family);
    return subnet.check(remoteHost, family);
  });
  return (near ?? own.find(({ internal }) => !internal))?.address ?? null;
}
