import type Srf from 'drachtio-srf';
import {
  type AnsweredCall,
  answeredCall,
  arrivedCall,
  type Bench,
  cancel,
  endByCaller,
  failureOf,
  hangUp,
  nextInvite,
  once,
  type PlacedCall,
  placedCall,
  RawCall,
  respond,
  routed,
  SDP,
  startBench,
  until,
  within,
} from './sip-engine-harness';

let bench: Bench;

beforeEach(async () => {
  bench = await startBench();
});

afterEach(async () => {
  try {
    await bench.expectQuiet();
  } finally {
    await bench.close();
  }
});

async function answered(): Promise<AnsweredCall> {
  return answeredCall(bench, await bench.peer('UDP'));
}

async function placed(protocol: 'UDP' | 'TCP' = 'UDP'): Promise<PlacedCall> {
  return placedCall(bench, await bench.peer(protocol));
}

function ask(
  dialog: Srf.Dialog,
  options: Record<string, unknown>,
): Promise<{ status: number; body: string }> {
  return (
    dialog as unknown as {
      request(options: Record<string, unknown>): Promise<{ status: number; body: string }>;
    }
  ).request(options);
}

describe('in a dialog', () => {
  test('a re-INVITE of the peer may be rung and answered; its ACK comes up', async () => {
    const call = await answered();
    call.dialog.on('modify', ((_req: unknown, res: { send(status: number, o?: object): void }) => {
      res.send(183);
      res.send(200, { body: SDP });
    }) as never);
    call.call.request('INVITE', 2, { to: call.to, body: SDP.replace('1 1 IN', '1 2 IN') });
    await call.peer.response(100, 'INVITE');
    await call.peer.response(183, 'INVITE');
    const ok = await call.peer.response(200, 'INVITE');
    expect(ok.headers.get('contact')).not.toBeNull();
    const acked = once(call.dialog, 'ack');
    call.call.request('ACK', 2, { to: call.to });
    await within('ack', acked);
    await endByCaller(call);
  });

  test('a re-INVITE of the application outlives a provisional response', async () => {
    const { dialog, peer } = await placed();
    // request() of drachtio-srf settles with the first response, modify() with the final one.
    const modified = dialog.modify(SDP);
    const invite = await peer.request('INVITE');
    respond(peer, invite, 180);
    respond(peer, invite, 200, { body: SDP });
    await peer.request('ACK');
    expect(await within('200', modified)).toBe(SDP);
    const gone = hangUp(dialog);
    respond(peer, await peer.request('BYE'), 200);
    await within('destroy', gone);
  });

  test.each(['INFO', 'OPTIONS', 'UPDATE', 'NOTIFY', 'MESSAGE', 'REFER'])(
    '%s passes from the peer to the application and back',
    async method => {
      const call = await answered();
      call.dialog.on(
        method.toLowerCase() as 'info',
        ((_req: unknown, res: { send(status: number, o?: object): void }) => {
          res.send(202, { headers: { 'X-Answer': method } });
        }) as never,
      );
      call.call.request(method, 2, { to: call.to });
      const answer = await call.peer.response(202, method);
      expect(answer.headers.get('x-answer')).toBe(method);
      await endByCaller(call);
    },
  );

  test.each(['INFO', 'OPTIONS', 'UPDATE', 'NOTIFY', 'MESSAGE', 'REFER'])(
    '%s passes from the application to the peer and back',
    async method => {
      const { dialog, peer } = await placed('TCP');
      const answering = ask(dialog, { method, headers: { 'X-Question': 'q' } });
      const request = await peer.request(method);
      expect(request.headers.get('x-question')).toBe('q');
      respond(peer, request, 488);
      expect((await within(method, answering)).status).toBe(488);
      const gone = hangUp(dialog);
      respond(peer, await peer.request('BYE'), 200);
      await within('BYE', gone);
    },
  );

  test('a request out of order gets 500, an unknown method 501 (RFC 3261 §12.2.2, §8.2.1)', async () => {
    const call = await answered();
    call.call.request('INFO', 10, { to: call.to });
    await call.peer.response(200, 'INFO');
    call.call.request('INFO', 9, { to: call.to });
    await call.peer.response(500, 'INFO');
    call.call.request('FROB', 11, { to: call.to });
    const refused = await call.peer.response(501, 'FROB');
    expect(refused.headers.get('allow')).toContain('INVITE');
    await endByCaller(call);
  });

  test('a re-INVITE that crosses ours gets 491 (RFC 3261 §14.2)', async () => {
    const call = await answered();
    const answering = ask(call.dialog, { method: 'INVITE', body: SDP });
    const ours = await call.peer.request('INVITE');
    call.call.request('INVITE', 2, { to: call.to, body: SDP });
    await call.peer.response(491, 'INVITE');
    respond(call.peer, ours, 491);
    await call.peer.request('ACK');
    expect((await within('answer', answering)).status).toBe(491);
    await endByCaller(call);
  });

  test('a BYE that the peer does not answer settles as 408 and the dialog is gone', async () => {
    const { dialog, peer } = await placed();
    const gone = hangUp(dialog);
    await peer.request('BYE');
    const bye = await within('destroy', gone);
    expect(bye).toMatchObject({ method: 'BYE' });
    expect((await bench.engine.counters()).dialogs).toBe(0);
  });
});

