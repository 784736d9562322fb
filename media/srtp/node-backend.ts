import {
  type Cipher,
  createCipheriv,
  createDecipheriv,
  createHmac,
  createSecretKey,
  type KeyObject,
} from 'node:crypto';
import { type IoMemory } from '../io/packet-io';
import { type CryptoBackend, MAX_STRETCH_BYTES, WORK } from './crypto-backend';
import { SrtpRows } from './srtp-rows';

const BLOCK_BYTES = 16;
const GCM_IV_BYTES = 12;
const GCM_TAG_BYTES = 16;

/** Things by a number that stands for them in rows and handles. */
class Numbered<T> {
  readonly #byNumber = new Map<number, T>();
  #last = 0;

  add(thing: T): number {
    this.#byNumber.set(++this.#last, thing);
    return this.#last;
  }

  get(number: number): T {
    const thing = this.#byNumber.get(number);
    if (thing === undefined) {
      throw new Error(`there is no cipher ${number}`);
    }
    return thing;
  }

  delete(number: number): void {
    this.#byNumber.delete(number);
  }
}

/** Node's own crypto: works wherever Node does, at several times the CPU and with some garbage per packet. */
export function createNodeBackend(
  allocate: (bytes: number) => IoMemory,
  rows = new SrtpRows(),
): CryptoBackend {
  const work = allocate(WORK.bytes);
  const iv = work.bytes.subarray(WORK.iv, WORK.iv + BLOCK_BYTES);
  const gcmIv = work.bytes.subarray(WORK.iv, WORK.iv + GCM_IV_BYTES);
  const tail = work.bytes.subarray(WORK.tail, WORK.tail + 4);
  const counters = new Uint8Array(MAX_STRETCH_BYTES + BLOCK_BYTES);
  const secrets = new Numbered<KeyObject>();
  const ciphers = new Numbered<Cipher | KeyObject>();

  const algorithmOf = (secret: KeyObject): 'aes-128-gcm' | 'aes-256-gcm' =>
    secret.symmetricKeySize === 32 ? 'aes-256-gcm' : 'aes-128-gcm';
  const associated = (
    memory: IoMemory,
    at: number,
    clearBytes: number,
    withTail: boolean,
  ): Uint8Array => {
    const clear = memory.bytes.subarray(at - clearBytes, at);
    return withTail ? Buffer.concat([clear, tail]) : clear;
  };

  return {
    kind: 'node',
    work,
    rows,

    counterMode(key): number {
      // One ECB cipher for the life of the key, fed with counter blocks: a cipher per packet costs three times as much.
      const cipher = createCipheriv(key.length === 32 ? 'aes-256-ecb' : 'aes-128-ecb', key, null);
      return ciphers.add(cipher.setAutoPadding(false));
    },

    crypt(handle, from, fromAt, to, toAt, length): boolean {
      if (length > MAX_STRETCH_BYTES) {
        return false;
      }
      const cipher = ciphers.get(handle) as Cipher;
      const blocks = Math.ceil(length / BLOCK_BYTES);
      for (let i = 0; i < blocks; i++) {
        // The last two bytes of SRTP's counter block count, from zero (RFC 3711 §4.1.1).
        counters.set(iv, i * BLOCK_BYTES);
        counters[i * BLOCK_BYTES + 14] = i >> 8;
        counters[i * BLOCK_BYTES + 15] = i & 0xff;
      }
      const stream = cipher.update(counters.subarray(0, blocks * BLOCK_BYTES));
      for (let i = 0; i < length; i++) {
        to.bytes[toAt + i] = (from.bytes[fromAt + i] ?? 0) ^ (stream[i] ?? 0);
      }
      return true;
    },

    keyHmac(key, words, at): void {
      words[at] = secrets.add(createSecretKey(key));
    },

    digest(words, wordsAt, memory, at, length, withTail): boolean {
      if (length > MAX_STRETCH_BYTES) {
        return false;
      }
      const hmac = createHmac('sha1', secrets.get(words[wordsAt] ?? 0));
      hmac.update(memory.bytes.subarray(at, at + length));
      work.bytes.set((withTail ? hmac.update(tail) : hmac).digest(), WORK.tag);
      return true;
    },

    releaseHmac: (words, at) => secrets.delete(words[at] ?? 0),

    gcm: key => ciphers.add(createSecretKey(key)),

    seal(handle, from, fromAt, to, toAt, length, clearBytes, withTail): boolean {
      const secret = ciphers.get(handle) as KeyObject;
      const cipher = createCipheriv(algorithmOf(secret), secret, gcmIv);
      cipher.setAAD(associated(from, fromAt, clearBytes, withTail));
      to.bytes.set(cipher.update(from.bytes.subarray(fromAt, fromAt + length)), toAt);
      cipher.final();
      to.bytes.set(cipher.getAuthTag(), toAt + length);
      return true;
    },

    open(handle, memory, at, length, clearBytes, withTail): boolean {
      const secret = ciphers.get(handle) as KeyObject;
      const decipher = createDecipheriv(algorithmOf(secret), secret, gcmIv);
      decipher.setAAD(associated(memory, at, clearBytes, withTail));
      const end = at + length;
      decipher.setAuthTag(memory.bytes.subarray(end, end + GCM_TAG_BYTES));
      const plain = decipher.update(memory.bytes.subarray(at, end));
      try {
        decipher.final();
      } catch {
        return false;
      }
      memory.bytes.set(plain, at);
      return true;
    },

    releaseCipher: handle => ciphers.delete(handle),
  };
}
