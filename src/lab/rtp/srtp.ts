import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  type CipherGCM,
  type DecipherGCM,
  randomBytes,
  timingSafeEqual,
} from 'node:crypto';
import { type SrtpSuite } from '#core';

/*
 * SRTP for the softphone and the reference SRS, written from RFC 3711 and RFC 7714 on plain buffers. On purpose it
 * shares nothing with the gateway's: what both understand is right.
 */

interface Shape {
  readonly keyBytes: number;
  readonly saltBytes: number;
  readonly rtpTag: number;
  readonly rtcpTag: number;
  readonly gcm: boolean;
}

const SHAPES: Readonly<Record<SrtpSuite, Shape>> = {
  AES_CM_128_HMAC_SHA1_80: { keyBytes: 16, saltBytes: 14, rtpTag: 10, rtcpTag: 10, gcm: false },
  AES_CM_128_HMAC_SHA1_32: { keyBytes: 16, saltBytes: 14, rtpTag: 4, rtcpTag: 10, gcm: false },
  AEAD_AES_128_GCM: { keyBytes: 16, saltBytes: 12, rtpTag: 16, rtcpTag: 16, gcm: true },
  AEAD_AES_256_GCM: { keyBytes: 32, saltBytes: 12, rtpTag: 16, rtcpTag: 16, gcm: true },
};

/** A new random master key and salt, base64. */
export function newSrtpKey(suite: SrtpSuite): string {
  const { keyBytes, saltBytes } = SHAPES[suite];
  return randomBytes(keyBytes + saltBytes).toString('base64');
}

interface Keys {
  readonly cipher: Buffer;
  readonly auth: Buffer;
  readonly salt: Buffer;
}

/** RFC 3711 §4.3: everything from the master key, once. */
function keysFor(shape: Shape, master: Buffer, firstLabel: number): Keys {
  const make = (label: number, bytes: number): Buffer => {
    const x = Buffer.alloc(16);
    master.copy(x, 0, shape.keyBytes);
    x.writeUInt8(x.readUInt8(7) ^ label, 7);
    const name = `aes-${shape.keyBytes * 8}-ctr`;
    return createCipheriv(name, master.subarray(0, shape.keyBytes), x).update(Buffer.alloc(bytes));
  };
  return {
    cipher: make(firstLabel, shape.keyBytes),
    auth: make(firstLabel + 1, 20),
    salt: make(firstLabel + 2, shape.saltBytes),
  };
}

/** One direction of one stream. */
abstract class Direction {
  protected readonly shape: Shape;
  protected readonly rtp: Keys;
  protected readonly rtcp: Keys;

  constructor(suite: SrtpSuite, keySalt: string) {
    this.shape = SHAPES[suite];
    const master = Buffer.from(keySalt, 'base64');
    if (master.length !== this.shape.keyBytes + this.shape.saltBytes) {
      throw new RangeError(`not a master key of ${suite}`);
    }
    this.rtp = keysFor(this.shape, master, 0);
    this.rtcp = keysFor(this.shape, master, 3);
  }

  /** The IV: salt, exclusive-or with SSRC and index, each at its place from the right. */
  protected iv(salt: Buffer, ssrc: number, index: bigint): Buffer {
    const { gcm } = this.shape;
    const value = (BigInt(ssrc) << (gcm ? 48n : 64n)) ^ (index << (gcm ? 0n : 16n));
    const bytes = gcm ? 12 : 16;
    const padded = Buffer.alloc(bytes);
    salt.copy(padded);
    const sum = BigInt(`0x${padded.toString('hex')}`) ^ value;
    return Buffer.from(sum.toString(16).padStart(2 * bytes, '0'), 'hex');
  }

  protected get algorithm(): string {
    return `aes-${this.shape.keyBytes * 8}-${this.shape.gcm ? 'gcm' : 'ctr'}`;
  }
}

/** What a sender does to its packets. */
export class SrtpOutbound extends Direction {
  #roc = 0n;
  #lastSequence: number | null = null;
  #rtcpIndex = 0;

