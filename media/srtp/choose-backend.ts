import { type IoMemory } from '../io/packet-io';
import { ownRow } from '../rtp/state-row';
import { type CryptoBackend, HMAC_WORDS, WORK } from './crypto-backend';
import { createNodeBackend } from './node-backend';
import { createOpensslBackend } from './openssl-backend';
import { SrtpRows } from './srtp-rows';

/** RFC 3711 appendix B.2: key, counter block, the first blocks of the key stream. */
const KNOWN = {
  key: '2b7e151628aed2a6abf7158809cf4f3c',
  iv: 'f0f1f2f3f4f5f6f7f8f9fafbfcfd0000',
  stream:
    'e03ead0935c95e80e166b16dd92b4eb4d23513162b02d0f72a43a2fe4a5f97ab41e95b3bb0a2e8dd477901e4fca894c0',
  /** HMAC-SHA1 of those blocks with the same key. */
  tag: '68b4a51e5a2c2196ad12abfbeaf8309d9ffaa4cb',
};
const KNOWN_BYTES = 48;

/**
 * The fastest crypto that gives right answers here: OpenSSL through its C interface where packets have addresses, Node's
 * own otherwise.
 *
 * @param allocate memory as packets are in. @param rows where it keeps its keys.
 */
export function chooseCryptoBackend(
  allocate: (bytes: number) => IoMemory,
  rows = new SrtpRows(),
): CryptoBackend {
  try {
    const backend = createOpensslBackend(allocate, rows);
    if (backend.work.pointer !== 0 && isRight(backend, allocate(WORK.bytes))) {
      return backend;
    }
  } catch {
    // This Node does not export OpenSSL, or it is another OpenSSL than we know.
  }
  return createNodeBackend(allocate, rows);
}

/** Whether cipher and HMAC give what RFC 3711 says: a wrong binding must not be found out by a call. */
function isRight(backend: CryptoBackend, memory: IoMemory): boolean {
  const key = Buffer.from(KNOWN.key, 'hex');
  const { words, at } = ownRow(HMAC_WORDS);
  const cipher = backend.counterMode(key);
  backend.keyHmac(key, words, at);
  backend.work.bytes.set(Buffer.from(KNOWN.iv, 'hex'), WORK.iv);
  memory.bytes.fill(0);
  const isDone =
    backend.crypt(cipher, memory, 0, memory, 0, KNOWN_BYTES) &&
    backend.digest(words, at, memory, 0, KNOWN_BYTES, false);
  backend.releaseCipher(cipher);
  backend.releaseHmac(words, at);
  const hex = (bytes: Uint8Array, at: number, length: number): string =>
    Buffer.from(bytes.subarray(at, at + length)).toString('hex');
  return (
    isDone &&
    hex(memory.bytes, 0, KNOWN_BYTES) === KNOWN.stream &&
    hex(backend.work.bytes, WORK.tag, 20) === KNOWN.tag
  );
}
