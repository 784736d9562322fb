import { connect } from 'node:net';
import { type GatewayError, noopLogger, randomIds, systemClock } from '#core';
import { type AdminServer, type HealthReport, startAdminServer } from '../../../src/admin';
import { createMetrics } from '../../../src/observability';
import { EventFeed } from '../../../src/webhooks';
import { fakeOperations } from './fake-operations';

describe('startAdminServer', () => {
  const metrics = createMetrics({ processMetrics: false });
  let health: HealthReport;
  let server: AdminServer;

  function start(port = 0): Promise<AdminServer> {
    return startAdminServer({
      host: '127.0.0.1',
      port,
      registry: metrics.registry,
      health: () => health,
      logger: noopLogger,
      tokens: () => [],
      operations: fakeOperations(),
      feed: new EventFeed(randomIds, () => undefined),
      clock: systemClock,
      version: '1.2.3',
    });
  }

  function get(path: string, init?: RequestInit): Promise<Response> {
    return fetch(`http://127.0.0.1:${server.port}${path}`, init);
  }

  beforeEach(async () => {
    health = { ready: true, reasons: [] };
    server = await start();
  });
  afterEach(() => server.close());

  test('tells the real port', () => {
    expect(server.port).toBeGreaterThan(0);
  });

  test('serves metrics in the Prometheus text format', async () => {
    const response = await get('/metrics');
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toContain('text/plain; version=0.0.4');
    expect(await response.text()).toContain('# TYPE siprec_gateway_calls_total counter');
  });

  test('is alive as long as it answers, ready or not', async () => {
    health = { ready: false, reasons: ['draining'] };
    const response = await get('/healthz');
    expect([response.status, await response.json()]).toEqual([200, { status: 'ok' }]);
  });

  test('is ready with 200', async () => {
    const response = await get('/readyz');
    expect([response.status, await response.json()]).toEqual([
      200,
      { status: 'ready', reasons: [] },
    ]);
  });

  test('is not ready with 503 and the reasons', async () => {
    health = { ready: false, reasons: ['draining', 'sip-engine-down'] };
    const response = await get('/readyz');
    expect([response.status, await response.json()]).toEqual([
      503,
      { status: 'not-ready', reasons: ['draining', 'sip-engine-down'] },
    ]);
  });

  test.each([
    ['/nothing', undefined, 404],
    ['/metrics/../../etc/passwd', undefined, 404],
    ['/metrics', { method: 'POST', body: 'x' }, 404],
    ['/%zz', undefined, 400],
  ])('answers %s (%o) with %d', async (path, init, status) => {
    expect((await get(path, init)).status).toBe(status);
  });

  test('a failing health check is a 500 without details, and the server lives on', async () => {
    jest.spyOn(metrics.registry, 'metrics').mockRejectedValueOnce(new Error('secret detail'));
    const response = await get('/metrics');
    expect(response.status).toBe(500);
    expect(await response.text()).not.toContain('secret detail');
    expect((await get('/healthz')).status).toBe(200);
  });

  test('an address in use is a clear error', async () => {
    const error = await start(server.port).catch((e: unknown) => e as GatewayError);
    expect(error).toMatchObject({
      code: 'REC_ERR_ADMIN_LISTEN',
      message: expect.stringContaining(`cannot listen on 127.0.0.1:${server.port}`) as string,
    });
  });

  test('close() does not wait for an idle connection', async () => {
    const socket = connect(server.port, '127.0.0.1');
    await new Promise(resolve => socket.once('connect', resolve));
    const closed = new Promise(resolve => socket.once('close', resolve));
    socket.on('error', () => undefined);
    await server.close();
    await closed;
    expect(socket.destroyed).toBe(true);
  });
});
