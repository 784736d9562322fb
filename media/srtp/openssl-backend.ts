import koffi from 'koffi';
import { type IoMemory } from '../io/packet-io';
import {
  type CounterMode,
  type CryptoBackend,
  type Gcm,
  type HmacSha1,
  WORK,
} from './crypto-backend';

const GCM_TAG_BYTES = 16;
const EVP_CTRL_AEAD_GET_TAG = 0x10;
const EVP_CTRL_AEAD_SET_TAG = 0x11;
/** Where OpenSSL writes lengths that nobody reads. */
const LENGTH_AT = 56;
const KEEP_DIRECTION = -1;

/** The calls of libcrypto, with pointers as plain numbers (see the C library's binding). 1 is success. */
interface LibCrypto {
  cipherContextNew(): number;
  cipherContextFree(context: number): void;
  aesCtr(keyBytes: number): number;
  aesGcm(keyBytes: number): number;
  /** Sets cipher and key up. */
  setUp(
    context: number,
    cipher: number,
    engine: number,
    key: Uint8Array,
    iv: Uint8Array | null,
    isEncrypting: number,
  ): number;
  /** Sets another IV for the same key. */
  setIv(
    context: number,
    cipher: number,
    engine: number,
    key: number,
    ivPointer: number,
    isEncrypting: number,
  ): number;
  update(context: number, out: number, outLength: number, from: number, length: number): number;
  final(context: number, out: number, outLength: number): number;
  control(context: number, type: number, argument: number, pointer: number): number;
  hmacNew(): number;
  hmacFree(context: number): void;
  sha1(): number;
  hmacSetUp(
    context: number,
    key: Uint8Array,
    length: number,
    digest: number,
    engine: number,
  ): number;
  hmacRestart(context: number, key: number, length: number, digest: number, engine: number): number;
  hmacUpdate(context: number, pointer: number, length: number): number;
  hmacFinal(context: number, out: number, outLength: number): number;
}

let loaded: LibCrypto | null = null;

function loadLibCrypto(): LibCrypto {
  loaded ??= bindLibCrypto();
  return loaded;
}

function bindLibCrypto(): LibCrypto {
  // The running program itself: Node exports the OpenSSL that it is built with, for its add-ons.
  const library = koffi.load(null);
  const bind = (definition: string): never => library.func(definition) as never;
  const aes = (mode: string): ((keyBytes: number) => number) => {
    const short: () => number = bind(`int64 EVP_aes_128_${mode}()`);
    const long: () => number = bind(`int64 EVP_aes_256_${mode}()`);
    return keyBytes => (keyBytes === 32 ? long() : short());
  };
  return {
    cipherContextNew: bind('int64 EVP_CIPHER_CTX_new()'),
    cipherContextFree: bind('void EVP_CIPHER_CTX_free(int64)'),
    aesCtr: aes('ctr'),
    aesGcm: aes('gcm'),
    setUp: bind('int EVP_CipherInit_ex(int64, int64, int64, void*, void*, int)'),
    setIv: bind('int EVP_CipherInit_ex(int64, int64, int64, int64, int64, int)'),
    update: bind('int EVP_CipherUpdate(int64, int64, int64, int64, int)'),
    final: bind('int EVP_CipherFinal_ex(int64, int64, int64)'),
    control: bind('int EVP_CIPHER_CTX_ctrl(int64, int, int, int64)'),
    hmacNew: bind('int64 HMAC_CTX_new()'),
    hmacFree: bind('void HMAC_CTX_free(int64)'),
    sha1: bind('int64 EVP_sha1()'),
    hmacSetUp: bind('int HMAC_Init_ex(int64, void*, int, int64, int64)'),
    hmacRestart: bind('int HMAC_Init_ex(int64, int64, int, int64, int64)'),
    hmacUpdate: bind('int HMAC_Update(int64, int64, ulong)'),
    hmacFinal: bind('int HMAC_Final(int64, int64, int64)'),
  };
}

