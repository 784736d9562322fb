import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { type AddressInfo } from 'node:net';

import { isSignedBy, SIGNATURE_HEADER } from '../../src/webhooks/signature';
import { type GatewayBench, hangUp, openGatewayBench, placeCall } from '../support/gateway-bench';
import { waitUntil } from '../support/wait-until';

const SECRET = 'a-secret-of-sixteen-or-more';
const PORTAL = { serviceProvider: 'ent-7', externalGroup: 'sales', externalIdentifier: 'alice-7' };
const USERS = {
  alice: {
    identities: ['sip:alice@127.0.0.1'],
    dubberPlan: 'ai',
    ...PORTAL,
    recording: { mode: 'never', reminderTone: { enabled: false } },
  },
};

interface Hook {
  readonly kind: string;
  readonly isSigned: boolean;
  readonly event: Readonly<Record<string, unknown>>;
}

let hook: Server;
let heard: Hook[];
let bench: GatewayBench;

beforeAll(async () => {
  hook = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      heard.push({
        kind: String(request.headers['x-siprec-gateway-event']),
        isSigned: isSignedBy(SECRET, body, String(request.headers[SIGNATURE_HEADER]), Date.now()),
        event: JSON.parse(body) as Hook['event'],
      });
      response.writeHead(204).end();
    });
  });
  await new Promise<void>(done => hook.listen(0, '127.0.0.1', done));
  const url = `http://127.0.0.1:${(hook.address() as AddressInfo).port}/`;
  bench = await openGatewayBench({
    fromFile: true,
    config: {
      admin: { port: 0 },
      organisations: organisations(),
      webhooks: [{ url, secret: SECRET, events: ['user'] }],
    },
  });
}, 60_000);
beforeEach(() => {
  heard = [];
});
afterAll(async () => {
  await bench.close();
  hook.close();
});

describe('a user is changed by the API', () => {
  test('what is changed counts for the next call, and is kept in the overlay file', async () => {
    const changed = await ask('PATCH', '/v1/users/alice', {
      mode: 'always',
      notification: 'beep',
    });
    expect(changed.status).toBe(200);
    expect(await changed.json()).toMatchObject({ userId: 'alice', mode: 'always' });
    expect(overlay()).toMatch(/mode: always/);

    const caller = await bench.phone('caller', 'alice');
    const callee = await bench.phone('callee', 'bob');
    const call = await placeCall(bench, caller, callee);
    await bench.srs.waitForRecording(({ state }) => state === 'established');
    await hangUp(call);
    expect(await bench.waitForLedger(1)).toMatchObject([{ policy: { mode: 'always' } }]);
  }, 60_000);

  test('what makes no sense is refused with the file and the key, and changes nothing', async () => {
    const before = overlay();
    const refused = await ask('PATCH', '/v1/users/alice', { mode: 'sometimes' });
    expect(refused.status).toBe(422);
    expect(JSON.stringify(await refused.json())).toMatch(
      /overlay\.yaml.*organisations\.test\.users\.alice\.recording\.mode/,
    );
    expect(overlay()).toBe(before);
    expect(await (await ask('GET', '/v1/users/alice')).json()).toMatchObject({ mode: 'always' });
  });

  test('disabling drops the settings from the overlay; both ways are told by signed webhooks with the plan', async () => {
    expect((await ask('PATCH', '/v1/users/alice', { enabled: false })).status).toBe(200);
    await waitUntil(() => heard.length === 1, 'the webhook of the disabled user');
    expect(overlay()).toMatch(/enabled: false/);
    expect(overlay()).not.toMatch(/mode|notification/);
    expect(await (await ask('GET', '/v1/users/alice')).json()).toMatchObject({
      notRecordedBecause: 'recording-disabled',
    });

    expect((await ask('PATCH', '/v1/users/alice', { enabled: true })).status).toBe(200);
    await waitUntil(() => heard.length === 2, 'the webhook of the enabled user');
    // The settings of the file count again, not those that were dropped.
    expect(await (await ask('GET', '/v1/users/alice')).json()).toMatchObject({ mode: 'never' });
    expect(heard.map(({ kind, isSigned }) => [kind, isSigned])).toEqual([
      ['user.disabled', true],
      ['user.enabled', true],
    ]);
    for (const { event } of heard) {
      expect(event).toMatchObject({
        userId: 'alice',
        organisationId: 'test',
        providerId: 'lab',
        platform: PORTAL,
        dubberPlan: 'ai',
      });
    }
    // What the ledger says of earlier calls stays.
    expect(bench.ledger()).toMatchObject([{ policy: { userId: 'alice', mode: 'always' } }]);
  });

  test('support is told how the provider knows the user, of one who exists', async () => {
    const platform = await ask('GET', '/v1/users/alice/platform');
    expect([platform.status, await platform.json()]).toEqual([200, PORTAL]);
    expect((await ask('GET', '/v1/users/nobody/platform')).status).toBe(404);
  });
});

function organisations(): Readonly<Record<string, unknown>> {
  return { test: { provider: 'lab', users: USERS } };
}

function overlay(): string {
  return readFileSync(bench.configFile.replace(/\.yaml$/, '.overlay.yaml'), 'utf8');
}

function ask(method: string, path: string, body?: unknown): Promise<Response> {
  const { host, port } = bench.gateway.admin!;
  return fetch(`http://${host}:${port}${path}`, {
    method,
    ...(body === undefined
      ? {}
      : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
  });
}
