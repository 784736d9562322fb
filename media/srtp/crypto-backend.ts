import { type IoMemory } from '../io/packet-io';
import { MAX_PACKET_BYTES } from '../rtp/header';
import { type SrtpRows } from './srtp-rows';
import { MAX_SRTP_OVERHEAD_BYTES } from './suites';

/** Offsets within {@link CryptoBackend.work}. */
export const WORK = {
  /** 16 bytes: the counter block, or the 12 bytes of GCM's IV. */
  iv: 0,
  /** 4 bytes that are authenticated and lie elsewhere in the packet, or nowhere. */
  tail: 16,
  /** 20 bytes: what was computed. */
  tag: 32,
  bytes: 64,
} as const;

/** The longest stretch that is encrypted or authenticated at once, bytes. */
export const MAX_STRETCH_BYTES = MAX_PACKET_BYTES + MAX_SRTP_OVERHEAD_BYTES;
/** Words of a row that keep a key of HMAC-SHA1. */
export const HMAC_WORDS = 10;
/** A keyed cipher of a backend: an address, or an index. */
export type CipherHandle = number;

/**
 * The primitives of SRTP on packets in {@link IoMemory}. Ciphers are made once per key and used for every packet; the few
 * bytes that go along with a packet are in {@link work}. What is kept per key lies in {@link rows}. Per-packet calls return
 * false when the library fails, or a stretch is longer than {@link MAX_STRETCH_BYTES}.
 */
export interface CryptoBackend {
  readonly kind: 'openssl' | 'node';
  readonly work: IoMemory;
  readonly rows: SrtpRows;

  /** AES in counter mode; 16 or 32 bytes of key. */
  counterMode(key: Uint8Array): CipherHandle;
  /**
   * Encrypts or decrypts with the counter block at `work.iv`, whose last two bytes are zero (RFC 3711 §4.1.1); in place
   * when both are the same.
   */
  crypt(
    cipher: CipherHandle,
    from: IoMemory,
    fromAt: number,
    to: IoMemory,
    toAt: number,
    length: number,
  ): boolean;

  /** Keys an HMAC-SHA1: writes {@link HMAC_WORDS} words. @param key of 64 bytes at most. */
  keyHmac(key: Uint8Array, words: Int32Array, wordsAt: number): void;
  /** Leaves the 20 bytes over the stretch, and over the tail when asked, in `work.tag`. */
  digest(
    words: Int32Array,
    wordsAt: number,
    memory: IoMemory,
    at: number,
    length: number,
    withTail: boolean,
  ): boolean;
  releaseHmac(words: Int32Array, wordsAt: number): void;

  /** AES-GCM with a 12-byte IV and a 16-byte tag; 16 or 32 bytes of key. */
  gcm(key: Uint8Array): CipherHandle;
  /**
   * Encrypts from `fromAt` on; the `clearBytes` before it are associated data, followed by the tail when asked. The tag
   * goes right behind the ciphertext. The clear bytes are not copied.
   */
  seal(
    cipher: CipherHandle,
    from: IoMemory,
    fromAt: number,
    to: IoMemory,
    toAt: number,
    length: number,
    clearBytes: number,
    withTail: boolean,
  ): boolean;
  /** Decrypts in place what {@link seal} made; the tag is behind the `length` bytes. @returns false: not authentic. */
  open(
    cipher: CipherHandle,
    memory: IoMemory,
    at: number,
    length: number,
    clearBytes: number,
    withTail: boolean,
  ): boolean;

  releaseCipher(cipher: CipherHandle): void;
}
