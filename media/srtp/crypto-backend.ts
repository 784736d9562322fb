import { type IoMemory } from '../io/packet-io';

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

/**
 * The primitives of SRTP on packets in {@link IoMemory}. Contexts are made once per key and used for every packet; the
 * few bytes that go along with a packet are in {@link work}. Per-packet calls return false when the library fails.
 */
export interface CryptoBackend {
  readonly kind: 'openssl' | 'node';
  readonly work: IoMemory;
  /** AES in counter mode; 16 or 32 bytes of key. */
  counterMode(key: Uint8Array): CounterMode;
  hmacSha1(key: Uint8Array): HmacSha1;
  /** AES-GCM with a 12-byte IV and a 16-byte tag; 16 or 32 bytes of key. */
  gcm(key: Uint8Array): Gcm;
}

export interface CounterMode {
  /** Encrypts or decrypts with the counter block at `work.iv`; in place when both are the same. */
  crypt(from: IoMemory, fromAt: number, to: IoMemory, toAt: number, length: number): boolean;
  release(): void;
}

export interface HmacSha1 {
  /** Leaves the 20 bytes over the stretch, and over the tail when asked, in `work.tag`. */
  digest(memory: IoMemory, at: number, length: number, withTail: boolean): boolean;
  release(): void;
}

export interface Gcm {
  /**
   * Encrypts from `fromAt` on; the `clearBytes` before it are associated data, followed by the tail when asked. The tag
   * goes right behind the ciphertext. The clear bytes are not copied.
   */
  seal(
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
    memory: IoMemory,
    at: number,
    length: number,
    clearBytes: number,
    withTail: boolean,
  ): boolean;
  release(): void;
}
