import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';

import { noopLogger, systemClock } from '#core';
import { type AdminServer, type AdminServerOptions, startAdminServer } from '../../../src/admin';
import { createMetrics } from '../../../src/observability';
import { EventFeed } from '../../../src/webhooks';
import { waitUntil } from '../../support/wait-until';
import { callView, type FakeOperations, fakeOperations } from './fake-operations';

const TOKENS = {
  reader: 'reader-token-0123456789',
  controller: 'controller-token-0123456789',
  admin: 'admin-token-0123456789',
} as const;
type Client = keyof typeof TOKENS;

let operations: FakeOperations;
let server: AdminServer;
let feed: EventFeed;

async function start(changes: Partial<AdminServerOptions> = {}): Promise<AdminServer> {
  return startAdminServer({
    host: '127.0.0.1',
    port: 0,
    registry: createMetrics({ processMetrics: false }).registry,
    health: () => ({ ready: true, reasons: [] }),
    logger: noopLogger,
    tokens: () => [
      { name: 'reader', scopes: ['read'], token: TOKENS.reader },
      {
        name: 'controller',
        scopes: ['control'],
        sha256: createHash('sha256').update(TOKENS.controller).digest('hex'),
      },
      { name: 'admin', scopes: ['admin'], token: TOKENS.admin },
    ],
    operations,
    feed,
    clock: systemClock,
    version: '1.2.3',
    ...changes,
  });
}

beforeEach(async () => {
  operations = fakeOperations();
  feed = new EventFeed({ uuid: () => 'run' }, () => undefined);
  server = await start();
});
afterEach(() => server.close());

