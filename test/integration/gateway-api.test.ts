import { createServer } from 'node:http';
import { type AddressInfo } from 'node:net';

import { type GatewayBench, openGatewayBench, placeCall } from '../support/gateway-bench';
import { type CallView, type RecordingView } from '../../src/session';
import { waitUntil } from '../support/wait-until';

let bench: GatewayBench;

beforeAll(async () => {
  bench = await openGatewayBench({ config: { admin: { port: 0 } } });
}, 60_000);
afterAll(() => bench.close());

async function ask(method: string, path: string, body?: unknown): Promise<Response> {
  const { host, port } = bench.gateway.admin!;
  return fetch(`http://${host}:${port}${path}`, {
    method,
    ...(body === undefined
      ? {}
      : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
  });
}

async function calls(): Promise<readonly CallView[]> {
  const answer = (await (await ask('GET', '/v1/calls')).json()) as { calls: CallView[] };
  return answer.calls;
}

describe('the API of a running gateway', () => {
  test('shows a recorded call, its levels, its provider, and refuses what its mode does not allow', async () => {
    const caller = await bench.phone('caller', 'alice');
    const callee = await bench.phone('callee', 'bob');
    const call = await placeCall(bench, caller, callee);
    let view: CallView | undefined;
    await waitUntil(async () => {
      [view] = await calls();
      return view?.recordings[0]?.session === 'established';
    }, 'the recording in the API');
    const { callId, parties } = view!;
    const [recording] = view!.recordings as [RecordingView];
    expect(view).toMatchObject({ state: 'answered', isAnchored: true });
    expect(parties.caller.userId).toBe('alice');
    expect(recording).toMatchObject({ userId: 'alice', mode: 'always', providerId: 'lab' });

    const refused = await ask('POST', `/v1/calls/${callId}/recording`, { action: 'pause' });
    expect(refused.status).toBe(409);
    expect(await (await ask('GET', '/v1/providers')).json()).toMatchObject({
      providers: [{ providerId: 'lab', state: 'up', openRecordings: 1 }],
    });

    const levels = await ask('GET', `/v1/levels?calls=${callId}`);
    let text = '';
    const decoder = new TextDecoder();
    for await (const chunk of levels.body as unknown as AsyncIterable<Uint8Array>) {
      text += decoder.decode(chunk, { stream: true });
      if (/"caller":-\d[\d.]*,"callee":-\d[\d.]*\}/.test(text)) {
        break;
      }
    }
    await call.outgoing.hangUp();
    await waitUntil(async () => (await calls()).length === 0, 'the end of the call');
    expect((await ask('GET', `/v1/calls/${callId}`)).status).toBe(404);
  }, 60_000);

  test('shows users; a configuration that came from no file cannot be changed, and says so', async () => {
    expect(await (await ask('GET', '/v1/users')).json()).toMatchObject({
      users: [{ userId: 'alice', organisationId: 'test', mode: 'always', providerId: 'lab' }],
      next: null,
    });
    const changed = await ask('PATCH', '/v1/users/alice', { mode: 'never' });
    expect(changed.status).toBe(422);
    expect(JSON.stringify(await changed.json())).toContain('REC_ERR_CONFIG_NO_FILE');
    const platform = await ask('GET', '/v1/users/alice/platform');
    expect(Object.keys((await platform.json()) as object)).toEqual([
      'serviceProvider',
      'externalGroup',
      'externalIdentifier',
    ]);
  });
});

describe('a call that must be recorded and is not', () => {
  test('is told at once, by a metric, a webhook and the event stream', async () => {
    const heard: { kind: string; callId: string }[] = [];
    const hook = createServer((request, response) => {
      let body = '';
      request.on('data', (chunk: Buffer) => (body += chunk.toString()));
      request.on('end', () => {
        heard.push(JSON.parse(body) as (typeof heard)[number]);
        response.writeHead(204).end();
      });
    });
    await new Promise<void>(done => hook.listen(0, '127.0.0.1', done));
    const { port } = hook.address() as AddressInfo;
    const url = `http://127.0.0.1:${port}/`;
    const refusing = await openGatewayBench({
      config: {
        admin: { port: 0 },
        webhooks: [{ url, secret: 'a-secret-of-sixteen-or-more', events: ['recording'] }],
      },
    });
    try {
      refusing.srs.setBehaviour({ refuseStatus: 486 });
      const caller = await refusing.phone('caller', 'alice');
      const callee = await refusing.phone('callee', 'bob');
      const call = await placeCall(refusing, caller, callee);
      await waitUntil(() => heard.some(({ kind }) => kind === 'recording.failed'), 'the webhook');
      // The call goes on: it was told while it lasts.
      expect(call.outgoing.state).toBe('answered');
      expect(await refusing.metrics()).toMatch(
        /siprec_gateway_recordings_missing_total\{provider="lab",reason="[a-z-]+"\} 1/,
      );
      await call.outgoing.hangUp();
      expect(await refusing.waitForLedger(1)).toMatchObject([{ verdict: 'failed' }]);
    } finally {
      await refusing.close();
      hook.close();
    }
  }, 60_000);
});
