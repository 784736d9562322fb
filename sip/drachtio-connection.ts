import { type Clock, errorMessage, type Logger, withDeadline } from '#core';
import { SipError } from './errors';
import { type SrfLike } from './srf-types';

export interface DrachtioConnectionOptions {
  readonly srf: SrfLike;
  readonly host: string;
  readonly port: number;
  readonly secret: string;
  readonly clock: Clock;
  readonly logger: Logger;
  /** For the first connection, ms. Default 10 000. */
  readonly connectTimeoutMs?: number;
  /** Between two attempts at most, ms. Default 5000. */
  readonly maxRetryDelayMs?: number;
}

export interface ConnectionEvents {
  /** Connected and authenticated, for the first time or again. */
  ready(listeners: readonly string[]): void;
  /** The connection that was ready is gone; another is being tried. Every dialog of it is lost. */
  lost(): void;
}

/** The connection to the SIP engine: one TCP connection, made again with growing delays when it breaks. */
export class DrachtioConnection {
  readonly #options: DrachtioConnectionOptions;
  readonly #events: ConnectionEvents;
  /** drachtio-srf keeps this very object, so that a later change reaches its retry loop. */
  readonly #reconnect: { retryMaxDelay: number; maxAttempts?: number };
  #state: 'idle' | 'connecting' | 'ready' | 'closed' = 'idle';
  #settleFirst: ((error: SipError | null) => void) | null = null;

  constructor(options: DrachtioConnectionOptions, events: ConnectionEvents) {
    this.#options = options;
    this.#events = events;
    this.#reconnect = { retryMaxDelay: options.maxRetryDelayMs ?? 5_000 };
    options.srf.on('connect', (error, hostPorts) => this.#connected(error, hostPorts ?? ''));
    options.srf.on('error', error => {
      options.logger.debug('connection to the SIP engine failed', { error: errorMessage(error) });
    });
    options.srf.on('close', () => this.#closed());
    options.srf.on('reconnecting', () => undefined);
  }

  get isReady(): boolean {
    return this.#state === 'ready';
  }

  /**
   * Connects; resolves when requests can be sent. Call once.
   * @throws SipError `REC_ERR_SIP_ENGINE_UNREACHABLE` (details.host, port)
   */
  async connect(): Promise<void> {
    const { srf, host, port, secret, clock, connectTimeoutMs = 10_000 } = this.#options;
    this.#state = 'connecting';
    const first = new Promise<void>((resolve, reject) => {
      this.#settleFirst = error => {
        this.#settleFirst = null;
        if (error === null) {
          resolve();
        } else {
          reject(error);
        }
      };
    });
    srf.connect({ host, port, secret, reconnect: this.#reconnect });
    try {
      await withDeadline(clock, first, connectTimeoutMs, () =>
        this.#unreachable(`no answer within ${connectTimeoutMs} ms`),
      );
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** Disconnects for good. Idempotent. */
  close(): void {
    if (this.#state === 'closed') {
      return;
    }
    this.#state = 'closed';
    // Ends srf's retry loop at its next turn.
    this.#reconnect.maxAttempts = 1;
    this.#disconnect();
  }

  #connected(error: Error | null, hostPorts: string): void {
    if (this.#state === 'closed') {
      this.#disconnect();
      return;
    }
    if (error !== null) {
      this.#options.logger.error('the SIP engine refuses our secret');
      this.#settleFirst?.(this.#unreachable('it refuses our secret'));
      return;
    }
    const listeners = hostPorts.split(',').filter(each => each !== '');
    this.#state = 'ready';
    this.#settleFirst?.(null);
    this.#options.logger.info('connected to the SIP engine', { listeners });
    this.#events.ready(listeners);
  }

  #closed(): void {
    if (this.#state === 'ready') {
      this.#state = 'connecting';
      this.#options.logger.error('the connection to the SIP engine was lost');
      this.#events.lost();
    }
  }

  #disconnect(): void {
    try {
      this.#options.srf.disconnect();
    } catch {
      // There is no socket at the moment, which is what was wanted.
    }
  }

  #unreachable(why: string): SipError {
    const { host, port } = this.#options;
    return new SipError(
      'REC_ERR_SIP_ENGINE_UNREACHABLE',
      `the SIP engine at ${host}:${port} cannot be used: ${why}`,
      { details: { host, port } },
    );
  }
}