async function ask(
  method: string,
  path: string,
  options: { as?: Client | null; body?: unknown; headers?: Record<string, string> } = {},
): Promise<{ status: number; body: unknown; headers: Headers }> {
  const { as = 'admin', body } = options;
  const response = await fetch(`http://127.0.0.1:${server.port}${path}`, {
    method,
    headers: {
      ...(as === null ? {} : { authorization: `Bearer ${TOKENS[as]}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...options.headers,
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  const isJson = response.headers.get('content-type')?.includes('json') === true;
  return {
    status: response.status,
    body: isJson ? (JSON.parse(text) as unknown) : text,
    headers: response.headers,
  };
}

describe('access', () => {
  test.each([
    ['GET', '/v1/calls', 'reader', 200],
    ['GET', '/v1/calls', 'controller', 200],
    ['POST', '/v1/calls/c1/recording', 'reader', 403],
    ['POST', '/v1/calls/c1/recording', 'controller', 200],
    ['POST', '/v1/drain', 'controller', 403],
    ['POST', '/v1/drain', 'admin', 202],
    ['PATCH', '/v1/users/alice', 'controller', 403],
  ] as const)('%s %s as %s: %i', async (method, path, as, status) => {
    const body = { '/v1/drain': undefined, '/v1/users/alice': { mode: 'always' } };
    const fallback = method === 'GET' ? undefined : { action: 'pause' };
    const given = path in body ? body[path as keyof typeof body] : fallback;
    expect((await ask(method, path, { as, body: given })).status).toBe(status);
  });

  test('without a token, or with a wrong one, there is nothing', async () => {
    const missing = await ask('GET', '/v1/calls', { as: null });
    expect(missing.status).toBe(401);
    expect(missing.headers.get('www-authenticate')).toContain('Bearer');
    for (const authorization of ['Bearer wrong-token-0123456789', 'Basic x', 'Bearer']) {
      const wrong = await ask('GET', '/v1/calls', { as: null, headers: { authorization } });
      expect(wrong.status).toBe(401);
    }
    expect((await ask('GET', '/healthz', { as: null })).status).toBe(200);
  });

  test('every route of the API needs a token', async () => {
    const document = (await ask('GET', '/v1/openapi.json', { as: null })).body as OpenApi;
    for (const [path, methods] of Object.entries(document.paths)) {
      for (const method of Object.keys(methods)) {
        const url = path.replaceAll(/\{[^}]+\}/g, 'x');
        const { status } = await ask(method.toUpperCase(), url, { as: null });
        expect([method, path, status]).toEqual([method, path, 401]);
      }
    }
  });

  test('an address that others can reach needs a token to begin with', async () => {
    const exposed = start({ host: '0.0.0.0', tokens: () => [] });
    await expect(exposed).rejects.toMatchObject({ code: 'REC_ERR_ADMIN_TOKENS' });
  });

  test('on loopback without tokens, pages of other sites are kept out', async () => {
    await server.close();
    server = await start({ tokens: () => [] });
    const calls = (headers: Record<string, string>): Promise<number> =>
      ask('GET', '/v1/calls', { as: null, headers }).then(({ status }) => status);
    expect(await calls({})).toBe(200);
    expect(await calls({ origin: 'https://evil.example' })).toBe(403);
    expect(await calls({ origin: `http://127.0.0.1:${server.port}` })).toBe(200);
  });

  test('tokens that are taken away on a reload open nothing on an address that others can reach', async () => {
    await server.close();
    let tokens: ReturnType<AdminServerOptions['tokens']> = [
      { name: 'admin', scopes: ['admin'], token: TOKENS.admin },
    ];
    server = await start({ host: '0.0.0.0', tokens: () => tokens });
    expect((await ask('GET', '/v1/calls')).status).toBe(200);
    tokens = [];
    expect((await ask('GET', '/v1/calls')).status).toBe(403);
  });
});

describe('calls and recordings', () => {
  test('are listed, newest first, and bounded', async () => {
    operations.views = ['c1', 'c2', 'c3'].map(id => callView(id));
    const { body } = await ask('GET', '/v1/calls?limit=2');
    expect(body).toEqual({ total: 3, calls: [callView('c3'), callView('c2')] });
    expect((await ask('GET', '/v1/calls?limit=0')).status).toBe(400);
    const { body: recordings } = await ask('GET', '/v1/recordings');
    expect(recordings).toMatchObject({ total: 3, recordings: [{ callId: 'c3' }, {}, {}] });
  });

  test('one call is shown in detail, an unknown one is 404', async () => {
    expect((await ask('GET', '/v1/calls/c1')).body).toEqual(callView('c1'));
    expect((await ask('GET', '/v1/calls/nobody')).status).toBe(404);
  });

  test.each([
    ['done', 200],
    ['unchanged', 200],
    ['refused-not-allowed-by-mode', 409],
    ['refused-not-recording', 409],
    ['refused-wrong-party', 403],
    ['refused-unknown', 404],
  ] as const)('a control that ends with %s is answered with %i', async (outcome, status) => {
    operations.outcome = outcome;
    const body = { action: 'pause', recordingId: 'rec-c1' };
    const answer = await ask('POST', '/v1/calls/c1/recording', { body });
    expect(answer).toMatchObject({ status, body: { outcome } });
    expect(operations.asked).toEqual([{ callId: 'c1', ...body }]);
  });

  test('a control that is none is refused with what is wrong', async () => {
    const body = { action: 'explode' };
    expect(await ask('POST', '/v1/calls/c1/recording', { body })).toMatchObject({
      status: 400,
      body: { error: expect.stringContaining('action') as string },
    });
    expect(operations.asked).toEqual([]);
  });

  test('participants of a conference are handed on', async () => {
    const participants = [
      { aor: 'sip:carol@example.com' },
      { aor: 'tel:+49301', displayName: 'D' },
    ];
    const body = { userId: 'alice', participants };
    expect((await ask('POST', '/v1/calls/c1/participants', { body })).status).toBe(204);
    expect((await ask('POST', '/v1/calls/nobody/participants', { body })).status).toBe(404);
    expect(operations.asked[0]).toEqual({
      callId: 'c1',
      userId: 'alice',
      participants: [{ ...participants[0], displayName: null }, participants[1]],
    });
  });

  test.each([
    ['refused-unknown', 404, 'not recorded in it'],
    ['refused-not-answered', 409, 'not answered'],
    ['refused-not-recorded', 409, 'nobody is recorded'],
    ['refused-duplicate', 422, 'the same address'],
  ] as const)('participants that are %s get %i and why', async (outcome, status, why) => {
    operations.participantsOutcome = outcome;
    const body = { participants: [] };
    expect(await ask('POST', '/v1/calls/c1/participants', { body })).toMatchObject({
      status,
      body: { outcome, error: expect.stringContaining(why) as string },
    });
  });

  test.each([
    ['no address', [{ aor: 'http://example.com' }]],
    ['one more than is told', Array.from({ length: 31 }, (_, n) => ({ aor: `sip:p${n}@a` }))],
  ])('participants with %s are refused', async (_what, participants) => {
    const answer = await ask('POST', '/v1/calls/c1/participants', { body: { participants } });
    expect(answer).toMatchObject({
      status: 400,
      body: { error: expect.stringContaining('participants') as string },
    });
    expect(operations.asked).toEqual([]);
  });
});

describe('users and the gateway', () => {
  test('users come page by page', async () => {
    const first = await ask('GET', '/v1/users?limit=2');
    expect(first.body).toMatchObject({
      users: [{ userId: 'alice' }, { userId: 'bob' }],
      next: 'acme/bob',
    });
    const second = await ask('GET', '/v1/users?limit=2&after=acme%2Fbob');
    expect(second.body).toMatchObject({ users: [{ organisationId: 'other' }], next: null });
  });

  test('a name that two organisations use needs the organisation', async () => {
    expect(await ask('GET', '/v1/users/bob')).toMatchObject({
      status: 409,
      body: { problems: ['acme', 'other'] },
    });
    expect((await ask('GET', '/v1/users/bob?organisation=other')).body).toMatchObject({
      organisationId: 'other',
    });
    expect((await ask('GET', '/v1/users/nobody')).status).toBe(404);
    expect((await ask('GET', '/v1/users/alice/platform')).body).toEqual({
      serviceProvider: 'sp',
      externalGroup: 'g',
      externalIdentifier: 'i',
    });
  });

  test('a change is handed on; what is wrong with it comes back', async () => {
    const body = { mode: 'on-demand', reminderTone: { enabled: false } };
    expect((await ask('PATCH', '/v1/users/alice', { body })).status).toBe(200);
    expect(operations.asked).toEqual([{ organisationId: 'acme', userId: 'alice', change: body }]);
    operations.answer = { ok: false, problems: ['mode: must be …'] };
    expect(await ask('PATCH', '/v1/users/alice', { body })).toMatchObject({
      status: 422,
      body: { problems: ['mode: must be …'] },
    });
    expect(await ask('POST', '/v1/reload')).toMatchObject({ status: 422 });
    operations.answer = { ok: true };
    expect(await ask('POST', '/v1/reload')).toMatchObject({ status: 204 });
  });

  test('providers are shown; a drain is asked for', async () => {
    expect((await ask('GET', '/v1/providers')).body).toEqual({ providers: operations.providers() });
    await ask('POST', '/v1/drain');
    expect(operations.asked).toEqual(['drain']);
  });
});

interface OpenApi {
  readonly openapi: string;
  readonly paths: Readonly<Record<string, Readonly<Record<string, object>>>>;
}

describe('the OpenAPI document', () => {
  test('is valid OpenAPI 3.1 and names every route', async () => {
    const document = (await ask('GET', '/v1/openapi.json')).body as OpenApi;
    expect(document.openapi).toBe('3.1.0');
    expect(Object.keys(document.paths).sort()).toEqual([
      '/v1/calls',
      '/v1/calls/{callId}',
      '/v1/calls/{callId}/participants',
      '/v1/calls/{callId}/recording',
      '/v1/drain',
      '/v1/events',
      '/v1/levels',
      '/v1/providers',
      '/v1/recordings',
      '/v1/reload',
      '/v1/users',
      '/v1/users/{userId}',
      '/v1/users/{userId}/platform',
    ]);
    // The validator is an ES module, which a test cannot load.
    const script = `
      import { Validator } from '@seriousme/openapi-schema-validator';
      import { readFileSync } from 'node:fs';
      const result = await new Validator().validate(JSON.parse(readFileSync(0, 'utf8')));
      process.stdout.write(JSON.stringify(result));`;
    const { stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
      input: JSON.stringify(document),
      encoding: 'utf8',
    });
    expect(JSON.parse(stdout)).toMatchObject({ valid: true });
  });
});

describe('the event stream', () => {
  /** Reads as a client would; what has come so far. */
  async function listen(
    path: string,
    headers: Record<string, string> = {},
  ): Promise<{ text(): string; status: number; close(): void }> {
    const abort = new AbortController();
    const response = await fetch(`http://127.0.0.1:${server.port}${path}`, {
      headers: { authorization: `Bearer ${TOKENS.reader}`, ...headers },
      signal: abort.signal,
    });
    let text = '';
    const read = async (): Promise<void> => {
      const decoder = new TextDecoder();
      for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
        text += decoder.decode(chunk, { stream: true });
      }
    };
    read().catch(() => undefined);
    return { text: () => text, status: response.status, close: () => abort.abort() };
  }

  test('tells what happens, as the webhooks do', async () => {
    const client = await listen('/v1/events?kinds=recording');
    expect(client.status).toBe(200);
    feed.publish('call.started', 0, { callId: 'c1' });
    feed.publish('recording.started', 0, { callId: 'c1' });
    await waitUntil(() => client.text().includes('recording.started'), 'the event');
    expect(client.text()).toBe(
      ': welcome\n\n' +
        'id: run-2\nevent: recording.started\n' +
        'data: {"id":"run-2","kind":"recording.started","at":"1970-01-01T00:00:00.000Z","callId":"c1"}\n\n',
    );
    client.close();
  });

  test('goes on where a client was, or says that something was missed', async () => {
    feed.publish('call.started', 0, {});
    feed.publish('call.ended', 0, {});
    const back = await listen('/v1/events', { 'last-event-id': 'run-1' });
    await waitUntil(() => back.text().includes('call.ended'), 'what was missed');
    expect(back.text()).not.toContain('call.started');
    const lost = await listen('/v1/events', { 'last-event-id': 'other-7' });
    await waitUntil(() => lost.text().includes('event: reset'), 'the reset');
    back.close();
    lost.close();
  });

  test('keeps a silent connection alive, and takes a bounded number of clients', async () => {
    await server.close();
    server = await start({ streams: { maxClients: 1, heartbeatMs: 20 } });
    const client = await listen('/v1/events');
    await waitUntil(() => client.text().includes(': still here'), 'a heartbeat');
    const second = await listen('/v1/events');
    expect(second.status).toBe(503);
    client.close();
    second.close();
    await waitUntil(async () => {
      const third = await listen('/v1/events');
      third.close();
      return third.status === 200;
    }, 'the place of the first client');
  });

  test('measures levels only while somebody watches', async () => {
    const client = await listen('/v1/levels?calls=c1,unknown');
    operations.views = [
      callView('c1', {
        parties: {
          caller: { ...callView('c1').parties.caller, levelDbfs: -20.5 },
          callee: { ...callView('c1').parties.callee, levelDbfs: null },
        },
      }),
    ];
    const expected = 'data: [{"callId":"c1","caller":-20.5,"callee":null}]';
    await waitUntil(() => client.text().includes(expected), 'levels');
    expect(operations.asked).toEqual([
      { callId: 'c1', on: true },
      { callId: 'unknown', on: true },
    ]);
    const other = await listen('/v1/levels?calls=c1');
    client.close();
    await waitUntil(() => operations.asked.length === 3, 'the end of one');
    expect(operations.asked[2]).toEqual({ callId: 'unknown', on: false });
    other.close();
    await waitUntil(() => operations.asked.length === 4, 'the end of the other');
    expect(operations.asked[3]).toEqual({ callId: 'c1', on: false });
  });
});

describe('the live page', () => {
  test('is served with a policy that lets nothing else in', async () => {
    const page = await ask('GET', '/', { as: null });
    expect(page.status).toBe(200);
    expect(page.headers.get('content-security-policy')).toContain("default-src 'none'");
    expect(page.body).not.toMatch(/<script(?![^>]*src=)|style=|https?:\/\//);
    for (const file of ['/live.css', '/live.js', '/live-view.js', '/live-stream.js']) {
      expect((await ask('GET', file, { as: null })).status).toBe(200);
    }
  });
});
