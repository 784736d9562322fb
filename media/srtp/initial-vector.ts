import { WORK } from './crypto-backend';

/** Words of a salt in a row; AES-CM's is shifted left by the 16 bits of its block counter. */
const SALT_WORDS = 4;

/** Puts the salt where {@link writeRtpIv} and {@link writeRtcpIv} find it. */
export function setSalt(words: Int32Array, at: number, salt: Buffer): void {
  const padded = Buffer.alloc(4 * SALT_WORDS);
  salt.copy(padded);
  for (let i = 0; i < SALT_WORDS; i++) {
    words[at + i] = padded.readInt32BE(4 * i);
  }
}

/** Writes the initial vector of an RTP packet: the salt, exclusive-or with SSRC and packet index (RFC 3711 §4.1.1, RFC 7714 §8.1). */
export function writeRtpIv(
  work: DataView,
  salt: Int32Array,
  at: number,
  isAead: boolean,
  ssrc: number,
  roc: number,
  sequence: number,
): void {
  if (isAead) {
    write(work, salt, at, ssrc >>> 16, (ssrc << 16) | (roc >>> 16), (roc << 16) | sequence, 0);
  } else {
    write(work, salt, at, 0, ssrc, roc, sequence << 16);
  }
}

/** The same of an SRTCP packet with its 31-bit index (RFC 3711 §4.1.1, RFC 7714 §9.1). */
export function writeRtcpIv(
  work: DataView,
  salt: Int32Array,
  at: number,
  isAead: boolean,
  ssrc: number,
  index: number,
): void {
  if (isAead) {
    write(work, salt, at, ssrc >>> 16, ssrc << 16, index, 0);
  } else {
    write(work, salt, at, 0, ssrc, index >>> 16, index << 16);
  }
}

function write(
  work: DataView,
  salt: Int32Array,
  at: number,
  a: number,
  b: number,
  c: number,
  d: number,
): void {
  work.setInt32(WORK.iv, (salt[at] ?? 0) ^ a);
  work.setInt32(WORK.iv + 4, (salt[at + 1] ?? 0) ^ b);
  work.setInt32(WORK.iv + 8, (salt[at + 2] ?? 0) ^ c);
  work.setInt32(WORK.iv + 12, (salt[at + 3] ?? 0) ^ d);
}
