import { type IoMemory } from '../io/packet-io';
import { SOCKADDR_BYTES } from '../io/peer-address';
import { MAX_PACKET_BYTES } from '../rtp/header';

/** Packets kept per leg: twice what fits into the time below at 20 ms. */
const MAX_PACKETS = 20;
/** What came longer than this before the answer is not part of the answer, ms. */
const MAX_AGE_MS = 200;

interface EarlyPacket {
  readonly packet: Uint8Array;
  readonly source: Int32Array;
  readonly atMs: number;
}

/**
 * The packets of a leg whose address is not known yet. A phone talks as soon as it has sent its 200, and the first
 * packets overtake the SDP on its way through the gateway: they are kept, shortly, and judged when the SDP is there.
 */
export class EarlyPackets {
  readonly #packets: EarlyPacket[] = [];

  /** Keeps a copy; the oldest makes room. */
  keep(memory: IoMemory, at: number, length: number, sourceAt: number, nowMs: number): void {
    if (length > MAX_PACKET_BYTES) {
      return;
    }
    if (this.#packets.length === MAX_PACKETS) {
      this.#packets.shift();
    }
    this.#packets.push({
      packet: memory.bytes.slice(at, at + length),
      source: memory.words.slice(sourceAt, sourceAt + SOCKADDR_BYTES / 4),
      atMs: nowMs,
    });
  }

  /** Hands over what is young enough, oldest first, as if it had just been received at `at`. */
  replay(
    memory: IoMemory,
    at: number,
    sourceAt: number,
    nowMs: number,
    receive: (length: number, atMs: number) => void,
  ): void {
    for (const { packet, source, atMs } of this.#packets.splice(0)) {
      if (nowMs - atMs <= MAX_AGE_MS) {
        memory.bytes.set(packet, at);
        memory.words.set(source, sourceAt);
        receive(packet.length, atMs);
      }
    }
  }
}