describe('a 2xx that is not acknowledged', () => {
  test('is repeated, then ended by BYE, and the application is told', async () => {
    const { peer, req, res } = await arrivedCall(bench, await bench.peer('UDP'));
    const dialog = await bench.srf.createUAS(req, res, { localSdp: SDP });
    const destroyed = once(dialog, 'destroy');
    const bye = await peer.request('BYE');
    expect(bye.headers.get('reason')).toContain('ACK timeout');
    respond(peer, bye, 200);
    const [, reason] = await within('destroy', destroyed);
    expect(reason).toBe('ACK timeout');
    const repeats = peer.count(message => message.kind === 'response' && message.status === 200);
    expect(repeats).toBeGreaterThan(3);
  });

  test('holds back the BYE of the application until the ACK is there (RFC 3261 §15)', async () => {
    const { peer, call, req, res } = await arrivedCall(bench, await bench.peer('UDP'));
    const dialog = await bench.srf.createUAS(req, res, { localSdp: SDP });
    const to = (await peer.response(200)).headers.get('to') ?? '';
    const gone = hangUp(dialog);
    await peer.response(200);
    expect(peer.count(message => message.kind === 'request')).toBe(0);
    call.request('ACK', 1, { to });
    const bye = await peer.request('BYE');
    expect(bye.headers.get('cseq')).toMatch(/BYE$/);
    respond(peer, bye, 200);
    await within('destroy', gone);
  });
});

describe('races', () => {
  test('a 200 that overtakes the CANCEL is acknowledged and ended', async () => {
    const peer = await bench.peer('UDP');
    let sent: Srf.SrfRequest | null = null;
    const calling = bench.srf.createUAC(
      `sip:bob@127.0.0.1:${peer.port}`,
      { localSdp: SDP },
      {
        cbRequest: (_error: unknown, req?: Srf.SrfRequest) => {
          sent = req ?? null;
        },
      },
    );
    const invite = await peer.request('INVITE');
    await within(
      'echo',
      until(() => sent !== null),
    );
    await cancel(sent);
    respond(peer, invite, 200, { tag: 'b', body: SDP });
    const dialog = await within('UAC', calling);
    const destroyed = once(dialog, 'destroy');
    await peer.request('ACK');
    respond(peer, await peer.request('BYE'), 200);
    const [, reason] = await within('destroy', destroyed);
    expect(reason).toContain('cancel race');
  });

  test('the 200 of another branch of a fork is acknowledged and ended (RFC 3261 §13.2.2.4)', async () => {
    const { dialog, peer, invite } = await placed();
    respond(peer, invite, 200, { tag: 'other', body: SDP });
    const ack = await peer.request('ACK');
    expect(ack.headers.get('to')).toContain('tag=other');
    const bye = await peer.request('BYE');
    expect(bye.headers.get('to')).toContain('tag=other');
    respond(peer, bye, 200);
    const gone = hangUp(dialog);
    respond(peer, await peer.request('BYE'), 200);
    await within('destroy', gone);
  });

  test('a BYE before the answer ends the call like a CANCEL (RFC 3261 §15)', async () => {
    const { peer, call, req, res } = await arrivedCall(bench, await bench.peer('UDP'));
    const inviteBranch = call.lastBranch;
    const cancelled = once(req, 'cancel');
    res.send(180);
    const to = (await peer.response(180)).headers.get('to') ?? '';
    call.request('BYE', 2, { to });
    await peer.response(200, 'BYE');
    await peer.response(487, 'INVITE');
    const [cancelSeen] = await within('cancel', cancelled);
    expect(cancelSeen).toMatchObject({ method: 'CANCEL' });
    call.request('ACK', 1, { to, branch: inviteBranch });
  });

  test('a CANCEL after the 200 is answered 200 and changes nothing (RFC 3261 §9.2)', async () => {
    const { peer, call, req, res } = await arrivedCall(bench, await bench.peer('UDP'));
    const dialog = await bench.srf.createUAS(req, res, { localSdp: SDP });
    const to = (await peer.response(200)).headers.get('to') ?? '';
    call.request('CANCEL', 1, { branch: call.lastBranch });
    expect((await peer.response(200, 'CANCEL')).headers.get('cseq')).toBe('1 CANCEL');
    const acked = once(dialog, 'ack');
    call.request('ACK', 1, { to });
    await within('ack', acked);
    expect((await bench.engine.counters()).dialogs).toBe(1);
    await endByCaller({ peer, call, dialog, to });
  });

  test('a CANCEL for nothing is 481', async () => {
    const peer = await bench.peer('UDP');
    new RawCall(peer).request('CANCEL', 1);
    expect((await peer.response(481, 'CANCEL')).headers.get('cseq')).toBe('1 CANCEL');
  });
});

