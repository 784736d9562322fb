import { type IoMemory } from '../io/packet-io';
import { type CryptoBackend, WORK } from './crypto-backend';
import { createNodeBackend } from './node-backend';
import { createOpensslBackend } from './openssl-backend';

/** RFC 3711 appendix B.2: key, counter block, first block of the key stream. */
const KNOWN = {
  key: '2b7e151628aed2a6abf7158809cf4f3c',
  iv: 'f0f1f2f3f4f5f6f7f8f9fafbfcfd0000',
  stream: 'e03ead0935c95e80e166b16dd92b4eb4',
  /** HMAC-SHA1 of that block with the same key. */
  tag: 'd6589af0983aae923c8d4286132a08c41686585b',
};

/**
 * The fastest crypto that gives right answers here: OpenSSL through its C interface where packets have addresses, Node's
 * own otherwise.
 *
 * @param allocate memory as packets are in.
 */
export function chooseCryptoBackend(allocate: (bytes: number) => IoMemory): CryptoBackend {
  try {
    const backend = createOpensslBackend(allocate);
    if (backend.work.pointer !== 0 && isRight(backend, allocate(WORK.bytes))) {
      return backend;
    }
  } catch {
    // This Node does not export OpenSSL, or it is another OpenSSL than we know.
  }
  return createNodeBackend(allocate);
}

/** Whether cipher and HMAC give what RFC 3711 says: a wrong binding must not be found out by a call. */
function isRight(backend: CryptoBackend, memory: IoMemory): boolean {
  const key = Buffer.from(KNOWN.key, 'hex');
  const cipher = backend.counterMode(key);
  const hmac = backend.hmacSha1(key);
  backend.work.bytes.set(Buffer.from(KNOWN.iv, 'hex'), WORK.iv);
  memory.bytes.fill(0);
  const isDone = cipher.crypt(memory, 0, memory, 0, 16) && hmac.digest(memory, 0, 16, false);
  cipher.release();
  hmac.release();
  const hex = (bytes: Uint8Array, at: number, length: number): string =>
    Buffer.from(bytes.subarray(at, at + length)).toString('hex');
  return (
    isDone &&
    hex(memory.bytes, 0, 16) === KNOWN.stream &&
    hex(backend.work.bytes, WORK.tag, 20) === KNOWN.tag
  );
}
