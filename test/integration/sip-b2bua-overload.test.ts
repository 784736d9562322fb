import { B2buaBench, sdp } from '../support/b2bua-bench';

describe('overload', () => {
  it.each([
    ['calls at once', { maxCalls: 1 }],
    ['new calls per second', { maxNewCallsPerSecond: 0.01 }],
  ])('by %s is answered 503 with Retry-After; calls in progress go on', async (_what, load) => {
    const loaded = await B2buaBench.start({ byeMs: 1_000 }, load);
    try {
      const call = await loaded.established();
      const late = await loaded.peer('late');
      const refusedCall = loaded.dialFrom(late);
      refusedCall.invite({ body: sdp(11_000) });
      const refused = await late.response(503, 'INVITE');
      refusedCall.acknowledgeFailure(refused);
      expect(Number(refused.get('retry-after'))).toBeGreaterThanOrEqual(5);
      expect(loaded.stack.gateway.counters().calls).toBe(1);
      expect(loaded.stack.gateway.overloadRefusals).toBe(1);
      call.a.send('INVITE', { body: sdp(10_002) });
      call.callee.reply(await call.callee.request('INVITE'), '200 OK', { body: sdp(20_000) });
      call.a.acknowledge(await call.caller.response(200, 'INVITE'));
      call.a.send('BYE');
      call.callee.reply(await call.callee.request('BYE'), '200 OK');
      await loaded.settle();
    } finally {
      await loaded.close();
    }
  });
});
