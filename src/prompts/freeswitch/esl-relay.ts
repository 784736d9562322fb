import { createServer, connect, type AddressInfo, type Server, type Socket } from 'node:net';

/** A whole job is some kilobytes of events per prompt. */
const MAX_BYTES = 4 * 1024 * 1024;
/** Where a refusal stands. */
const LOOKED_AT_BYTES = 4096;
const MAX_CONNECTIONS = 16;
const CONNECT_TIMEOUT_MS = 5000;

export interface EslRelayOptions {
  /** Port 0: any. */
  readonly listen: { readonly host: string; readonly port: number };
  readonly target: { readonly host: string; readonly port: number };
  /** Who may connect; null: everybody that reaches the address. */
  readonly from: string | null;
  /** The side that is not trusted: its bytes are counted. */
  readonly counted: 'target' | 'client';
  /** Called at most once, with what went wrong, in words. */
  readonly failed: (reason: string) => void;
}

/**
 * Stands between drachtio-fsmrf and FreeSWITCH's event socket, in either direction: it bounds what the library takes
 * into its unbounded buffers, keeps strangers from its listener, and tells why a connection fails, which the library
 * does not.
 */
export class EslRelay {
  readonly #options: EslRelayOptions;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #hasFailed = false;
  #bytes = 0;

  constructor(options: EslRelayOptions) {
    this.#options = options;
    this.#server = createServer(client => this.#join(client));
    this.#server.maxConnections = MAX_CONNECTIONS;
    this.#server.on('error', error => this.#fail(error.message));
  }

  /** @returns the port that it listens on. @throws Error when the address cannot be bound. */
  listen(): Promise<number> {
    const { host, port } = this.#options.listen;
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(port, host, () => {
        resolve((this.#server.address() as AddressInfo).port);
      });
    });
  }

  close(): void {
    this.#hasFailed = true;
    this.#server.close();
    this.#sockets.forEach(socket => socket.destroy());
  }

  #join(client: Socket): void {
    const { target, from, counted } = this.#options;
    const source = client.remoteAddress?.replace(/^::ffff:/, '');
    if (from !== null && source !== from) {
      client.destroy();
      return;
    }
    const peer = connect({ ...target, timeout: CONNECT_TIMEOUT_MS });
    peer.once('connect', () => peer.setTimeout(0));
    peer.once('timeout', () => peer.destroy(new Error('no answer')));
    for (const [socket, other] of [
      [client, peer],
      [peer, client],
    ] as const) {
      const isCounted = (socket === peer) === (counted === 'target');
      this.#sockets.add(socket);
      socket.on('data', bytes => this.#pass(socket, bytes, other, isCounted));
      socket.on('drain', () => other.resume());
      socket.on('error', error => {
        if (isCounted) {
          this.#fail(error.message);
        }
      });
      socket.on('close', () => {
        this.#sockets.delete(socket);
        other.end();
      });
    }
  }

  #pass(socket: Socket, bytes: Buffer, other: Socket, isCounted: boolean): void {
    if (isCounted) {
      const isEarly = this.#bytes < LOOKED_AT_BYTES;
      this.#bytes += bytes.length;
      const text = isEarly ? bytes.toString('latin1') : '';
      if (text.includes('Reply-Text: -ERR invalid')) {
        this.#fail('it refuses the secret');
      } else if (text.includes('text/rude-rejection')) {
        this.#fail('its access list refuses our address');
      } else if (this.#bytes > MAX_BYTES) {
        this.#fail('it sends without end');
        return;
      }
    }
    if (!other.destroyed && !other.write(bytes)) {
      socket.pause();
    }
  }

  #fail(reason: string): void {
    if (!this.#hasFailed) {
      this.#hasFailed = true;
      this.#options.failed(reason);
    }
  }
}
