import { isIP } from 'node:net';

/** Bytes of the larger of `sockaddr_in` (16) and `sockaddr_in6` (28), RFC 3493 §3.3, as Linux lays them out. */
export const SOCKADDR_BYTES = 28;
const SOCKADDR_WORDS = SOCKADDR_BYTES / 4;
const AF_INET = 2;
const AF_INET6 = 10;
const SOCKADDR_IN_BYTES = 16;
/** Of the first word; the port has the rest. */
const FAMILY_MASK = 0xffff;

/**
 * An IP address and port as a `sockaddr` in memory, so that retargeting, comparing and learning an address from a
 * received packet move plain words. Where the memory lies is up to the backend.
 *
 * ```text
 * IPv4  word 0: family | port    word 1: address
 * IPv6  word 0: family | port    word 1: flow    words 2–5: address    word 6: scope
 * ```
 */
export class PeerAddress {
  /** Address of {@link bytes} for system calls; 0 where there are none. */
  readonly pointer: number;
  /** Of the sockaddr: 16, 28, or 0 while unset. */
  length = 0;
  /** The IP literal; empty while unset. */
  host = '';
  port = 0;

  readonly #words: Int32Array;
  readonly #bytes: Uint8Array;

  /** @param buffer at least {@link SOCKADDR_BYTES} from `offset` (a multiple of 4) on. */
  constructor(buffer: ArrayBufferLike, offset: number, pointer: number) {
    this.#words = new Int32Array(buffer, offset, SOCKADDR_WORDS);
    this.#bytes = new Uint8Array(buffer, offset, SOCKADDR_BYTES);
    this.pointer = pointer;
  }

  get isSet(): boolean {
    return this.length !== 0;
  }

  /** @returns false, and changes nothing, when `host` is no IP literal. */
  set(host: string, port: number): boolean {
    const address = parseIp(host);
    if (address === null) {
      return false;
    }
    this.#bytes.fill(0);
    const isV4 = address.length === 4;
    this.#bytes[0] = isV4 ? AF_INET : AF_INET6;
    this.#bytes[2] = port >> 8;
    this.#bytes[3] = port & 0xff;
    this.#bytes.set(address, isV4 ? 4 : 8);
    this.length = isV4 ? 16 : 28;
    this.host = host;
    this.port = port;
    return true;
  }

  /** Takes over a received packet's source. @param at index of its first word. */
  learn(words: Int32Array, at: number): void {
    for (let i = 0; i < SOCKADDR_WORDS; i++) {
      this.#words[i] = words[at + i] ?? 0;
    }
    const isV4 = this.#bytes[0] === AF_INET;
    this.length = isV4 ? 16 : 28;
    this.port = ((this.#bytes[2] ?? 0) << 8) | (this.#bytes[3] ?? 0);
    this.host = isV4
      ? formatIpv4(this.#bytes.subarray(4, 8))
      : formatIpv6(this.#bytes.subarray(8, 24));
  }

  copyFrom(other: PeerAddress): void {
    if (other.isSet) {
      this.learn(other.#words, 0);
    } else {
      this.clear();
    }
  }

  clear(): void {
    this.#words.fill(0);
    this.length = 0;
    this.host = '';
    this.port = 0;
  }

  /** Whether a source has this address and port. */
  matches(words: Int32Array, at: number): boolean {
    return isSameSource(this.#words, 0, words, at);
  }

  /** Whether a source has this address, whatever its port. */
  sameHost(words: Int32Array, at: number): boolean {
    return isSameHost(this.#words, 0, words, at);
  }

  /** The sockaddr itself; {@link length} says how much of it counts. */
  toSockaddr(): Uint8Array {
    return this.#bytes;
  }

  /** `host:port`, IPv6 in brackets. */
  toString(): string {
    return formatEndpoint(this.host, this.port);
  }
}

/** Bytes of the sockaddr at `at`, which is set. */
export function sockaddrBytes(words: Int32Array, at: number): number {
  return ((words[at] ?? 0) & FAMILY_MASK) === AF_INET ? SOCKADDR_IN_BYTES : SOCKADDR_BYTES;
}

/** Whether two sockaddrs, the first one perhaps unset, have the same address and port. */
export function isSameSource(
  words: Int32Array,
  at: number,
  other: Int32Array,
  otherAt: number,
): boolean {
  return words[at] === other[otherAt] && isSameHost(words, at, other, otherAt);
}

function isSameHost(words: Int32Array, at: number, other: Int32Array, otherAt: number): boolean {
  const family = (words[at] ?? 0) & FAMILY_MASK;
  if (family !== ((other[otherAt] ?? 0) & FAMILY_MASK)) {
    return false;
  }
  return family === AF_INET
    ? words[at + 1] === other[otherAt + 1]
    : family === AF_INET6 &&
        words[at + 2] === other[otherAt + 2] &&
        words[at + 3] === other[otherAt + 3] &&
        words[at + 4] === other[otherAt + 4] &&
        words[at + 5] === other[otherAt + 5];
}

/** `host:port`, IPv6 in brackets. */
export function formatEndpoint(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/** A source as read from the words of a sockaddr, for messages. */
export function describeSource(words: Int32Array, at: number): string {
  const address = new PeerAddress(new ArrayBuffer(SOCKADDR_BYTES), 0, 0);
  address.learn(words, at);
  return address.toString();
}

/** 4 or 16 bytes in network order, or null when `host` is no IP literal. A zone (`%eth0`) is not taken. */
export function parseIp(host: string): Uint8Array | null {
  const family = host.includes('%') ? 0 : isIP(host);
  if (family === 4) {
    return Uint8Array.from(host.split('.'), Number);
  }
  return family === 6 ? parseIpv6(host) : null;
}

function parseIpv6(host: string): Uint8Array {
  // An embedded IPv4 tail is two groups (RFC 4291 §2.2).
  const text = host.replace(/(\d+)\.(\d+)\.(\d+)\.(\d+)$/, (_all, ...parts: string[]) => {
    const [a = 0, b = 0, c = 0, d = 0] = parts.slice(0, 4).map(Number);
    return `${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`;
  });
  const [head = '', tail] = text.split('::');
  const headGroups = head === '' ? [] : head.split(':');
  const tailGroups = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = new Array<string>(Math.max(0, 8 - headGroups.length - tailGroups.length)).fill('0');
  const groups = [...headGroups, ...zeros, ...tailGroups];
  return Uint8Array.from(
    groups.flatMap(group => [parseInt(group, 16) >> 8, parseInt(group, 16) & 0xff]),
  );
}

function formatIpv4(bytes: Uint8Array): string {
  return bytes.join('.');
}

/** The canonical text of RFC 5952 §4. */
function formatIpv6(bytes: Uint8Array): string {
  const groups = Array.from({ length: 8 }, (_, i) =>
    (((bytes[2 * i] ?? 0) << 8) | (bytes[2 * i + 1] ?? 0)).toString(16),
  );
  let bestStart = 0;
  let bestLength = 1;
  for (let start = 0; start < 8; start++) {
    let length = 0;
    while (groups[start + length] === '0') {
      length++;
    }
    if (length > bestLength) {
      bestStart = start;
      bestLength = length;
    }
  }
  if (bestLength < 2) {
    return groups.join(':');
  }
  const head = groups.slice(0, bestStart).join(':');
  return `${head}::${groups.slice(bestStart + bestLength).join(':')}`;
}
