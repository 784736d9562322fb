import { type IoMemory } from '../io/packet-io';
import { WORK } from './crypto-backend';

/** Writes a packet's initial vector: a salt, exclusive-or with SSRC and packet index. */
export class InitialVector {
  readonly #view: DataView;
  readonly #isAead: boolean;
  /** The salt as four words; AES-CM's is shifted left by the 16 bits of its block counter. */
  readonly #salt: readonly [number, number, number, number];

  constructor(work: IoMemory, salt: Buffer, isAead: boolean) {
    this.#view = new DataView(work.buffer, work.offset + WORK.iv, 16);
    this.#isAead = isAead;
    const padded = Buffer.alloc(16);
    salt.copy(padded);
    this.#salt = [
      padded.readInt32BE(0),
      padded.readInt32BE(4),
      padded.readInt32BE(8),
      padded.readInt32BE(12),
    ];
  }

  /** Of an RTP packet (RFC 3711 §4.1.1, RFC 7714 §8.1). */
  setRtp(ssrc: number, roc: number, sequence: number): void {
    if (this.#isAead) {
      this.#set(ssrc >>> 16, (ssrc << 16) | (roc >>> 16), (roc << 16) | sequence, 0);
    } else {
      this.#set(0, ssrc, roc, sequence << 16);
    }
  }

  /** Of an SRTCP packet with its 31-bit index (RFC 3711 §4.1.1, RFC 7714 §9.1). */
  setRtcp(ssrc: number, index: number): void {
    if (this.#isAead) {
      this.#set(ssrc >>> 16, ssrc << 16, index, 0);
    } else {
      this.#set(0, ssrc, index >>> 16, index << 16);
    }
  }

  #set(a: number, b: number, c: number, d: number): void {
    const salt = this.#salt;
    const view = this.#view;
    view.setInt32(0, salt[0] ^ a);
    view.setInt32(4, salt[1] ^ b);
    view.setInt32(8, salt[2] ^ c);
    view.setInt32(12, salt[3] ^ d);
  }
}