test('createB2BUA joins two peers, and a BYE of either ends both', async () => {
  const caller = await bench.peer('UDP');
  const callee = await bench.peer('TCP');
  const call = new RawCall(caller);
  const arriving = await nextInvite(bench);
  call.request('INVITE', 1, { body: SDP });
  const { req, res } = await within('INVITE', arriving.invite);
  const joining = bench.srf.createB2BUA(
    req,
    res,
    `sip:bob@127.0.0.1:${callee.port};transport=tcp`,
    {},
  );
  const invite = await callee.request('INVITE');
  respond(callee, invite, 183, { tag: 'b', body: SDP });
  expect((await caller.response(183)).body.toString()).toBe(SDP);
  respond(callee, invite, 200, { tag: 'b', body: SDP });
  const to = (await caller.response(200)).headers.get('to') ?? '';
  call.request('ACK', 1, { to });
  await callee.request('ACK');
  const { uas, uac } = await within('B2BUA', joining);
  uas.on('destroy', () => {
    void hangUp(uac);
  });
  call.request('BYE', 2, { to });
  await caller.response(200, 'BYE');
  respond(callee, await callee.request('BYE'), 200);
});

test('a body of 60 kB with NUL bytes and many languages passes through TCP unchanged', async () => {
  const body = `${'é漢字🎙'.repeat(4500)}\u0000end`;
  expect(Buffer.byteLength(body)).toBeGreaterThan(50_000);
  const { dialog, peer } = await placed('TCP');
  const answering = ask(dialog, {
    method: 'INFO',
    body,
    headers: { 'Content-Type': 'multipart/mixed;boundary=x' },
  });
  const info = await peer.request('INFO');
  expect(info.body.toString()).toBe(body);
  respond(peer, info, 200);
  await within('INFO', answering);
  const gone = hangUp(dialog);
  respond(peer, await peer.request('BYE'), 200);
  await within('destroy', gone);
});

describe('requests that nobody answers', () => {
  test('end as 408 after 64*T1', async () => {
    const peer = await bench.peer('UDP');
    const calling = bench.srf.createUAC(`sip:bob@127.0.0.1:${peer.port}`, { localSdp: SDP });
    expect(await within('408', failureOf(calling))).toMatchObject({
      status: 408,
      reason: 'Request Timeout',
    });
    expect(peer.count(message => message.kind === 'request')).toBeGreaterThan(3);
  });

  test.each(['', ';transport=tcp'])('end as 503 when the port is closed (%s)', async transport => {
    const peer = await bench.peer(transport === '' ? 'UDP' : 'TCP');
    const { port } = peer;
    peer.close();
    (peer as { close(): void }).close = () => undefined;
    const calling = bench.srf.createUAC(`sip:bob@127.0.0.1:${port}${transport}`, { localSdp: SDP });
    expect(await within('503', failureOf(calling))).toMatchObject({ status: 503 });
  });

  test('end as 503 when the name has no address', async () => {
    const calling = bench.srf.createUAC('sip:bob@no-such-host.invalid', { localSdp: SDP });
    expect(await within('503', failureOf(calling))).toMatchObject({ status: 503 });
  });
});