  /** Packets must come in the order of their sequence numbers. */
  protect(packet: Buffer): Buffer {
    const sequence = packet.readUInt16BE(2);
    if (this.#lastSequence !== null && sequence < this.#lastSequence) {
      this.#roc++;
    }
    this.#lastSequence = sequence;
    const clear = headerLength(packet);
    const index = (this.#roc << 16n) | BigInt(sequence);
    const iv = this.iv(this.rtp.salt, packet.readUInt32BE(8), index);
    const header = packet.subarray(0, clear);
    const cipher = createCipheriv(this.algorithm, this.rtp.cipher, iv) as CipherGCM;
    if (this.shape.gcm) {
      cipher.setAAD(header);
      const body = Buffer.concat([cipher.update(packet.subarray(clear)), cipher.final()]);
      return Buffer.concat([header, body, cipher.getAuthTag()]);
    }
    const hidden = Buffer.concat([header, cipher.update(packet.subarray(clear))]);
    const roc = Buffer.alloc(4);
    roc.writeUInt32BE(Number(this.#roc));
    const tag = createHmac('sha1', this.rtp.auth).update(hidden).update(roc).digest();
    return Buffer.concat([hidden, tag.subarray(0, this.shape.rtpTag)]);
  }

  protectRtcp(packet: Buffer): Buffer {
    const index = ++this.#rtcpIndex;
    const word = Buffer.alloc(4);
    word.writeUInt32BE((0x8000_0000 | index) >>> 0);
    const iv = this.iv(this.rtcp.salt, packet.readUInt32BE(4), BigInt(index));
    const header = packet.subarray(0, 8);
    const cipher = createCipheriv(this.algorithm, this.rtcp.cipher, iv) as CipherGCM;
    if (this.shape.gcm) {
      cipher.setAAD(Buffer.concat([header, word]));
      const body = Buffer.concat([cipher.update(packet.subarray(8)), cipher.final()]);
      return Buffer.concat([header, body, cipher.getAuthTag(), word]);
    }
    const hidden = Buffer.concat([header, cipher.update(packet.subarray(8)), word]);
    const tag = createHmac('sha1', this.rtcp.auth).update(hidden).digest();
    return Buffer.concat([hidden, tag.subarray(0, this.shape.rtcpTag)]);
  }
}

/** What a receiver does; null for whatever is not authentic. It keeps no replay window: tests want to see replays. */
export class SrtpInbound extends Direction {
  /** By SSRC: the highest index so far. */
  readonly #highest = new Map<number, bigint>();

  unprotect(packet: Buffer): Buffer | null {
    const { rtpTag, gcm } = this.shape;
    const end = packet.length - rtpTag;
    const clear = end < 12 ? Infinity : headerLength(packet);
    if (clear > end) {
      return null;
    }
    const ssrc = packet.readUInt32BE(8);
    const index = this.#indexOf(ssrc, packet.readUInt16BE(2));
    if (index < 0n) {
      return null;
    }
    const iv = this.iv(this.rtp.salt, ssrc, index);
    const header = packet.subarray(0, clear);
    const hidden = packet.subarray(clear, end);
    const tag = packet.subarray(end);
    let body: Buffer | null;
    if (gcm) {
      body = this.#open(this.rtp, iv, header, hidden, tag);
    } else {
      const roc = Buffer.alloc(4);
      roc.writeUInt32BE(Number(index >> 16n));
      const expected = createHmac('sha1', this.rtp.auth)
        .update(packet.subarray(0, end))
        .update(roc);
      body = timingSafeEqual(expected.digest().subarray(0, rtpTag), tag)
        ? createDecipheriv(this.algorithm, this.rtp.cipher, iv).update(hidden)
        : null;
    }
    if (body === null) {
      return null;
    }
    const highest = this.#highest.get(ssrc);
    if (highest === undefined || index > highest) {
      this.#highest.set(ssrc, index);
    }
    return Buffer.concat([header, body]);
  }

  unprotectRtcp(packet: Buffer): Buffer | null {
    const { rtcpTag, gcm } = this.shape;
    const end = packet.length - rtcpTag - 4;
    if (end < 8) {
      return null;
    }
    const header = packet.subarray(0, 8);
    const hidden = packet.subarray(8, end);
    const word = gcm ? packet.subarray(packet.length - 4) : packet.subarray(end, end + 4);
    const tag = gcm ? packet.subarray(end, end + rtcpTag) : packet.subarray(end + 4);
    const index = BigInt(word.readUInt32BE(0) & 0x7fff_ffff);
    const iv = this.iv(this.rtcp.salt, packet.readUInt32BE(4), index);
    if (gcm) {
      const body = this.#open(this.rtcp, iv, Buffer.concat([header, word]), hidden, tag);
      return body === null ? null : Buffer.concat([header, body]);
    }
    const expected = createHmac('sha1', this.rtcp.auth)
      .update(packet.subarray(0, end + 4))
      .digest();
    if (!timingSafeEqual(expected.subarray(0, rtcpTag), tag)) {
      return null;
    }
    const body = createDecipheriv(this.algorithm, this.rtcp.cipher, iv).update(hidden);
    return Buffer.concat([header, body]);
  }

  #open(keys: Keys, iv: Buffer, associated: Buffer, hidden: Buffer, tag: Buffer): Buffer | null {
    const decipher = createDecipheriv(this.algorithm, keys.cipher, iv) as DecipherGCM;
    decipher.setAAD(associated);
    decipher.setAuthTag(tag);
    try {
      return Buffer.concat([decipher.update(hidden), decipher.final()]);
    } catch {
      return null;
    }
  }

  /** The candidate nearest to the highest index (RFC 3711 §3.3.1). */
  #indexOf(ssrc: number, sequence: number): bigint {
    const highest = this.#highest.get(ssrc);
    if (highest === undefined) {
      return BigInt(sequence);
    }
    const base = ((highest >> 16n) << 16n) | BigInt(sequence);
    const candidates = [base - 0x1_0000n, base, base + 0x1_0000n];
    const distance = (index: bigint): bigint =>
      index > highest ? index - highest : highest - index;
    return candidates.reduce((best, each) => (distance(each) < distance(best) ? each : best));
  }
}

function headerLength(packet: Buffer): number {
  const first = packet.readUInt8(0);
  const fixed = 12 + 4 * (first & 0x0f);
  if ((first & 0x10) === 0) {
    return fixed;
  }
  return packet.length < fixed + 4 ? Infinity : fixed + 4 + 4 * packet.readUInt16BE(fixed + 2);
}
