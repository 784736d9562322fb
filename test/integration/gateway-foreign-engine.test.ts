import { isGatewayError } from '#core';
import { type ForeignEngine, startForeignEngine } from '../support/foreign-engine';
import { hangUp, openGatewayBench, placeCall, talkFor, withBench } from '../support/gateway-bench';
import { waitUntil } from '../support/wait-until';

/*
 * The way to an engine that the gateway did not start, as a drachtio-server is one: chosen by its address, with its secret,
 * messages of at most 12 kB, gone and back again.
 */

let engine: ForeignEngine;
const before = { ...process.env };

beforeAll(async () => {
  engine = await startForeignEngine('a secret of its own');
});
beforeEach(() => {
  Object.assign(process.env, engine.env);
});
afterEach(() => {
  process.env = { ...before };
});
afterAll(() => engine.close());

jest.setTimeout(90_000);

describe('a SIP engine that is chosen by its address', () => {
  test.each(['udp', 'tcp'] as const)('carries a recorded call over %s', async transport => {
    await withBench({ transport }, async bench => {
      expect(bench.gateway.listeners).toEqual([]);
      const caller = await bench.phone('caller', 'alice');
      const callee = await bench.phone('callee', 'bob');
      const call = await placeCall(bench, caller, callee);
      await talkFor(call, 25);
      await hangUp(call);
      expect(await bench.waitForLedger(1)).toMatchObject([{ verdict: 'recorded' }]);
    });
  });

  test('wants its secret: with another one the gateway does not start, and says why', async () => {
    process.env['DRACHTIO_SECRET'] = 'another';
    const error: unknown = await openGatewayBench().catch((reason: unknown) => reason);
    expect(isGatewayError(error) && [error.code, error.message]).toEqual([
      'REC_ERR_SIP_ENGINE_UNREACHABLE',
      expect.stringContaining('it refuses our secret'),
    ]);
  });

  test('and goes down in mid-call: the call is accounted for, /readyz says so, and the next call is recorded once it is back', async () => {
    await withBench({}, async bench => {
      const caller = await bench.phone('caller', 'alice');
      const callee = await bench.phone('callee', 'bob');
      const call = await placeCall(bench, caller, callee);
      await talkFor(call, 25);
      await bench.srs.waitForRecording(({ state }) => state === 'established');
      await engine.kill();
      const [line] = await bench.waitForLedger(1);
      expect(line?.endedBy).toBe('gateway: engine-lost');
      expect(bench.gateway.health()).toEqual({ ready: false, reasons: ['sip-engine-down'] });
      await waitUntil(() => bench.gateway.openCalls() === 0, 'no call is open');
      // Nobody tells them.
      await Promise.all([call.outgoing, call.incoming].map(each => each.hangUp()));

      await engine.restart();
      await waitUntil(() => bench.gateway.health().ready, 'the gateway is ready again');
      const next = await placeCall(bench, caller, callee);
      await talkFor(next, 25);
      await hangUp(next);
      const lines = await bench.waitForLedger(2);
      expect(lines[1]).toMatchObject({ verdict: 'recorded', endedBy: 'caller: bye' });
    });
  });
});