describe('requests that no application sees', () => {
  test.each([
    ['an unknown method', 'FROB', {}, 501],
    ['an unknown extension', 'INVITE', { extra: 'Require: teleport\r\n' }, 420],
    ['no hops left', 'INVITE', { maxForwards: 0 }, 483],
    ['a BYE for nothing', 'BYE', { to: '<sip:b@x>;tag=none' }, 481],
    ['a re-INVITE for nothing', 'INVITE', { to: '<sip:b@x>;tag=none' }, 481],
    ['a method without an application', 'OPTIONS', {}, 503],
    ['an INVITE without an application', 'INVITE', {}, 503],
    ['a strange scheme', 'OPTIONS', { uri: 'mailto:x@y' }, 416],
  ])('%s (%s)', async (_name, method, options, status) => {
    const peer = await bench.peer('UDP');
    const call = new RawCall(peer);
    call.request(method, 1, options);
    const response = await peer.response(status, method);
    expect(response.headers.get('unsupported')).toBe(status === 420 ? 'teleport' : null);
    if (method === 'INVITE') {
      const to = response.headers.get('to') ?? '';
      call.request('ACK', 1, { to, branch: call.lastBranch });
    }
  });

  test('an INVITE is 503 while the application has routed other methods only', async () => {
    const peer = await bench.peer('UDP');
    (bench.srf as unknown as { options(handler: () => void): void }).options(() => undefined);
    await routed(bench);
    const call = new RawCall(peer);
    call.request('INVITE', 1, { body: SDP });
    const { headers } = await peer.response(503, 'INVITE');
    expect(headers.get('retry-after')).not.toBeNull();
    call.request('ACK', 1, { to: headers.get('to') ?? '', branch: call.lastBranch });
    const message = new RawCall(peer);
    message.request('MESSAGE', 1);
    expect((await peer.response(405, 'MESSAGE')).headers.get('allow')).toContain('OPTIONS');
  });

  test('an INVITE of ours that comes back is 482 (RFC 3261 §16.3)', async () => {
    const peer = await bench.peer('UDP');
    const calling = failureOf(
      bench.srf.createUAC(`sip:bob@127.0.0.1:${peer.port}`, { localSdp: SDP }),
    );
    const invite = await peer.request('INVITE');
    const looped = new RawCall(peer);
    const via = invite.headers.get('via') ?? '';
    looped.request('INVITE', 1, { body: SDP, extra: `Via: ${via}\r\n` });
    const { headers } = await peer.response(482, 'INVITE');
    looped.request('ACK', 1, { to: headers.get('to') ?? '', branch: looped.lastBranch });
    respond(peer, invite, 486, { tag: 'b' });
    await peer.request('ACK');
    await expect(within('failure', calling)).resolves.toMatchObject({ status: 486 });
  });

  test('the same INVITE over another path is 482 (RFC 3261 §8.2.2.2)', async () => {
    const { peer, call, res } = await arrivedCall(bench, await bench.peer('UDP'));
    const firstBranch = call.lastBranch;
    call.request('INVITE', 1, { body: SDP });
    const merged = await peer.response(482, 'INVITE');
    call.request('ACK', 1, { to: merged.headers.get('to') ?? '', branch: call.lastBranch });
    res.send(603);
    const declined = await peer.response(603, 'INVITE');
    expect(merged.headers.get('to')).not.toBe(declined.headers.get('to'));
    call.request('ACK', 1, { to: declined.headers.get('to') ?? '', branch: firstBranch });
  });
});

test('an application that does not answer a request is answered for', async () => {
  const peer = await bench.peer('UDP');
  (bench.srf as unknown as { options(handler: () => void): void }).options(() => undefined);
  await routed(bench);
  new RawCall(peer).request('OPTIONS', 1);
  expect((await peer.response(500, 'OPTIONS')).headers.get('cseq')).toBe('1 OPTIONS');
});
