import { createCipheriv, createDecipheriv, createHmac, createSecretKey } from 'node:crypto';
import { type IoMemory } from '../io/packet-io';
import {
  type CounterMode,
  type CryptoBackend,
  type Gcm,
  type HmacSha1,
  WORK,
} from './crypto-backend';

const BLOCK_BYTES = 16;
/** More blocks than the longest packet has. */
const MAX_BLOCKS = 160;
const GCM_IV_BYTES = 12;
const GCM_TAG_BYTES = 16;

/** Node's own crypto: works wherever Node does, at several times the CPU and with some garbage per packet. */
export function createNodeBackend(allocate: (bytes: number) => IoMemory): CryptoBackend {
  const work = allocate(WORK.bytes);
  const iv = work.bytes.subarray(WORK.iv, WORK.iv + BLOCK_BYTES);
  const gcmIv = work.bytes.subarray(WORK.iv, WORK.iv + GCM_IV_BYTES);
  const tail = work.bytes.subarray(WORK.tail, WORK.tail + 4);
  const counters = new Uint8Array(MAX_BLOCKS * BLOCK_BYTES);

  return {
    kind: 'node',
    work,

    counterMode(key): CounterMode {
      // One ECB cipher for the life of the key, fed with counter blocks: a cipher per packet costs three times as much.
      const cipher = createCipheriv(key.length === 32 ? 'aes-256-ecb' : 'aes-128-ecb', key, null);
      cipher.setAutoPadding(false);
      return {
        crypt(from, fromAt, to, toAt, length): boolean {
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
        release: () => undefined,
      };
    },

    hmacSha1(key): HmacSha1 {
      const secret = createSecretKey(key);
      return {
        digest(memory, at, length, withTail): boolean {
          const hmac = createHmac('sha1', secret).update(memory.bytes.subarray(at, at + length));
          work.bytes.set((withTail ? hmac.update(tail) : hmac).digest(), WORK.tag);
          return true;
        },
        release: () => undefined,
      };
    },

    gcm(key): Gcm {
      const secret = createSecretKey(key);
      const algorithm = key.length === 32 ? 'aes-256-gcm' : 'aes-128-gcm';
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
        seal(from, fromAt, to, toAt, length, clearBytes, withTail): boolean {
          const cipher = createCipheriv(algorithm, secret, gcmIv);
          cipher.setAAD(associated(from, fromAt, clearBytes, withTail));
          to.bytes.set(cipher.update(from.bytes.subarray(fromAt, fromAt + length)), toAt);
          cipher.final();
          to.bytes.set(cipher.getAuthTag(), toAt + length);
          return true;
        },
        open(memory, at, length, clearBytes, withTail): boolean {
          const decipher = createDecipheriv(algorithm, secret, gcmIv);
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
        release: () => undefined,
      };
    },
  };
}
