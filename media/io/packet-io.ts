import { type PeerAddress } from './peer-address';

/** Memory from which packets can be sent, in the views that the packet loop needs. */
export interface IoMemory {
  readonly buffer: ArrayBufferLike;
  /** Offset of the memory in `buffer`, a multiple of 16. */
  readonly offset: number;
  readonly length: number;
  readonly bytes: Uint8Array;
  readonly words: Int32Array;
  readonly doubles: Float64Array;
  readonly view: DataView;
  /** Address of the first byte for system calls; 0 where there are none. */
  readonly pointer: number;
}

/** An open socket of a backend: a file descriptor, or an index. */
export type SocketHandle = number;

export interface OpenSocketOptions {
  readonly host: string;
  readonly port: number;
  /** DiffServ code point, 0–63. */
  readonly dscp: number;
  /** Wanted size of each socket buffer. The kernel may give less. */
  readonly bufferBytes: number;
}

/** Why a socket could not be opened: an errno name such as `EADDRINUSE`. */
export type OpenSocketResult = { readonly handle: SocketHandle } | { readonly error: string };

/** Outcomes of {@link PacketIo.send}; numbers because every packet has one. */
export const SEND_OK = 0;
/** The socket's buffer is full: try later. */
export const SEND_WOULD_BLOCK = 1;
/** An ICMP error about an earlier packet was pending; this packet was not sent. */
export const SEND_REFUSED = 2;
/** The packet can never be sent (too long). */
export const SEND_TOO_LONG = 3;
/** Any other refusal of the kernel, such as no route. */
export const SEND_FAILED = 4;
export type SendResult =
  | typeof SEND_OK
  | typeof SEND_WOULD_BLOCK
  | typeof SEND_REFUSED
  | typeof SEND_TOO_LONG
  | typeof SEND_FAILED;

/**
 * Sends bytes that lie at an address of memory.
 *
 * @param addressPointer of the destination's sockaddr; 0 for a connected socket.
 */
export type PointerSend = (
  handle: SocketHandle,
  pointer: number,
  length: number,
  addressPointer: number,
  addressLength: number,
) => SendResult;

/** What the loop above does with what arrives. None of it may throw. */
export interface PacketSink {
  /** The time of the round, ms, monotonic; set by the backend before the calls below. */
  nowMs: number;
  /**
   * One datagram lies in {@link PacketIo.received}.
   *
   * @param token that the socket was opened with.
   * @param at offset of the datagram, a multiple of 16.
   * @param sourceAt index of the first word of its source's sockaddr in `received.words`.
   */
  onPacket(token: number, at: number, length: number, sourceAt: number): void;
  /** A datagram longer than {@link MAX_PACKET_BYTES} came and was not kept. */
  onOversize(token: number): void;
  /** The socket reports an ICMP error (connected sockets only). */
  onRefused(token: number): void;
  /** After each round of packets. @returns ms until it wants to be called again at the latest. */
  onRoundEnd(): number;
  /** Takes the control messages that are waiting. @returns false to end the loop. */
  onControl(): boolean;
}

/**
 * Packet input and output below the loop. Everything is synchronous but the opening of sockets, which calls back
 * (at once, where the system allows it).
 */
export interface PacketIo {
  /** Where received datagrams and their sources lie while {@link PacketSink.onPacket} runs. */
  readonly received: IoMemory;
  /** A place in `received` for one packet and its source that is free outside of {@link PacketSink.onPacket}. */
  readonly spare: { readonly at: number; readonly sourceAt: number };
  allocate(bytes: number): IoMemory;
  createAddress(): PeerAddress;
  /** Gives an address back; once, and it is not used any more. */
  releaseAddress(address: PeerAddress): void;
  /** @param token handed to the sink with each datagram of this socket. */
  open(token: number, options: OpenSocketOptions, done: (result: OpenSocketResult) => void): void;
  /** Pins the socket to a peer: sends need no destination, and ICMP errors are reported. */
  connect(handle: SocketHandle, address: PeerAddress): void;
  close(handle: SocketHandle): void;
  /** @param destination null for a connected socket. */
  send(
    handle: SocketHandle,
    memory: IoMemory,
    at: number,
    length: number,
    destination: PeerAddress | null,
  ): SendResult;
  /** Sends without going through objects; null where there are no pointers. */
  readonly sendFrom: PointerSend | null;
  /** Runs until {@link PacketSink.onControl} says no; afterwards every socket is closed and `ended` called. */
  run(sink: PacketSink, ended: () => void): void;
}

/** The views of one stretch of memory. */
export function memoryOf(
  buffer: ArrayBufferLike,
  offset: number,
  length: number,
  pointer: number,
): IoMemory {
  return {
    buffer,
    offset,
    length,
    bytes: new Uint8Array(buffer, offset, length),
    words: new Int32Array(buffer, offset, length >> 2),
    doubles: new Float64Array(buffer, offset, length >> 3),
    view: new DataView(buffer, offset, length),
    pointer,
  };
}
