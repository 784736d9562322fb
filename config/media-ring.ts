/** 20 ms packets, what every switch and phone sends unless told otherwise. */
const PACKETS_PER_SECOND = 50;
/** G.711 or G.722 at 20 ms (160 bytes), RTP header with an extension, and the ring's own record. */
const BYTES_PER_PACKET = 256;

/** Bytes of ring per recording stream that hold `seconds` of 64 kbit/s audio at 20 ms. */
export function ringBytesFor(seconds: number): number {
  return Math.ceil(seconds * PACKETS_PER_SECOND * BYTES_PER_PACKET);
}
