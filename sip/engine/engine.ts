import { type Clock, type IdSource, type Logger } from '#core';
import { type AgentLimits, UserAgent } from './agent';
import { formatHostPort, type MessageLimits } from './message';
import { type TimerValues, TransactionLayer, type TransactionLimits } from './transaction';
import {
  type BoundListener,
  type ClientTlsOptions,
  type ListenerOptions,
  TransportLayer,
  type TransportLimits,
} from './transport';
import { AdminServer, type AppConnectionLimits } from './wire';

/** Every bound of the engine; what is not given has its default. */
export interface EngineLimits {
  readonly message?: Partial<MessageLimits>;
  readonly transport?: Partial<TransportLimits>;
  readonly transaction?: Partial<TransactionLimits>;
  readonly agent?: Partial<AgentLimits>;
  readonly app?: Partial<AppConnectionLimits>;
}

export interface EngineOptions {
  readonly listeners: readonly ListenerOptions[];
  readonly secret: string;
  readonly clock: Clock;
  readonly ids: IdSource;
  readonly logger: Logger;
  readonly timers?: Partial<TimerValues>;
  readonly limits?: EngineLimits;
  readonly userAgent?: string;
  readonly optionTags?: readonly string[];
  /** Session interval that INVITEs ask for when the application does not, s; default: none. */
  readonly sessionExpiresS?: number;
  readonly tls?: ClientTlsOptions;
  readonly dnsServers?: readonly string[];
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
}

/** The engine in one thread: transport, transactions, user agent, and the applications' listener. */
export class Engine {
  readonly #transport: TransportLayer;
  readonly #transactions: TransactionLayer;
  readonly #agent: UserAgent;
  readonly #admin: AdminServer;

  private constructor(options: EngineOptions) {
    const { clock, ids, logger, timers, limits } = options;
    this.#transport = new TransportLayer({
      clock,
      logger,
      ...(options.tls === undefined ? {} : { tls: options.tls }),
      ...(options.dnsServers === undefined ? {} : { dnsServers: options.dnsServers }),
      ...(limits?.transport === undefined ? {} : { limits: limits.transport }),
      ...(limits?.message === undefined ? {} : { messageLimits: limits.message }),
    });
    this.#transactions = new TransactionLayer({
      transport: this.#transport,
      clock,
      logger,
      ...(timers === undefined ? {} : { timers }),
      ...(limits?.transaction === undefined ? {} : { limits: limits.transaction }),
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
      ...(limits?.app === undefined ? {} : { limits: limits.app }),
      hostports: () => hostports(this.#transport.listeners),
      onSip: (app, meta, message, startLine) =>
        this.#agent.onAppMessage(app, meta, message, startLine),
      onAppLost: app => this.#agent.onAppLost(app),
    });
    this.#agent = new UserAgent({
      transport: this.#transport,
      transactions: this.#transactions,
      apps: this.#admin.routes,
      clock,
      ids,
      logger,
      ...(limits?.agent === undefined ? {} : { limits: limits.agent }),
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
      appConnections: this.#admin.connectionCount,
    };
  }

  /** Ends the applications' calls (BYE, CANCEL, 503 go out), then closes everything. */
  async close(): Promise<void> {
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
