import { connect, createServer, type Server, type Socket } from 'node:net';
import { errorMessage } from '#core';
import { LabError } from '../errors';

/** Connections through one gate at a time. */
const MAX_CONNECTIONS = 2000;

/**
 * A door in front of a TCP listener: it passes bytes on, and can stop reading from one peer or break its
 * connection, which a SIP stack by itself never does. The listener knows a connection by the port from which
 * the gate comes to it.
 */
export class TcpGate {
  readonly #server: Server;
  /** By the local port of our connection to the listener. */
  readonly #pairs = new Map<number, { outer: Socket; inner: Socket }>();
  readonly #sockets = new Set<Socket>();
  #inner: { host: string; port: number } | null = null;

  private constructor(server: Server) {
    this.#server = server;
    server.on('connection', outer => this.#accept(outer));
  }

  /** @throws LabError `REC_ERR_LAB_BIND`. */
  static open(host: string, port: number): Promise<TcpGate> {
    return new Promise((resolve, reject) => {
      const server = createServer();
      server.once('error', error =>
        reject(
          new LabError('REC_ERR_LAB_BIND', `tcp ${host}:${port}: ${errorMessage(error)}`, {
            cause: error,
          }),
        ),
      );
      server.listen(port, host, () => {
        server.removeAllListeners('error');
        server.on('error', () => undefined);
        resolve(new TcpGate(server));
      });
    });
  }

  get port(): number {
    const address = this.#server.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  }

  /** Says where the listener is. Connections before that are refused. */
  leadTo(inner: { host: string; port: number }): void {
    this.#inner = inner;
  }

  /** Stops reading from the peer: its writes pile up (back-pressure). */
  stopReading(innerPort: number): void {
    const pair = this.#pairs.get(innerPort);
    pair?.outer.unpipe(pair.inner);
    pair?.outer.pause();
  }

  /** Breaks the peer's connection. */
  break(innerPort: number): void {
    this.#pairs.get(innerPort)?.outer.destroy();
  }

  /** Resets every peer's connection (RST) and takes no new ones. */
  shut(): void {
    this.#server.close();
    for (const { outer } of [...this.#pairs.values()]) {
      outer.resetAndDestroy();
    }
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) {
      socket.destroy();
    }
    await new Promise<void>(resolve => {
      // Called also when it is shut already.
      this.#server.close(() => resolve());
    });
  }

  #accept(outer: Socket): void {
    if (this.#inner === null || this.#sockets.size >= 2 * MAX_CONNECTIONS) {
      outer.destroy();
      return;
    }
    const inner = connect(this.#inner);
    let innerPort: number | null = null;
    inner.once('connect', () => {
      innerPort = inner.localPort ?? 0;
      this.#pairs.set(innerPort, { outer, inner });
    });
    for (const [socket, other] of [
      [outer, inner],
      [inner, outer],
    ] as const) {
      this.#sockets.add(socket);
      socket.setNoDelay(true);
      socket.on('error', () => undefined);
      socket.once('close', () => {
        this.#sockets.delete(socket);
        other.destroySoon();
        if (innerPort !== null) {
          this.#pairs.delete(innerPort);
        }
      });
      socket.pipe(other);
    }
  }
}
