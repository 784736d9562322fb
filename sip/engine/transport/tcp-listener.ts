import { createServer, isIPv6, type Server, type Socket } from 'node:net';
import { type Logger } from '#core';
import { listenError } from './listen-error';
import { type BoundListener, type ListenerOptions } from './types';

/** One listening TCP socket. */
export class TcpListener {
  readonly bound: BoundListener;
  readonly #server: Server;

  private constructor(bound: BoundListener, server: Server) {
    this.bound = bound;
    this.#server = server;
  }

  /** @throws EngineError `REC_ERR_ENGINE_LISTEN` when the address cannot be bound. */
  static async open(
    options: ListenerOptions,
    logger: Logger,
    onSocket: (listener: TcpListener, socket: Socket) => void,
  ): Promise<TcpListener> {
    const isV6 = isIPv6(options.host);
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
      transport: 'tcp',
      host: options.host,
      port: typeof address === 'object' && address !== null ? address.port : options.port,
      family: isV6 ? 6 : 4,
      advertisedHost: options.advertisedHost ?? null,
      advertisedPort: options.advertisedPort ?? null,
    };
    const listener = new TcpListener(bound, server);
    server.on('connection', socket => onSocket(listener, socket));
    return listener;
  }

  close(): Promise<void> {
    return new Promise(resolve => this.#server.close(() => resolve()));
  }
}