/**
 * OpenSSL's contexts through its C interface: they are keyed once, and a packet costs a handful of calls and no object.
 *
 * @param allocate memory with an address, as packets are in.
 * @throws when this Node does not export the calls.
 */
export function createOpensslBackend(allocate: (bytes: number) => IoMemory): CryptoBackend {
  const lib = loadLibCrypto();
  const work = allocate(WORK.bytes);
  const ivPointer = work.pointer + WORK.iv;
  const tailPointer = work.pointer + WORK.tail;
  const tagPointer = work.pointer + WORK.tag;
  const lengthPointer = work.pointer + LENGTH_AT;

  const newCipher = (cipher: number, key: Uint8Array): number => {
    const context = lib.cipherContextNew();
    if (context === 0 || lib.setUp(context, cipher, 0, key, null, 1) !== 1) {
      throw new Error('a cipher context cannot be made');
    }
    return context;
  };

  return {
    kind: 'openssl',
    work,

    counterMode(key): CounterMode {
      const context = newCipher(lib.aesCtr(key.length), key);
      return {
        crypt: (from, fromAt, to, toAt, length) =>
          lib.setIv(context, 0, 0, 0, ivPointer, KEEP_DIRECTION) === 1 &&
          lib.update(context, to.pointer + toAt, lengthPointer, from.pointer + fromAt, length) ===
            1,
        release: () => lib.cipherContextFree(context),
      };
    },

    hmacSha1(key): HmacSha1 {
      const context = lib.hmacNew();
      if (context === 0 || lib.hmacSetUp(context, key, key.length, lib.sha1(), 0) !== 1) {
        throw new Error('an HMAC context cannot be made');
      }
      return {
        digest: (memory, at, length, withTail) =>
          lib.hmacRestart(context, 0, 0, 0, 0) === 1 &&
          lib.hmacUpdate(context, memory.pointer + at, length) === 1 &&
          (!withTail || lib.hmacUpdate(context, tailPointer, 4) === 1) &&
          lib.hmacFinal(context, tagPointer, lengthPointer) === 1,
        release: () => lib.hmacFree(context),
      };
    },

    gcm(key): Gcm {
      const context = newCipher(lib.aesGcm(key.length), key);
      const authenticate = (pointer: number, bytes: number, withTail: boolean): boolean =>
        lib.update(context, 0, lengthPointer, pointer, bytes) === 1 &&
        (!withTail || lib.update(context, 0, lengthPointer, tailPointer, 4) === 1);
      return {
        seal(from, fromAt, to, toAt, length, clearBytes, withTail): boolean {
          const target = to.pointer + toAt;
          return (
            lib.setIv(context, 0, 0, 0, ivPointer, 1) === 1 &&
            authenticate(from.pointer + fromAt - clearBytes, clearBytes, withTail) &&
            (length === 0 ||
              lib.update(context, target, lengthPointer, from.pointer + fromAt, length) === 1) &&
            lib.final(context, target + length, lengthPointer) === 1 &&
            lib.control(context, EVP_CTRL_AEAD_GET_TAG, GCM_TAG_BYTES, target + length) === 1
          );
        },
        open(memory, at, length, clearBytes, withTail): boolean {
          const pointer = memory.pointer + at;
          return (
            lib.setIv(context, 0, 0, 0, ivPointer, 0) === 1 &&
            lib.control(context, EVP_CTRL_AEAD_SET_TAG, GCM_TAG_BYTES, pointer + length) === 1 &&
            authenticate(pointer - clearBytes, clearBytes, withTail) &&
            (length === 0 || lib.update(context, pointer, lengthPointer, pointer, length) === 1) &&
            lib.final(context, pointer + length, lengthPointer) === 1
          );
        },
        release: () => lib.cipherContextFree(context),
      };
    },
  };
}
