import { copyWords } from '../io/copy-words';
import { type IoMemory } from '../io/packet-io';
import { MAX_STRETCH_BYTES, WORK } from './crypto-backend';

/** SHA-1 of OpenSSL, on its `SHA_CTX`, which begins with the five words of the state. 1 is success. */
export interface Sha1Library {
  sha1Init(context: number): number;
  sha1Update(context: number, pointer: number, length: number): number;
}

const BLOCK_BYTES = 64;
const STATE_WORDS = 5;
const DIGEST_BYTES = 4 * STATE_WORDS;
/** More than a `SHA_CTX` has. */
const CONTEXT_BYTES = 128;
const INNER_PAD = 0x36;
const OUTER_PAD = 0x5c;
/** Behind the message: a bit, zeros, and the length in bits as 64 bits (RFC 3174 §4). */
const FIRST_PAD = 0x80;
const LENGTH_BYTES = 8;

/**
 * HMAC-SHA1 (RFC 2104). Of a key only the state of SHA-1 after the first block of the inner and of the outer hash is
 * kept. Messages are padded here, so that one call hashes all of one: whole blocks leave nothing behind in the context.
 */
export class HmacSha1 {
  readonly #lib: Sha1Library;
  readonly #work: IoMemory;
  readonly #context: IoMemory;
  readonly #message: IoMemory;
  /** The second message of every HMAC: the inner digest. */
  readonly #outer: IoMemory;

  constructor(lib: Sha1Library, work: IoMemory, allocate: (bytes: number) => IoMemory) {
    this.#lib = lib;
    this.#work = work;
    this.#context = allocate(CONTEXT_BYTES);
    this.#message = allocate(MAX_STRETCH_BYTES + 2 * BLOCK_BYTES);
    this.#outer = allocate(BLOCK_BYTES);
    pad(this.#outer, DIGEST_BYTES);
  }

  /** Keeps what the key leaves: inner state, then outer state. @throws when the library fails. */
  key(key: Uint8Array, words: Int32Array, at: number): void {
    const block = this.#message;
    for (const [i, padByte] of [INNER_PAD, OUTER_PAD].entries()) {
      for (let k = 0; k < BLOCK_BYTES; k++) {
        block.bytes[k] = (key[k] ?? 0) ^ padByte;
      }
      if (
        this.#lib.sha1Init(this.#context.pointer) !== 1 ||
        this.#lib.sha1Update(this.#context.pointer, block.pointer, BLOCK_BYTES) !== 1
      ) {
        throw new Error('an HMAC cannot be keyed');
      }
      for (let k = 0; k < STATE_WORDS; k++) {
        words[at + i * STATE_WORDS + k] = this.#context.words[k] ?? 0;
      }
    }
    block.bytes.fill(0, 0, BLOCK_BYTES);
  }

  /** Leaves the digest of the stretch, and of the tail when asked, in `work.tag`. */
  digest(
    words: Int32Array,
    at: number,
    memory: IoMemory,
    from: number,
    length: number,
    withTail: boolean,
  ): boolean {
    if (length > MAX_STRETCH_BYTES) {
      return false;
    }
    const message = this.#message;
    copy(memory, from, message, length);
    let bytes = length;
    if (withTail) {
      for (let i = 0; i < 4; i++) {
        message.bytes[bytes + i] = this.#work.bytes[WORK.tail + i] ?? 0;
      }
      bytes += 4;
    }
    if (!this.#hash(words, at, message, pad(message, bytes), this.#outer.view, 0)) {
      return false;
    }
    const { view } = this.#work;
    return this.#hash(words, at + STATE_WORDS, this.#outer, BLOCK_BYTES, view, WORK.tag);
  }

  /** Hashes whole blocks, after the first one that the key was. */
  #hash(
    words: Int32Array,
    at: number,
    message: IoMemory,
    bytes: number,
    digest: DataView,
    digestAt: number,
  ): boolean {
    const state = this.#context.words;
    for (let i = 0; i < STATE_WORDS; i++) {
      state[i] = words[at + i] ?? 0;
    }
    const isDone = this.#lib.sha1Update(this.#context.pointer, message.pointer, bytes) === 1;
    for (let i = 0; i < STATE_WORDS; i++) {
      digest.setInt32(digestAt + 4 * i, state[i] ?? 0);
    }
    return isDone;
  }
}

/** To the begin of a memory, and perhaps a few bytes more. */
function copy(from: IoMemory, at: number, to: IoMemory, length: number): void {
  if ((at & 3) !== 0) {
    for (let i = 0; i < length; i++) {
      to.bytes[i] = from.bytes[at + i] ?? 0;
    }
    return;
  }
  copyWords(from.words, at >> 2, to.words, 0, (length + 3) >> 2);
}

/** Pads a message that follows one block. @returns its length in whole blocks, bytes. */
function pad(message: IoMemory, length: number): number {
  const end = (length + LENGTH_BYTES + BLOCK_BYTES) & ~(BLOCK_BYTES - 1);
  message.bytes[length] = FIRST_PAD;
  for (let i = length + 1; i < end - 4; i++) {
    message.bytes[i] = 0;
  }
  message.view.setInt32(end - 4, 8 * (BLOCK_BYTES + length));
  return end;
}
