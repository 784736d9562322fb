import { type Closeable, errorMessage, GatewayError, type Logger } from '#core';
import fastify, { type FastifyInstance } from 'fastify';
import { type Registry } from 'prom-client';

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
}

export interface AdminServer extends Closeable {
  readonly host: string;
  /** The real port, also when 0 was asked. */
  readonly port: number;
  close(): Promise<void>;
}

/** ms. Requests are tiny: whoever takes longer is not a monitoring system. */
const REQUEST_TIMEOUT_MS = 10_000;
const MAX_BODY_BYTES = 1024;
const MAX_CONNECTIONS = 100;

/**
 * Serves `GET /metrics` (Prometheus text), `GET /healthz` (the process lives) and `GET /readyz` (it takes
 * calls: 200, else 503 with the reasons).
 * @throws GatewayError `REC_ERR_ADMIN_LISTEN` when the address cannot be bound.
 */
export async function startAdminServer(options: AdminServerOptions): Promise<AdminServer> {
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
  await listen(server, options);
  const address = server.server.address();
  const port = address !== null && typeof address === 'object' ? address.port : options.port;
  options.logger.info('admin server listens', { host: options.host, port });
  return { host: options.host, port, close: () => server.close() };
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
