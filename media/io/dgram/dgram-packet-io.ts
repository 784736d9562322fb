import { createSocket, type Socket } from 'node:dgram';
import { MAX_PACKET_BYTES } from '../../rtp/header';
import {
  type IoMemory,
  memoryOf,
  type OpenSocketOptions,
  type OpenSocketResult,
  type PacketIo,
  type PacketSink,
  SEND_FAILED,
  SEND_OK,
  SEND_TOO_LONG,
  type SendResult,
  type SocketHandle,
} from '../packet-io';
import { PeerAddress } from '../peer-address';

const SOURCE_AT = MAX_PACKET_BYTES;
const RECEIVE_BYTES = MAX_PACKET_BYTES + 32;
/** How often the sink's timers run, ms. */
const TICK_MS = 10;
/** Sources whose addresses are kept in parsed form per socket: the peer and a few strangers. */
const MAX_KNOWN_SOURCES = 8;

interface OpenSocket {
  readonly token: number;
  readonly socket: Socket;
  /** Their sockaddrs. */
  readonly knownSources: Map<string, Uint8Array>;
  readonly onSent: (error: Error | null) => void;
  isConnected: boolean;
}

/**
 * Packet I/O on Node's own UDP sockets: works wherever Node does, at several times the CPU per packet. DSCP is not
 * set, because Node has no call for it.
 */
export class DgramPacketIo implements PacketIo {
  readonly received: IoMemory;
  readonly sendFrom = null;
  readonly spare = { at: 0, sourceAt: SOURCE_AT >> 2 };
  readonly #subscribe: (wake: () => void) => void;
  readonly #sockets = new Map<SocketHandle, OpenSocket>();
  #nextHandle = 1;
  #sink: PacketSink | null = null;
  #ticker: NodeJS.Timeout | null = null;

  /** @param subscribe is given a function to call whenever control messages wait. */
  constructor(subscribe: (wake: () => void) => void) {
    this.#subscribe = subscribe;
    this.received = this.allocate(RECEIVE_BYTES);
  }

  allocate(bytes: number): IoMemory {
    return memoryOf(new ArrayBuffer(bytes), 0, bytes, 0);
  }

  createAddress(): PeerAddress {
    return new PeerAddress();
  }

  releaseAddress(): void {
    // Left to the garbage collector.
  }

  open(token: number, options: OpenSocketOptions, done: (result: OpenSocketResult) => void): void {
    const isV6 = options.host.includes(':');
    const socket = createSocket({
      type: isV6 ? 'udp6' : 'udp4',
      ipv6Only: isV6,
      // Only literals come here: no resolver, and no detour through the event loop.
      lookup: (host, _options, callback) => callback(null, host, isV6 ? 6 : 4),
    });
    const handle = this.#nextHandle++;
    const entry: OpenSocket = {
      token,
      socket,
      knownSources: new Map(),
      onSent: error => {
        if (error !== null) {
          this.#sink?.onRefused(token);
        }
      },
      isConnected: false,
    };
    const fail = (error: NodeJS.ErrnoException): void => {
      socket.close();
      done({ error: error.code ?? error.message });
    };
    socket.once('error', fail);
    socket.bind({ address: options.host, port: options.port, exclusive: true }, () => {
      socket.off('error', fail);
      socket.on('error', () => this.#sink?.onRefused(token));
      socket.on('message', (message, remote) => {
        this.#deliver(entry, message, remote.address, remote.port);
      });
      setBufferSizes(socket, options.bufferBytes);
      this.#sockets.set(handle, entry);
      done({ handle });
    });
  }

  connect(handle: SocketHandle, address: PeerAddress): void {
    const entry = this.#sockets.get(handle);
    if (entry === undefined) {
      return;
    }
    if (entry.isConnected) {
      entry.isConnected = false;
      entry.socket.disconnect();
    }
    entry.socket.connect(address.port, address.host, (error?: Error) => {
      entry.isConnected = error === undefined;
    });
    entry.isConnected = true;
  }

  close(handle: SocketHandle): void {
    const entry = this.#sockets.get(handle);
    if (entry !== undefined) {
      this.#sockets.delete(handle);
      entry.socket.close();
    }
  }

  send(
    handle: SocketHandle,
    memory: IoMemory,
    at: number,
    length: number,
    destination: PeerAddress | null,
  ): SendResult {
    const entry = this.#sockets.get(handle);
    if (entry === undefined) {
      return SEND_FAILED;
    }
    if (length > 65_507) {
      return SEND_TOO_LONG;
    }
    // The bytes may be sent later, when the memory has been used anew: they must be copied.
    const packet = Buffer.from(memory.bytes.subarray(at, at + length));
    try {
      if (destination === null) {
        entry.socket.send(packet, entry.onSent);
      } else {
        entry.socket.send(packet, destination.port, destination.host, entry.onSent);
      }
      return SEND_OK;
    } catch {
      return SEND_FAILED;
    }
  }

  run(sink: PacketSink, ended: () => void): void {
    this.#sink = sink;
    this.#ticker = setInterval(() => {
      sink.nowMs = performance.now();
      sink.onRoundEnd();
    }, TICK_MS);
    this.#subscribe(() => {
      sink.nowMs = performance.now();
      if (!sink.onControl()) {
        this.#end();
        ended();
      }
    });
  }

  #deliver(entry: OpenSocket, message: Buffer, host: string, port: number): void {
    const sink = this.#sink;
    if (sink === null) {
      return;
    }
    sink.nowMs = performance.now();
    if (message.length > MAX_PACKET_BYTES) {
      sink.onOversize(entry.token);
      return;
    }
    this.received.bytes.set(message);
    this.received.bytes.set(sourceOf(entry, host, port), SOURCE_AT);
    sink.onPacket(entry.token, 0, message.length, SOURCE_AT >> 2);
  }

  #end(): void {
    if (this.#ticker !== null) {
      clearInterval(this.#ticker);
    }
    for (const handle of [...this.#sockets.keys()]) {
      this.close(handle);
    }
  }
}

function setBufferSizes(socket: Socket, bytes: number): void {
  try {
    socket.setRecvBufferSize(bytes);
    socket.setSendBufferSize(bytes);
  } catch {
    // The system's default works too.
  }
}

function sourceOf({ knownSources }: OpenSocket, host: string, port: number): Uint8Array {
  const key = `${host} ${port}`;
  let source = knownSources.get(key);
  if (source === undefined) {
    if (knownSources.size >= MAX_KNOWN_SOURCES) {
      knownSources.clear();
    }
    const address = new PeerAddress();
    address.set(host.replace(/%.*$/, ''), port);
    source = address.toSockaddr();
    knownSources.set(key, source);
  }
  return source;
}
