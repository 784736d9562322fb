import { createServer, type Server } from 'node:net';
import { type Clock, type IdSource, type Logger } from '#core';
import { type AppRequestMeta } from '../agent';
import { EngineError } from '../errors';
import { type AppLimits, DEFAULT_ENGINE_LIMITS } from '../limits';
import { type SipMessage } from '../message';
import { AppConnection } from './app-connection';
import { AppRoutes } from './app-directory';

/** Applications connected at a time. */
const MAX_CONNECTIONS = 16;

/** The version that applications are told; drachtio-srf pings from v0.8.2 on. */
const WIRE_VERSION = 'v0.9.10';

export interface AdminServerOptions {
  readonly secret: string;
  /** `proto/addr:port` of every listener, comma-separated: as advertised, and as bound. */
  readonly hostports: () => { readonly advertised: string; readonly bound: string };
  readonly clock: Clock;
  readonly ids: IdSource;
  readonly logger: Logger;
  readonly limits?: Partial<AppLimits>;
  onSip(app: AppConnection, meta: AppRequestMeta, message: SipMessage, startLine: string): void;
  onAppLost(app: AppConnection): void;
  /** Some application is too far behind for anything more to come in, or none is any more. */
  onHeldUp(isHeldUp: boolean): void;
}

/** The loopback listener that applications connect to. */
export class AdminServer {
  readonly routes = new AppRoutes();
  readonly #options: AdminServerOptions;
  readonly #apps = new Set<AppConnection>();
  readonly #heldUp = new Set<AppConnection>();
  readonly #server: Server;

  constructor(options: AdminServerOptions) {
    this.#options = options;
    this.#server = createServer({ noDelay: true });
    this.#server.maxConnections = MAX_CONNECTIONS;
    this.#server.on('connection', socket => {
      const app = new AppConnection({
        socket,
        secret: options.secret,
        clock: options.clock,
        ids: options.ids,
        logger: options.logger,
        limits: { ...DEFAULT_ENGINE_LIMITS, ...options.limits },
        events: {
          greeting: () => {
            const { advertised, bound } = options.hostports();
            return [advertised, WIRE_VERSION, bound];
          },
          onRoute: (from, verb) => this.routes.add(verb, from),
          onRemoveRoute: (from, verb) => this.routes.remove(verb, from),
          onSip: (from, meta, message, startLine) =>
            this.#options.onSip(from, meta, message, startLine),
          onHeldUp: (from, isHeldUp) => this.#noteHeldUp(from, isHeldUp),
          onClosed: from => {
            this.#apps.delete(from);
            this.#noteHeldUp(from, false);
            this.routes.removeAll(from);
            this.#options.onAppLost(from);
          },
        },
      });
      this.#apps.add(app);
    });
  }

  /** @returns the port on 127.0.0.1. @throws EngineError `REC_ERR_ENGINE_LISTEN` */
  async listen(): Promise<number> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', cause =>
        reject(
          new EngineError('REC_ERR_ENGINE_LISTEN', 'cannot listen on the loopback', { cause }),
        ),
      );
      this.#server.listen(0, '127.0.0.1', () => resolve());
    });
    const address = this.#server.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  }

  #noteHeldUp(app: AppConnection, isHeldUp: boolean): void {
    const before = this.#heldUp.size > 0;
    if (isHeldUp) {
      this.#heldUp.add(app);
    } else {
      this.#heldUp.delete(app);
    }
    if (before !== this.#heldUp.size > 0) {
      this.#options.onHeldUp(!before);
    }
  }

  get connectionCount(): number {
    return this.#apps.size;
  }

  /** Cuts every application off and stops listening. All of them have been told of as lost when it resolves. */
  async close(): Promise<void> {
    const closed = new Promise<void>(resolve => this.#server.close(() => resolve()));
    const apps = [...this.#apps];
    for (const app of apps) {
      app.close();
    }
    // The server is done with its connections before these say that they are closed.
    await Promise.all([closed, ...apps.map(app => app.closed)]);
  }
}
