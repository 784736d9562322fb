import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { isIPv6 } from 'node:net';
import { type Logger } from '#core';
import { EngineError } from '../errors';
import { listenError } from './listen-error';
import { type BoundListener, type ListenerOptions } from './types';

/** Bursts of a busy switch must not be lost while one message is being worked on. */
const SOCKET_BUFFER_BYTES = 4 * 1024 * 1024;

/** One bound UDP socket; also sends everything that leaves from its address (symmetric, RFC 3581). */
export class UdpListener {
  readonly bound: BoundListener;
  readonly #socket: Socket;

  private constructor(bound: BoundListener, socket: Socket) {
    this.bound = bound;
    this.#socket = socket;
  }

  /** @throws EngineError `REC_ERR_ENGINE_LISTEN` when the address cannot be bound. */
  static async open(
    options: ListenerOptions,
    logger: Logger,
    onDatagram: (listener: UdpListener, bytes: Buffer, remote: RemoteInfo) => void,
  ): Promise<UdpListener> {
    const isV6 = isIPv6(options.host);
    const socket = createSocket({
      type: isV6 ? 'udp6' : 'udp4',
      ipv6Only: isV6,
      // Everything is sent to literals: no look-up, no trip through the thread pool.
      lookup: (hostname, _options, callback) => callback(null, hostname, isV6 ? 6 : 4),
    });
    await new Promise<void>((resolve, reject) => {
      socket.once('error', error => {
        socket.close();
        reject(listenError(options, error));
      });
      socket.bind({ address: options.host, port: options.port, exclusive: true }, () => resolve());
    });
    socket.removeAllListeners('error');
    socket.on('error', error => logger.warn('UDP socket error', { error: error.message }));
    for (const setSize of ['setRecvBufferSize', 'setSendBufferSize'] as const) {
      try {
        socket[setSize](SOCKET_BUFFER_BYTES);
      } catch (error) {
        logger.warn('UDP buffer size not set', { error: String(error) });
      }
    }
    const bound: BoundListener = {
      transport: 'udp',
      host: options.host,
      port: socket.address().port,
      family: isV6 ? 6 : 4,
      advertisedHost: options.advertisedHost ?? null,
      advertisedPort: options.advertisedPort ?? null,
    };
    const listener = new UdpListener(bound, socket);
    socket.on('message', (bytes, remote) => onDatagram(listener, bytes, remote));
    return listener;
  }

  send(bytes: Buffer, host: string, port: number, onFailure: (error: Error) => void): void {
    const fail = (error: unknown): void =>
      onFailure(
        new EngineError('REC_ERR_ENGINE_SEND', `UDP datagram to ${host}:${port} was not sent`, {
          cause: error,
        }),
      );
    try {
      this.#socket.send(bytes, port, host, error => {
        if (error !== null) {
          fail(error);
        }
      });
    } catch (error) {
      // A closed socket and port 0 are reported so. Never from inside send(): the caller is not ready.
      process.nextTick(fail, error);
    }
  }

  close(): Promise<void> {
    return new Promise(resolve => this.#socket.close(() => resolve()));
  }
}
