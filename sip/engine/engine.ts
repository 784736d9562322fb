import { type Clock, type IdSource, type Logger } from '#core';
import { type ShedReason, UserAgent } from './agent';
import { DelayMonitor } from './delay-monitor';
import { type EngineLimits } from './limits';
import { formatHostPort } from './message';
import { type TimerValues, TransactionLayer } from './transaction';
import {
  type BoundListener,
  type ClientTlsOptions,
  type ConnectionPeer,
  type ListenerOptions,
  TransportLayer,
} from './transport';
import { AdminServer } from './wire';

export interface EngineOptions {
  readonly listeners: readonly ListenerOptions[];
  readonly secret: string;
  readonly clock: Clock;
  readonly ids: IdSource;
  readonly logger: Logger;
  readonly timers?: Partial<TimerValues>;
  /** What is not given has its default. */
  readonly limits?: Partial<EngineLimits>;
  /** The shortest session interval that a peer may ask for, s, from 90 (Min-SE, RFC 4028 §5). Default 90. */
  readonly minSessionExpiresS?: number;
  readonly userAgent?: string;
  readonly optionTags?: readonly string[];
  /** Session interval that INVITEs ask for when the application does not, s; default: none. */
  readonly sessionExpiresS?: number;
  readonly tls?: ClientTlsOptions;
  readonly dnsServers?: readonly string[];
  /** Who may begin something, see TransportLayerOptions; default: everybody. */
  readonly knownSources?: readonly string[] | null;
  /** A connection that we had opened was lost. Must not throw. */
  readonly onConnectionLost?: (peer: ConnectionPeer) => void;
}

/** What is open and what has happened. All zero but the message and drop counters when nothing runs. */
export interface EngineCounters {
  readonly dialogs: number;
  /** Requests in either direction that wait for a response of the application or of the network. */
  readonly pendingRequests: number;
  readonly clientTransactions: number;
  readonly serverTransactions: number;
  /** Running timers of transactions. */
  readonly timers: number;
  readonly tcpConnections: number;
  readonly appConnections: number;
  readonly messagesIn: number;
  readonly messagesOut: number;
  readonly drops: Readonly<Record<string, number>>;
  /** New requests turned away with 503, by reason. */
  readonly shed: Readonly<Record<ShedReason, number>>;
  /** How late the engine's thread is on average, ms. */
  readonly delayMs: number;
}

/** The engine in one thread: transport, transactions, user agent, and the applications' listener. */
export class Engine {
  readonly #transport: TransportLayer;
  readonly #transactions: TransactionLayer;
  readonly #agent: UserAgent;
  readonly #admin: AdminServer;
  readonly #delay: DelayMonitor;

  private constructor(options: EngineOptions) {
    const { clock, ids, logger, timers, limits } = options;
    this.#delay = new DelayMonitor(clock);
    this.#transport = new TransportLayer({
      clock,
      logger,
      ...(options.tls === undefined ? {} : { tls: options.tls }),
      ...(options.dnsServers === undefined ? {} : { dnsServers: options.dnsServers }),
      knownSources: options.knownSources ?? null,
      ...(limits === undefined ? {} : { limits }),
      ...(options.onConnectionLost === undefined
        ? {}
        : { onConnectionLost: options.onConnectionLost }),
    });
    this.#transactions = new TransactionLayer({
      transport: this.#transport,
      clock,
      logger,
      ...(timers === undefined ? {} : { timers }),
      ...(limits === undefined ? {} : { limits }),
      events: {
        onRequest: (transaction, request, source) =>
          this.#agent.onRequest(transaction, request, source),
        onAck: (request, source) => this.#agent.onAck(request, source),
        onStrayResponse: response => this.#agent.onStrayResponse(response),
      },
    });
    this.#admin = new AdminServer({
      secret: options.secret,
      clock,
      ids,
      logger,
      ...(limits === undefined ? {} : { limits }),
      hostports: () => hostports(this.#transport.listeners),
      onSip: (app, meta, message, startLine) =>
        this.#agent.onAppMessage(app, meta, message, startLine),
      onAppLost: app => this.#agent.onAppLost(app),
      onHeldUp: isHeldUp => this.#onHeldUp(isHeldUp, logger),
    });
    this.#agent = new UserAgent({
      transport: this.#transport,
      transactions: this.#transactions,
      apps: this.#admin.routes,
      clock,
      ids,
      logger,
      delayMs: () => this.#delay.delayMs,
      ...(limits === undefined ? {} : { limits }),
      ...(options.minSessionExpiresS === undefined
        ? {}
        : { minSessionExpiresS: options.minSessionExpiresS }),
      ...(options.optionTags === undefined ? {} : { optionTags: options.optionTags }),
      ...(options.sessionExpiresS === undefined
        ? {}
        : { sessionExpiresS: options.sessionExpiresS }),
      ...(options.userAgent === undefined ? {} : { userAgent: options.userAgent }),
    });
  }

  /**
   * Binds every listener, then the applications' one.
   * @throws EngineError `REC_ERR_ENGINE_LISTEN` naming transport, host and port; nothing stays bound
   */
  static async start(
    options: EngineOptions,
  ): Promise<{ engine: Engine; port: number; listeners: readonly BoundListener[] }> {
    const engine = new Engine(options);
    try {
      const listeners: BoundListener[] = [];
      for (const listener of options.listeners) {
        listeners.push(await engine.#transport.listen(listener));
      }
      return { engine, port: await engine.#admin.listen(), listeners };
    } catch (error) {
      engine.#delay.close();
      await engine.#transport.close();
      throw error;
    }
  }

  counters(): EngineCounters {
    const transport = this.#transport.counters();
    const agent = this.#agent.counters();
    return {
      dialogs: agent.dialogs,
      pendingRequests: agent.openAppRequests,
      ...this.#transactions.counters(),
      ...transport,
      shed: agent.shed,
      delayMs: Math.round(this.#delay.delayMs),
      appConnections: this.#admin.connectionCount,
    };
  }

  /** From now on only these addresses and blocks may begin something; null: everybody. */
  setKnownSources(sources: readonly string[] | null): void {
    this.#transport.setKnownSources(sources);
  }

  /** An application that cannot keep up holds up the peers, as far as they can be held up. */
  #onHeldUp(isHeldUp: boolean, logger: Logger): void {
    if (isHeldUp) {
      logger.warn(
        'an application cannot keep up: nothing is read from connections, new requests are 503',
      );
      this.#transport.pauseReading();
    } else {
      logger.info('the application has caught up');
      this.#transport.resumeReading();
    }
  }

  /** Ends the applications' calls (BYE, CANCEL, 503 go out), then closes everything. */
  async close(): Promise<void> {
    this.#delay.close();
    await this.#admin.close();
    this.#transactions.close();
    await this.#transport.close();
  }
}

function hostports(listeners: readonly BoundListener[]): { advertised: string; bound: string } {
  const list = (address: (listener: BoundListener) => string): string =>
    listeners.map(listener => `${listener.transport}/${address(listener)}`).join(',');
  return {
    advertised: list(({ advertisedHost, advertisedPort, host, port }) =>
      formatHostPort(advertisedHost ?? host, advertisedPort ?? port),
    ),
    bound: list(({ host, port }) => formatHostPort(host, port)),
  };
}
