import { isIP } from 'node:net';

/** Bytes of the larger of `sockaddr_in` (16) and `sockaddr_in6` (28), RFC 3493 §3.3, as Linux lays them out. */
export const SOCKADDR_BYTES = 28;
const SOCKADDR_WORDS = SOCKADDR_BYTES / 4;
const AF_INET = 2;
const AF_INET6 = 10;
const SOCKADDR_IN_BYTES = 16;
/** Of the first word; the port has the rest. */
const FAMILY_MASK = 0xffff;

/** Memory that addresses lie in; an {@link IoMemory} is one. */
export interface AddressMemory {
  readonly words: Int32Array;
  /** Address of the first word for system calls; 0 where there are none. */
  readonly pointer: number;
}

/**
 * An IP address and port as a `sockaddr` in memory, so that retargeting, comparing and learning an address from a
 * received packet move plain words. Where the memory lies is up to the backend; calls have a dozen of them, so that the
 * object keeps nothing that can be read there.
 *
 * ```text
 * IPv4  word 0: family | port    word 1: address
 * IPv6  word 0: family | port    word 1: flow    words 2–5: address    word 6: scope
 * ```
 */
export class PeerAddress {
  readonly #memory: AddressMemory;
  readonly #at: number;
  /** Once somebody has asked for it. */
  #host: string | null = null;

  /** @param at where in `memory` its {@link SOCKADDR_BYTES} begin, in words. */
  constructor(
    memory: AddressMemory = { words: new Int32Array(SOCKADDR_WORDS), pointer: 0 },
    at = 0,
  ) {
    this.#memory = memory;
    this.#at = at;
  }

  /** Address of the sockaddr for system calls; of no meaning where there are none. */
  get pointer(): number {
    return this.#memory.pointer + 4 * this.#at;
  }

  /** Bytes of the sockaddr: 16, 28, or 0 while unset. */
  get length(): number {
    return this.isSet ? sockaddrBytes(this.#memory.words, this.#at) : 0;
  }

  get isSet(): boolean {
    return this.#memory.words[this.#at] !== 0;
  }

  /** The IP literal in its canonical form; empty while unset. */
  get host(): string {
    this.#host ??= formatHost(this.toSockaddr());
    return this.#host;
  }

  get port(): number {
    const [, , high = 0, low = 0] = this.toSockaddr();
    return (high << 8) | low;
  }

  /** @returns false, and changes nothing, when `host` is no IP literal. */
  set(host: string, port: number): boolean {
    const address = parseIp(host);
    if (address === null) {
      return false;
    }
    this.clear();
    const bytes = this.toSockaddr();
    const isV4 = address.length === 4;
    bytes[0] = isV4 ? AF_INET : AF_INET6;
    bytes[2] = port >> 8;
    bytes[3] = port & 0xff;
    bytes.set(address, isV4 ? 4 : 8);
    return true;
  }

  /** Takes over a received packet's source. @param at index of its first word. */
  learn(words: Int32Array, at: number): void {
    const own = this.#memory.words;
    for (let i = 0; i < SOCKADDR_WORDS; i++) {
      own[this.#at + i] = words[at + i] ?? 0;
    }
    this.#host = null;
  }

  copyFrom(other: PeerAddress): void {
    this.learn(other.#memory.words, other.#at);
  }

  clear(): void {
    this.#memory.words.fill(0, this.#at, this.#at + SOCKADDR_WORDS);
    this.#host = null;
  }

  /** Whether a source has this address and port. */
  matches(words: Int32Array, at: number): boolean {
    return isSameSource(this.#memory.words, this.#at, words, at);
  }

  /** Whether it is this address and port, however the address is written. */
  isAt(host: string, port: number): boolean {
    const other = new PeerAddress();
    return other.set(host, port) && this.matches(other.#memory.words, other.#at);
  }

  /** Whether a source has this address, whatever its port. */
  sameHost(words: Int32Array, at: number): boolean {
    return isSameHost(this.#memory.words, this.#at, words, at);
  }

  /** Whether both have the same address, whatever their ports. */
  sameHostAs(other: PeerAddress): boolean {
    return this.sameHost(other.#memory.words, other.#at);
  }

  /** The sockaddr itself; {@link length} says how much of it counts. */
  toSockaddr(): Uint8Array {
    const { words } = this.#memory;
    return new Uint8Array(words.buffer, words.byteOffset + 4 * this.#at, SOCKADDR_BYTES);
  }

  /** `host:port`, IPv6 in brackets. */
  toString(): string {
    return formatEndpoint(formatHost(this.toSockaddr()), this.port);
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
  const address = new PeerAddress();
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

/** Of a sockaddr; empty when it is unset. */
function formatHost(sockaddr: Uint8Array): string {
  switch (sockaddr[0]) {
    case AF_INET:
      return sockaddr.subarray(4, 8).join('.');
    case AF_INET6:
      return formatIpv6(sockaddr.subarray(8, 24));
    default:
      return '';
  }
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
