import koffi from 'koffi';
import { type IoMemory } from '../io/packet-io';
import { type CryptoBackend, MAX_STRETCH_BYTES, WORK } from './crypto-backend';
import { HmacSha1 } from './hmac-sha1';
import { SrtpRows } from './srtp-rows';

const BLOCK_BYTES = 16;
const GCM_TAG_BYTES = 16;
const EVP_CTRL_AEAD_GET_TAG = 0x10;
const EVP_CTRL_AEAD_SET_TAG = 0x11;
/** Where OpenSSL writes lengths that nobody reads. */
const LENGTH_AT = 56;

/** The calls of libcrypto, with pointers as plain numbers (see the C library's binding). 1 is success. */
interface LibCrypto {
  cipherContextNew(): number;
  cipherContextFree(context: number): void;
  aesEcb(keyBytes: number): number;
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
  withoutPadding(context: number, isPadded: 0): number;
  control(context: number, type: number, argument: number, pointer: number): number;
  sha1Init(context: number): number;
  sha1Update(context: number, pointer: number, length: number): number;
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
    aesEcb: aes('ecb'),
    aesGcm: aes('gcm'),
    setUp: bind('int EVP_CipherInit_ex(int64, int64, int64, void*, void*, int)'),
    setIv: bind('int EVP_CipherInit_ex(int64, int64, int64, int64, int64, int)'),
    update: bind('int EVP_CipherUpdate(int64, int64, int64, int64, int)'),
    final: bind('int EVP_CipherFinal_ex(int64, int64, int64)'),
    withoutPadding: bind('int EVP_CIPHER_CTX_set_padding(int64, int)'),
    control: bind('int EVP_CIPHER_CTX_ctrl(int64, int, int, int64)'),
    sha1Init: bind('int SHA1_Init(int64)'),
    sha1Update: bind('int SHA1_Update(int64, int64, ulong)'),
  };
}

/**
 * OpenSSL's ciphers through its C interface: they are keyed once, and a packet costs a handful of calls and no object.
 * Every call costs as much as encrypting sixty bytes, and every context is memory that has left the processor's cache; so
 * counter blocks and the padding of SHA-1 are written here, and what a key of an HMAC leaves is ten words.
 *
 * @param allocate memory with an address, as packets are in.
 * @throws when this Node does not export the calls.
 */
export function createOpensslBackend(
  allocate: (bytes: number) => IoMemory,
  rows = new SrtpRows(),
): CryptoBackend {
  const lib = loadLibCrypto();
  const work = allocate(WORK.bytes);
  const ivPointer = work.pointer + WORK.iv;
  const tailPointer = work.pointer + WORK.tail;
  const lengthPointer = work.pointer + LENGTH_AT;
  const counters = allocate(MAX_STRETCH_BYTES + BLOCK_BYTES);
  const keyStream = allocate(MAX_STRETCH_BYTES + BLOCK_BYTES);
  const sha1 = new HmacSha1(lib, work, allocate);

  const newCipher = (cipher: number, key: Uint8Array): number => {
    const context = lib.cipherContextNew();
    if (context === 0 || lib.setUp(context, cipher, 0, key, null, 1) !== 1) {
      throw new Error('a cipher context cannot be made');
    }
    return context;
  };
  const authenticate = (
    context: number,
    pointer: number,
    bytes: number,
    withTail: boolean,
  ): boolean =>
    lib.update(context, 0, lengthPointer, pointer, bytes) === 1 &&
    (!withTail || lib.update(context, 0, lengthPointer, tailPointer, 4) === 1);

  return {
    kind: 'openssl',
    work,
    rows,

    counterMode(key): number {
      const context = newCipher(lib.aesEcb(key.length), key);
      lib.withoutPadding(context, 0);
      return context;
    },

    crypt(context, from, fromAt, to, toAt, length): boolean {
      if (length > MAX_STRETCH_BYTES) {
        return false;
      }
      const bytes = writeCounters(work, counters, length);
      if (lib.update(context, keyStream.pointer, lengthPointer, counters.pointer, bytes) !== 1) {
        return false;
      }
      mix(keyStream, from, fromAt, to, toAt, length);
      return true;
    },

    keyHmac: (key, words, at) => sha1.key(key, words, at),
    digest: (words, at, memory, from, length, withTail) =>
      sha1.digest(words, at, memory, from, length, withTail),
    releaseHmac: () => undefined,

    gcm: key => newCipher(lib.aesGcm(key.length), key),

    seal(context, from, fromAt, to, toAt, length, clearBytes, withTail): boolean {
      const target = to.pointer + toAt;
      return (
        lib.setIv(context, 0, 0, 0, ivPointer, 1) === 1 &&
        authenticate(context, from.pointer + fromAt - clearBytes, clearBytes, withTail) &&
        (length === 0 ||
          lib.update(context, target, lengthPointer, from.pointer + fromAt, length) === 1) &&
        lib.final(context, target + length, lengthPointer) === 1 &&
        lib.control(context, EVP_CTRL_AEAD_GET_TAG, GCM_TAG_BYTES, target + length) === 1
      );
    },

    open(context, memory, at, length, clearBytes, withTail): boolean {
      const pointer = memory.pointer + at;
      return (
        lib.setIv(context, 0, 0, 0, ivPointer, 0) === 1 &&
        lib.control(context, EVP_CTRL_AEAD_SET_TAG, GCM_TAG_BYTES, pointer + length) === 1 &&
        authenticate(context, pointer - clearBytes, clearBytes, withTail) &&
        (length === 0 || lib.update(context, pointer, lengthPointer, pointer, length) === 1) &&
        lib.final(context, pointer + length, lengthPointer) === 1
      );
    },

    releaseCipher: context => lib.cipherContextFree(context),
  };
}

/** Writes the counter blocks for so many bytes. @returns how many bytes of them. */
function writeCounters(work: IoMemory, counters: IoMemory, length: number): number {
  const iv = work.words;
  const { words } = counters;
  const [a, b, c, d] = [iv[0] ?? 0, iv[1] ?? 0, iv[2] ?? 0, iv[3] ?? 0];
  const blocks = Math.ceil(length / BLOCK_BYTES);
  for (let i = 0; i < blocks; i++) {
    words[4 * i] = a;
    words[4 * i + 1] = b;
    words[4 * i + 2] = c;
    // The last two of its bytes count, high byte first, as this processor has them in a word.
    words[4 * i + 3] = d | (i << 24) | ((i >> 8) << 16);
  }
  return blocks * BLOCK_BYTES;
}

/** Exclusive-or of a stretch with the key stream. */
function mix(
  keyStream: IoMemory,
  from: IoMemory,
  fromAt: number,
  to: IoMemory,
  toAt: number,
  length: number,
): void {
  // Packets and their payloads begin at multiples of four; whatever does not goes byte by byte.
  const words = ((fromAt | toAt) & 3) === 0 ? length >> 2 : 0;
  const [source, target] = [fromAt >> 2, toAt >> 2];
  for (let i = 0; i < words; i++) {
    to.words[target + i] = (from.words[source + i] ?? 0) ^ (keyStream.words[i] ?? 0);
  }
  for (let i = 4 * words; i < length; i++) {
    to.bytes[toAt + i] = (from.bytes[fromAt + i] ?? 0) ^ (keyStream.bytes[i] ?? 0);
  }
}
