import { createServer, type IncomingMessage, type Server } from 'node:http';
import { type AddressInfo } from 'node:net';

import { noopLogger, systemClock } from '#core';
import {
  EventFeed,
  isSignedBy,
  SIGNATURE_HEADER,
  signatureHeader,
  startWebhooks,
  type Webhooks,
  type WebhooksOptions,
} from '../../../src/webhooks';
import { waitUntil } from '../../support/wait-until';

const SECRET = 'a secret of sixteen or more';

interface Got {
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

function feedOf(): EventFeed {
  return new EventFeed({ uuid: () => 'run' }, () => undefined);
}

describe('a signature', () => {
  test('is HMAC-SHA256 over time and body', () => {
    // printf '1700000000.{}' | openssl dgst -sha256 -hmac secret
    expect(signatureHeader('secret', '{}', 1_700_000_000_999)).toBe(
      't=1700000000,v1=b8569b78799ff9e3cbff0fc2d63a33a2b57f3282abd07c37ae5e8e7d79a5f163',
    );
  });

  test('is refused for another body, secret or time', () => {
    const header = signatureHeader(SECRET, 'body', 1_000_000);
    const check = (change: { secret?: string; body?: string; nowMs?: number }): boolean =>
      isSignedBy(change.secret ?? SECRET, change.body ?? 'body', header, change.nowMs ?? 1_000_000);
    expect(check({})).toBe(true);
    expect(check({ body: 'bodY' })).toBe(false);
    expect(check({ secret: 'other' })).toBe(false);
    expect(check({ nowMs: 1_400_000 })).toBe(false);
    expect(isSignedBy(SECRET, 'body', 'nonsense', 0)).toBe(false);
  });
});

describe('the feed', () => {
  test('tells everybody, also when one of them throws, and lets them catch up', () => {
    const errors: unknown[] = [];
    const feed = new EventFeed({ uuid: () => 'run' }, error => errors.push(error));
    const heard: string[] = [];
    feed.listen(() => {
      throw new Error('broken');
    });
    const stop = feed.listen(({ id }) => heard.push(id));
    feed.publish('call.started', 0, {});
    feed.publish('call.ended', 0, {});
    stop();
    feed.publish('call.ended', 0, {});
    expect(heard).toEqual(['run-1', 'run-2']);
    expect(errors).toHaveLength(3);
    expect(feed.since('run-1')?.map(({ id }) => id)).toEqual(['run-2', 'run-3']);
    expect(feed.since('run-3')).toEqual([]);
    for (const unknown of ['run-4', 'run--1', 'run-x', 'other-1', '']) {
      expect(feed.since(unknown)).toBeNull();
    }
  });

  test('keeps a bounded number of events', () => {
    const feed = feedOf();
    for (let number = 0; number < 1500; number += 1) {
      feed.publish('call.started', 0, {});
    }
    expect(feed.since('run-499')).toBeNull();
    expect(feed.since('run-500')).toHaveLength(1000);
  });
});

describe('webhooks', () => {
  let server: Server;
  let url: string;
  let got: Got[];
  /** Statuses of the answers to come; then 204. null: no answer. */
  let answers: (number | null)[];
  let hooks: Webhooks | null = null;
  const feed = feedOf();

  beforeAll(async () => {
    server = createServer((request, response) => {
      let body = '';
      request.on('data', (chunk: Buffer) => (body += chunk.toString()));
      request.on('end', () => {
        got.push({ path: request.url ?? '', headers: request.headers, body });
        const status = answers.length === 0 ? 204 : answers.shift();
        if (typeof status === 'number') {
          response.writeHead(status, status === 302 ? { location: '/elsewhere' } : {}).end();
        }
      });
    });
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`;
  });
  afterAll(() => server.close());
  beforeEach(() => {
    got = [];
    answers = [];
  });
  afterEach(async () => {
    await hooks?.close();
    server.closeAllConnections();
  });

  function start(
    limits: WebhooksOptions['limits'] = {},
    events: readonly string[] | null = null,
  ): Webhooks {
    hooks = startWebhooks({
      feed,
      clock: systemClock,
      logger: noopLogger,
      limits: { firstRetryMs: 5, maxRetryMs: 20, ...limits },
    });
    hooks.setTargets([{ url, secret: SECRET, events }]);
    return hooks;
  }

  const bodies = (): unknown[] =>
    got.map(({ body }) => (JSON.parse(body) as { kind: string }).kind);

  test('posts signed JSON', async () => {
    start();
    feed.publish('recording.started', 1_700_000_000_000, { callId: 'c1', providerId: 'lab' });
    await waitUntil(() => got.length === 1, 'the message');
    const [{ headers, body, path }] = got as [Got];
    expect(path).toBe('/hook');
    expect(JSON.parse(body)).toEqual({
      id: headers['x-siprec-gateway-delivery'],
      kind: 'recording.started',
      at: '2023-11-14T22:13:20.000Z',
      callId: 'c1',
      providerId: 'lab',
    });
    expect(headers['x-siprec-gateway-event']).toBe('recording.started');
    expect(isSignedBy(SECRET, body, String(headers[SIGNATURE_HEADER]), Date.now())).toBe(true);
  });

  test('repeats what failed, in order, and signs anew', async () => {
    const started = start({ timeoutMs: 100 });
    answers = [503, 429, null, 302];
    feed.publish('call.started', 0, {});
    feed.publish('call.ended', 0, {});
    await waitUntil(() => got.length === 6, 'all messages');
    expect(bodies()).toEqual([...Array<string>(5).fill('call.started'), 'call.ended']);
    expect(
      new Set(got.slice(0, 5).map(each => each.headers['x-siprec-gateway-delivery'])).size,
    ).toBe(1);
    expect(got.every(({ path }) => path === '/hook')).toBe(true);
    await waitUntil(() => started.totals().delivered === 2, 'both are delivered');
    expect(started.totals().retries).toBeGreaterThanOrEqual(4);
  });

  test('gives up what is refused, and what fails too often; the next event is not held up', async () => {
    const started = start({ maxAttempts: 2 });
    answers = [400, 500, 500];
    feed.publish('call.started', 0, {});
    feed.publish('call.answered', 0, {});
    feed.publish('call.ended', 0, {});
    await waitUntil(() => started.totals().delivered === 1, 'the last event');
    expect(bodies()).toEqual(['call.started', 'call.answered', 'call.answered', 'call.ended']);
    expect(started.totals().deadLetters).toMatchObject({ refused: 1, 'attempts-exhausted': 1 });
  });

  test('a target that is down costs a bounded queue', async () => {
    const started = start({ maxQueued: 2 });
    answers = [null];
    for (let number = 0; number < 5; number += 1) {
      feed.publish('call.started', 0, {});
    }
    expect(started.totals()).toMatchObject({ queued: 2, deadLetters: { 'queue-full': 3 } });
    await waitUntil(() => got.length === 1, 'the first message');
    server.closeAllConnections();
    await waitUntil(() => started.totals().delivered === 2, 'what was queued');
  });

  test('targets come and go; one that stays keeps what waits for it', async () => {
    const started = start();
    const stays = { url, secret: SECRET, events: null };
    answers = [503];
    feed.publish('call.started', 0, {});
    await waitUntil(() => got.length === 1, 'the first attempt');
    started.setTargets([stays, { ...stays, url: `${url}/new`, events: ['recording'] }]);
    feed.publish('recording.started', 0, {});
    await waitUntil(() => started.totals().delivered === 3, 'all messages');
    started.setTargets([]);
    feed.publish('call.ended', 0, {});
    expect(started.totals().queued).toBe(0);
    expect(got.map(({ path }) => path).sort()).toEqual(['/hook', '/hook', '/hook', '/hook/new']);
  });

  test('a target hears only what it wants', async () => {
    const started = start({}, ['recording', 'user']);
    feed.publish('call.started', 0, {});
    feed.publish('user.disabled', 0, {});
    feed.publish('recording.started', 0, {});
    await waitUntil(() => started.totals().delivered === 2, 'the messages');
    expect(bodies()).toEqual(['user.disabled', 'recording.started']);
  });
});
