import { createServer, isIPv6, type Server, type Socket } from 'node:net';
import {
  createServer as createTlsServer,
  type Server as TlsServer,
  type TLSSocket,
} from 'node:tls';
import { type Logger } from '#core';
import { listenError } from './listen-error';
import { serverOptions } from './tls-options';
import { type BoundListener, type ListenerOptions } from './types';

export interface TcpListenerEvents {
  /** Somebody connects. @returns whether it may; with TLS the handshake follows */
  admit(socket: Socket): boolean;
  /** A connection that can be used. */
  onSocket(listener: TcpListener, socket: Socket): void;
  /** A TLS handshake failed. */
  onHandshakeFailed(listener: TcpListener, remoteHost: string, error: Error): void;
}

/** One listening TCP socket, with or without TLS over it. */
export class TcpListener {
  readonly bound: BoundListener;
  readonly #server: Server;

  private constructor(bound: BoundListener, server: Server) {
    this.bound = bound;
    this.#server = server;
  }

  /** @throws EngineError `REC_ERR_ENGINE_LISTEN` when the address cannot be bound or the PEMs are bad. */
  static async open(
    options: ListenerOptions,
    handshakeTimeoutMs: number,
    logger: Logger,
    events: TcpListenerEvents,
  ): Promise<TcpListener> {
    const isV6 = isIPv6(options.host);
    const handshakes = options.transport === 'tls' ? makeTls(options, handshakeTimeoutMs) : null;
    const server = createServer({ noDelay: true });
    await new Promise<void>((resolve, reject) => {
      server.once('error', error => reject(listenError(options, error)));
      server.listen(
        { host: options.host, port: options.port, ipv6Only: isV6, exclusive: true, backlog: 511 },
        () => resolve(),
      );
    });
    server.removeAllListeners('error');
    server.on('error', error => logger.warn('TCP listener error', { error: error.message }));
    const address = server.address();
    const bound: BoundListener = {
      transport: options.transport,
      host: options.host,
      port: typeof address === 'object' && address !== null ? address.port : options.port,
      family: isV6 ? 6 : 4,
      advertisedHost: options.advertisedHost ?? null,
      advertisedPort: options.advertisedPort ?? null,
    };
    const listener = new TcpListener(bound, server);
    server.on('connection', socket => {
      if (!events.admit(socket)) {
        socket.destroy();
      } else if (handshakes === null) {
        events.onSocket(listener, socket);
      } else {
        // Only what was admitted may shake hands.
        handshakes.emit('connection', socket);
      }
    });
    handshakes?.on('secureConnection', socket => {
      if (options.tls?.requestClientCert === 'request' && hasBadCertificate(socket)) {
        const { remoteAddress = '', authorizationError } = socket;
        events.onHandshakeFailed(listener, remoteAddress, new Error(String(authorizationError)));
        socket.destroy();
        return;
      }
      events.onSocket(listener, socket);
    });
    handshakes?.on('tlsClientError', (error, socket) => {
      events.onHandshakeFailed(listener, socket.remoteAddress ?? '', error);
      socket.destroy();
    });
    return listener;
  }

  close(): Promise<void> {
    return new Promise(resolve => this.#server.close(() => resolve()));
  }
}

/** Shakes hands with whoever is handed to it; it listens nowhere itself. */
function makeTls(options: ListenerOptions, handshakeTimeoutMs: number): TlsServer {
  if (options.tls === undefined) {
    throw listenError(options, new Error('there is no certificate'));
  }
  try {
    return createTlsServer(serverOptions(options.tls, handshakeTimeoutMs));
  } catch (error) {
    throw listenError(options, error);
  }
}

function hasBadCertificate(socket: TLSSocket): boolean {
  return !socket.authorized && Object.keys(socket.getPeerCertificate()).length > 0;
}
