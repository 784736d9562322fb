import {
  type IoMemory,
  memoryOf,
  type PacketIo,
  type PointerSend,
  SEND_OK,
  type SendResult,
  type SocketHandle,
} from '../../media/io/packet-io';
import { PeerAddress, SOCKADDR_BYTES } from '../../media/io/peer-address';
import { MAX_PACKET_BYTES } from '../../media/rtp/header';

/** One datagram that the packet loop has sent. */
export interface SentDatagram {
  readonly handle: SocketHandle;
  /** In hexadecimal. */
  readonly bytes: string;
  /** null: the socket is connected. */
  readonly destination: string | null;
}

const SOURCE_AT = MAX_PACKET_BYTES;
/** Memories lie this far apart in the space of made-up pointers. */
const POINTER_STRIDE = 2 ** 32;

/** Packet I/O without a kernel: sockets are numbers, and what is sent is kept. */
export class ScriptedPacketIo implements PacketIo {
  readonly sent: SentDatagram[] = [];
  readonly spare = { at: 0, sourceAt: SOURCE_AT >> 2 };
  readonly received: IoMemory;
  readonly sendFrom: PointerSend | null;
  readonly #memories: IoMemory[] = [];
  readonly #outcome: (handle: SocketHandle, number: number) => SendResult;
  readonly #source: PeerAddress;
  readonly #numbers = new Map<SocketHandle, number>();
  #nextHandle = 100;

  /**
   * @param hasPointers whether it can be sent from pointers, as the Linux backend can.
   * @param outcome of the nth send of a socket.
   */
  constructor(
    hasPointers: boolean,
    outcome: (handle: SocketHandle, number: number) => SendResult = () => SEND_OK,
  ) {
    this.#outcome = outcome;
    this.received = this.allocate(MAX_PACKET_BYTES + 32);
    this.#source = new PeerAddress(this.received, SOURCE_AT >> 2);
    this.sendFrom = hasPointers
      ? (handle, pointer, length, addressPointer, addressLength) => {
          const { bytes, at } = this.#at(pointer);
          return this.#send(
            handle,
            bytes.subarray(at, at + length),
            addressPointer === 0 ? null : this.#address(addressPointer, addressLength),
          );
        }
      : null;
  }

  /** Puts a datagram where a received one lies. @returns index of the first word of its source. */
  receive(packet: Uint8Array, host: string, port: number): number {
    this.received.bytes.set(packet, 0);
    this.#source.set(host, port);
    return SOURCE_AT >> 2;
  }

  allocate(bytes: number): IoMemory {
    const rounded = Math.ceil(bytes / 16) * 16;
    const pointer = (this.#memories.length + 1) * POINTER_STRIDE;
    const memory = memoryOf(new ArrayBuffer(rounded), 0, rounded, pointer);
    this.#memories.push(memory);
    return memory;
  }

  createAddress(): PeerAddress {
    const address = new PeerAddress();
    address.clear();
    return address;
  }

  releaseAddress(): void {
    // Left to the garbage collector.
  }

  open(_token: number, _options: unknown, done: (result: { handle: number }) => void): void {
    done({ handle: this.#nextHandle++ });
  }

  connect(): void {
    // Nothing is really sent.
  }

  close(): void {
    // Nothing is really open.
  }

  run(): void {
    throw new Error('the test calls the sink itself');
  }

  send(
    handle: SocketHandle,
    memory: IoMemory,
    at: number,
    length: number,
    destination: PeerAddress | null,
  ): SendResult {
    const bytes = memory.bytes.subarray(at, at + length);
    return this.#send(handle, bytes, destination === null ? null : destination.toString());
  }

  #send(handle: SocketHandle, bytes: Uint8Array, destination: string | null): SendResult {
    const number = this.#numbers.get(handle) ?? 0;
    this.#numbers.set(handle, number + 1);
    const result = this.#outcome(handle, number);
    if (result === SEND_OK) {
      this.sent.push({ handle, bytes: Buffer.from(bytes).toString('hex'), destination });
    }
    return result;
  }

  #at(pointer: number): { bytes: Uint8Array; at: number } {
    const memory = this.#memories[Math.floor(pointer / POINTER_STRIDE) - 1];
    if (memory === undefined) {
      throw new Error('a pointer to nowhere');
    }
    return { bytes: memory.bytes, at: pointer % POINTER_STRIDE };
  }

  #address(pointer: number, length: number): string {
    const { bytes, at } = this.#at(pointer);
    const address = new PeerAddress();
    const words = new Int32Array(SOCKADDR_BYTES / 4);
    new Uint8Array(words.buffer).set(bytes.subarray(at, at + length));
    address.learn(words, 0);
    return address.toString();
  }
}
