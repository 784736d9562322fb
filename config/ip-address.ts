import { isIPv4, isIPv6 } from 'node:net';

/** The bytes of an IPv4 (4) or IPv6 (16) literal; an IPv4-mapped IPv6 address counts as IPv4. null: not an IP literal. */
export function parseIp(text: string): Uint8Array | null {
  if (isIPv4(text)) {
    return Uint8Array.from(text.split('.'), Number);
  }
  // A zone (`fe80::1%eth0`) names an interface of one machine and has no place in an address comparison.
  const literal = text.split('%')[0] ?? '';
  return isIPv6(literal) ? unmapped(ipv6Bytes(literal)) : null;
}

/** Whether `text` is an IPv4 or IPv6 literal, without brackets or zone. */
export function isIpLiteral(text: string): boolean {
  return isIPv4(text) || (isIPv6(text) && !text.includes('%'));
}

/** 4 or 6 for an IP literal, null for anything else. */
export function ipFamily(text: string): 4 | 6 | null {
  return isIPv4(text) ? 4 : isIPv6(text) ? 6 : null;
}

/** `0.0.0.0` and `::`, in any spelling: fine to bind to, but nobody can send to them. */
export function isUnspecifiedIp(text: string): boolean {
  return parseIp(text)?.every(byte => byte === 0) ?? false;
}

/** Whether only this machine can reach the address (RFC 1122 §3.2.1.3, RFC 4291 §2.5.3). */
export function isLoopbackIp(text: string): boolean {
  const bytes = parseIp(text);
  return (
    bytes !== null &&
    (bytes.length === 4
      ? bytes[0] === 127
      : bytes.every((byte, i) => byte === (i === bytes.length - 1 ? 1 : 0)))
  );
}

/** A block of addresses, e.g. `10.0.0.0/8`. */
export interface IpNetwork {
  readonly bytes: Uint8Array;
  /** Leading bits that must agree: 0–32 or 0–128. */
  readonly prefixBits: number;
}

/**
 * Parses a CIDR block or a single address.
 * @returns the block, or a sentence part saying what is wrong.
 */
export function parseIpNetwork(text: string): IpNetwork | string {
  const [address = '', prefix, ...rest] = text.split('/');
  const bytes = isIpLiteral(address) ? parseIp(address) : null;
  if (bytes === null || rest.length > 0) {
    return 'must be an IP address or a block such as 10.0.0.0/8 or 2001:db8::/32';
  }
  const maxBits = bytes.length * 8;
  if (prefix === undefined) {
    return { bytes, prefixBits: maxBits };
  }
  const prefixBits = /^\d{1,3}$/.test(prefix) ? Number(prefix) : Infinity;
  if (prefixBits > maxBits) {
    return `must have a prefix length of 0 to ${maxBits} after the slash`;
  }
  const network = { bytes, prefixBits };
  return isHostPartZero(network)
    ? network
    : `has bits set behind its prefix; write ${networkAddress(network)} or a single address`;
}

/** Whether the address (bytes of {@link parseIp}) lies in the block. */
export function networkContains(network: IpNetwork, address: Uint8Array): boolean {
  if (network.bytes.length !== address.length) {
    return false;
  }
  return network.bytes.every(
    (byte, i) => ((byte ^ (address[i] ?? 0)) & byteMask(network, i)) === 0,
  );
}

/** A text that is equal for equal blocks, however they were written. */
export function networkKey(network: IpNetwork): string {
  return `${Buffer.from(network.bytes).toString('hex')}/${network.prefixBits}`;
}

function byteMask(network: IpNetwork, index: number): number {
  const bits = Math.min(8, Math.max(0, network.prefixBits - index * 8));
  return (0xff << (8 - bits)) & 0xff;
}

function isHostPartZero(network: IpNetwork): boolean {
  return network.bytes.every((byte, i) => (byte & ~byteMask(network, i) & 0xff) === 0);
}

function networkAddress(network: IpNetwork): string {
  const masked = network.bytes.map((byte, i) => byte & byteMask(network, i));
  const text =
    masked.length === 4
      ? masked.join('.')
      : (Buffer.from(masked).toString('hex').match(/.{4}/g) ?? []).join(':');
  return `${text}/${network.prefixBits}`;
}

function ipv6Bytes(literal: string): Uint8Array {
  const [head = '', tail] = dottedTailAsHex(literal).split('::');
  const before = groups(head);
  const after = tail === undefined ? [] : groups(tail);
  const zeros = new Array<number>(8 - before.length - after.length).fill(0);
  return Uint8Array.from([...before, ...zeros, ...after].flatMap(g => [g >> 8, g & 0xff]));
}

function groups(text: string): number[] {
  return text === '' ? [] : text.split(':').map(group => Number.parseInt(group, 16));
}

function dottedTailAsHex(literal: string): string {
  return literal.replace(
    /(\d+)\.(\d+)\.(\d+)\.(\d+)$/,
    (_, a: string, b: string, c: string, d: string) =>
      `${(Number(a) * 256 + Number(b)).toString(16)}:${(Number(c) * 256 + Number(d)).toString(16)}`,
  );
}

function unmapped(bytes: Uint8Array): Uint8Array {
  const isMapped =
    bytes.subarray(0, 10).every(byte => byte === 0) && bytes[10] === 0xff && bytes[11] === 0xff;
  return isMapped ? bytes.slice(12) : bytes;
}
