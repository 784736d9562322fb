import { type Clock, type Closeable, errorMessage, GatewayError, type Logger } from '#core';
import fastify, { type FastifyInstance } from 'fastify';
import { type Registry } from 'prom-client';

import { type EventFeed } from '../webhooks';
import { type ApiToken, assertProtected, guardRoutes } from './access';
import { addCallRoutes } from './call-routes';
import { addEventStreams } from './event-stream';
import { addGatewayRoutes } from './gateway-routes';
import { addLivePage } from './live-page';
import { addOpenApi } from './open-api';
import { type AdminOperations } from './operations';
import { addUserRoutes } from './user-routes';

/** Whether the gateway takes calls, and if not, why. */
export interface HealthReport {
  readonly ready: boolean;
  /** Why it is not ready, e.g. `draining`, `sip-engine-down`. Empty when it is. */
  readonly reasons: readonly string[];
}

export interface AdminServerOptions {
  /** IP address to bind. */
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  readonly registry: Registry;
  readonly health: () => HealthReport;
  readonly logger: Logger;
  /** Who may use the API now. Empty: this machine only. */
  readonly tokens: () => readonly ApiToken[];
  readonly operations: AdminOperations;
  readonly feed: EventFeed;
  readonly clock: Clock;
  /** Of the product, for the API's document. */
  readonly version: string;
  /** Clients that may listen to events at once, and how often they hear that the connection lives; for tests. */
  readonly streams?: { readonly maxClients?: number; readonly heartbeatMs?: number };
}

export interface AdminServer extends Closeable {
  readonly host: string;
  /** The real port, also when 0 was asked. */
  readonly port: number;
  close(): Promise<void>;
}

/** ms. Requests are tiny: whoever takes longer is not a monitoring system. */
const REQUEST_TIMEOUT_MS = 10_000;
const MAX_BODY_BYTES = 64 * 1024;
const MAX_CONNECTIONS = 200;

/**
 * Serves `GET /metrics` (Prometheus text), `GET /healthz` (the process lives), `GET /readyz` (it takes
 * calls: 200, else 503 with the reasons), the API below `/v1/` and the live page.
 * @throws GatewayError `REC_ERR_ADMIN_LISTEN` when the address cannot be bound, `REC_ERR_ADMIN_TOKENS` when others
 *   could reach the API without a token.
 */
export async function startAdminServer(options: AdminServerOptions): Promise<AdminServer> {
  assertProtected(options.host, options.tokens());
  const server = fastify({
    logger: false,
    bodyLimit: MAX_BODY_BYTES,
    requestTimeout: REQUEST_TIMEOUT_MS,
    connectionTimeout: REQUEST_TIMEOUT_MS,
    // Closing must not wait for idle connections of a scraper.
    forceCloseConnections: true,
  });
  server.server.maxConnections = MAX_CONNECTIONS;
  addRoutes(server, options);
  await addApi(server, options);
  await listen(server, options);
  const address = server.server.address();
  const port = address !== null && typeof address === 'object' ? address.port : options.port;
  options.logger.info('admin server listens', { host: options.host, port });
  return { host: options.host, port, close: () => server.close() };
}

async function addApi(server: FastifyInstance, options: AdminServerOptions): Promise<void> {
  const { operations, tokens, feed, clock, version, streams } = options;
  guardRoutes(server, options.host, tokens);
  await addOpenApi(server, version);
  addCallRoutes(server, operations);
  addGatewayRoutes(server, operations);
  if (operations.users !== undefined) {
    addUserRoutes(server, operations.users);
  }
  addEventStreams(server, { feed, operations, clock, ...streams });
  addLivePage(server);
}

function addRoutes(
  server: FastifyInstance,
  { registry, health, logger }: AdminServerOptions,
): void {
  server.get('/metrics', async (_request, reply) => {
    const text = await registry.metrics();
    return reply.header('content-type', registry.contentType).send(text);
  });
  server.get('/healthz', () => ({ status: 'ok' }));
  server.get('/readyz', (_request, reply) => {
    const { ready, reasons } = health();
    return reply.code(ready ? 200 : 503).send({ status: ready ? 'ready' : 'not-ready', reasons });
  });
  server.setNotFoundHandler((_request, reply) => reply.code(404).send({ error: 'not found' }));
  server.setErrorHandler((error, request, reply) => {
    const status = statusOf(error);
    if (status >= 500) {
      logger.error('admin request failed', { path: request.routeOptions.url, error });
    }
    return reply
      .code(status)
      .send({ error: status >= 500 ? 'internal error' : errorMessage(error) });
  });
}

function statusOf(error: unknown): number {
  const status =
    typeof error === 'object' && error !== null && 'statusCode' in error ? error.statusCode : 500;
  return typeof status === 'number' && status >= 400 && status < 600 ? status : 500;
}

async function listen(server: FastifyInstance, { host, port }: AdminServerOptions): Promise<void> {
  try {
    await server.listen({ host, port });
  } catch (error) {
    await server.close();
    const reason = errorMessage(error);
    throw new GatewayError(
      'REC_ERR_ADMIN_LISTEN',
      `the admin server cannot listen on ${host}:${port}: ${reason}`,
      { cause: error, details: { host, port } },
    );
  }
}
