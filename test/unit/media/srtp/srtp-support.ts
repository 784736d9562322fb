import { loadLibc, viewMemory } from '../../../../media/io/linux/libc';
import { type IoMemory, memoryOf } from '../../../../media/io/packet-io';
import { type CryptoBackend } from '../../../../media/srtp/crypto-backend';
import { createNodeBackend } from '../../../../media/srtp/node-backend';
import { createOpensslBackend } from '../../../../media/srtp/openssl-backend';

const PROT_READ_WRITE = 3;
const MAP_PRIVATE_ANONYMOUS = 0x22;

/** Memory of the C library, as packets are in. It lives as long as the test process. */
export function nativeMemory(bytes: number): IoMemory {
  const pointer = loadLibc().mmap(0, bytes, PROT_READ_WRITE, MAP_PRIVATE_ANONYMOUS, -1, 0);
  return memoryOf(viewMemory(pointer, bytes), 0, bytes, pointer);
}

function plainMemory(bytes: number): IoMemory {
  return memoryOf(new ArrayBuffer(bytes), 0, bytes, 0);
}

export interface Bench {
  readonly name: string;
  readonly backend: CryptoBackend;
  readonly memory: IoMemory;
  readonly other: IoMemory;
}

/** Both implementations of the primitives. */
export const BENCHES: readonly Bench[] = [
  {
    name: 'openssl',
    backend: createOpensslBackend(nativeMemory),
    memory: nativeMemory(8192),
    other: nativeMemory(8192),
  },
  {
    name: 'node',
    backend: createNodeBackend(plainMemory),
    memory: plainMemory(8192),
    other: plainMemory(8192),
  },
];

export function put(memory: IoMemory, at: number, hex: string): number {
  const bytes = Buffer.from(hex.replaceAll(/\s/g, ''), 'hex');
  memory.bytes.set(bytes, at);
  return bytes.length;
}

export function read(memory: IoMemory, at: number, length: number): string {
  return Buffer.from(memory.bytes.subarray(at, at + length)).toString('hex');
}

/** An RTP packet of G.711 length with a payload that tells packets apart. */
export function rtpHex(sequence: number, ssrc = 0xcafebabe, payloadBytes = 160): string {
  const packet = Buffer.alloc(12 + payloadBytes, sequence & 0xff);
  packet.writeUInt16BE(0x8000, 0);
  packet.writeUInt16BE(sequence & 0xffff, 2);
  packet.writeUInt32BE((sequence * 160) >>> 0, 4);
  packet.writeUInt32BE(ssrc, 8);
  return packet.toString('hex');
}
