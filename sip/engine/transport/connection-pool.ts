import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { type Clock } from '#core';
import { EngineError } from '../errors';
import { type MessageLimits, type TransportLimits } from '../limits';
import { isWildcard } from './router';
import { type Frame } from './stream-framer';
import { TcpConnection } from './tcp-connection';
import { clientOptions, clientTlsOf } from './tls-options';
import { type BoundListener, type ClientTlsOptions, type OutboundRoute } from './types';

export interface ConnectionPoolEvents {
  onFrame(connection: TcpConnection, frame: Frame): void;
  /** There is no room for one more. */
  onRefused(): void;
  /** A connection of ours never stood. */
  onUnreachable(connection: TcpConnection, error: Error): void;
  /** A connection of ours that stood is gone, and we have not closed it. */
  onLost(connection: TcpConnection): void;
}

/** Every TCP and TLS connection: how many there may be, and which one a message is sent on. */
export class ConnectionPool {
  readonly #clock: Clock;
  readonly #limits: TransportLimits & MessageLimits;
  readonly #tls: ClientTlsOptions;
  readonly #events: ConnectionPoolEvents;
  readonly #connections = new Set<TcpConnection>();
  /** The newest connection of each kind with each peer, for reuse. */
  readonly #byPeer = new Map<string, TcpConnection>();
  readonly #perSource = new Map<string, number>();
  /** Sockets that count: connections, and those that are still shaking hands. */
  #sockets = 0;
  #isPaused = false;

  constructor(options: {
    clock: Clock;
    limits: TransportLimits & MessageLimits;
    tls: ClientTlsOptions;
    events: ConnectionPoolEvents;
  }) {
    this.#clock = options.clock;
    this.#limits = options.limits;
    this.#tls = options.tls;
    this.#events = options.events;
  }

  get size(): number {
    return this.#sockets;
  }

  /** Takes one more socket into account, until it closes. @returns false: there are too many */
  admit(socket: Socket, remoteHost: string): boolean {
    if (!this.#hasRoomFor(remoteHost)) {
      this.#events.onRefused();
      return false;
    }
    this.#sockets++;
    this.#perSource.set(remoteHost, (this.#perSource.get(remoteHost) ?? 0) + 1);
    socket.once('close', () => {
      this.#sockets--;
      const others = (this.#perSource.get(remoteHost) ?? 1) - 1;
      if (others > 0) {
        this.#perSource.set(remoteHost, others);
      } else {
        this.#perSource.delete(remoteHost);
      }
    });
    return true;
  }

  /** Takes over an accepted socket that was admitted and can be used. */
  accept(socket: Socket, listener: BoundListener): void {
    const { remoteAddress, remotePort } = socket;
    if (remoteAddress === undefined || remotePort === undefined) {
      socket.destroy();
      return;
    }
    const key = addressKey(listener.transport, remoteAddress, remotePort);
    this.#adopt(socket, listener, remoteAddress, remotePort, false, [key]);
  }

  /** The connection for a way: one that stands, or a new one. */
  connectionTo(route: OutboundRoute): TcpConnection | EngineError {
    const existing = this.#byPeer.get(reuseKey(route));
    if (existing?.isOpen === true) {
      return existing;
    }
    if (!this.#hasRoomFor(route.remoteHost)) {
      this.#events.onRefused();
      return new EngineError('REC_ERR_ENGINE_LIMIT', 'too many connections');
    }
    const socket = this.#open(route);
    if (socket instanceof EngineError) {
      return socket;
    }
    this.admit(socket, route.remoteHost);
    const keys = [addressKey(route.transport, route.remoteHost, route.remotePort), reuseKey(route)];
    const { remoteHost, remotePort, listener } = route;
    return this.#adopt(socket, listener, remoteHost, remotePort, true, keys);
  }

  /** Stops reading from every peer, until {@link resume}; what is to be sent still goes out. */
  pause(): void {
    this.#isPaused = true;
    for (const connection of this.#connections) {
      connection.pause();
    }
  }

  resume(): void {
    this.#isPaused = false;
    for (const connection of this.#connections) {
      connection.resume();
    }
  }

  /** Closes every connection after what was written is out. */
  end(): void {
    for (const connection of [...this.#connections]) {
      connection.end();
    }
  }

  destroy(): void {
    for (const connection of [...this.#connections]) {
      connection.destroy();
    }
  }

  #hasRoomFor(remoteHost: string): boolean {
    return (
      this.#sockets < this.#limits.connections &&
      (this.#perSource.get(remoteHost) ?? 0) < this.#limits.connectionsPerSource
    );
  }

  #open(route: OutboundRoute): Socket | EngineError {
    const { host } = route.listener;
    const address = {
      host: route.remoteHost,
      port: route.remotePort,
      ...(isWildcard(host) ? {} : { localAddress: host }),
    };
    if (route.tls === null) {
      return connect(address);
    }
    try {
      const tls = clientTlsOf(route.tls, this.#tls);
      return connectTls({ ...address, ...clientOptions(tls, route.tls.serverName) });
    } catch (cause) {
      return new EngineError('REC_ERR_ENGINE_SEND', 'the TLS settings are not usable', { cause });
    }
  }

  #adopt(
    socket: Socket,
    listener: BoundListener,
    remoteHost: string,
    remotePort: number,
    isOutgoing: boolean,
    keys: readonly string[],
  ): TcpConnection {
    const connection = new TcpConnection({
      socket,
      listener,
      remoteHost,
      remotePort,
      isOutgoing,
      clock: this.#clock,
      limits: this.#limits,
      events: {
        onFrame: (from, frame) => this.#events.onFrame(from, frame),
        onUnreachable: (from, error) => this.#events.onUnreachable(from, error),
        onLost: from => this.#events.onLost(from),
        onClosed: () => {
          this.#connections.delete(connection);
          for (const key of keys) {
            if (this.#byPeer.get(key) === connection) {
              this.#byPeer.delete(key);
            }
          }
        },
      },
    });
    this.#connections.add(connection);
    for (const key of keys) {
      this.#byPeer.set(key, connection);
    }
    if (this.#isPaused) {
      connection.pause();
    }
    return connection;
  }
}

function addressKey(transport: string, host: string, port: number): string {
  return `${transport}|${host}|${port}`;
}

/**
 * Which connection a way may share. With TLS a peer has proved to be one name under one set of settings; a
 * way to nothing but an address takes any connection with it, also one that the peer has opened.
 */
function reuseKey({ transport, remoteHost, remotePort, tls }: OutboundRoute): string {
  const address = addressKey(transport, remoteHost, remotePort);
  return tls === null || (tls.peer === null && tls.serverName === remoteHost)
    ? address
    : `${address}|${tls.serverName}|${tls.peer ?? ''}`;
}
