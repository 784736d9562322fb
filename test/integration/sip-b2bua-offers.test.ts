import { audioPort, B2buaBench, hangUp, LOCAL, sdp } from '../support/b2bua-bench';
import { RawDialog, tagOf } from '../support/raw-sip-peer';

let bench: B2buaBench;

beforeAll(async () => {
  bench = await B2buaBench.start({ byeMs: 1_000 });
});
afterEach(async () => {
  await bench.settle();
});
afterAll(async () => {
  await bench.close();
});

/** The version of an o= line. */
function version(body: string): number {
  return Number(/o=\S+ \d+ (\d+)/.exec(body)?.[1]);
}

describe('re-INVITEs in quick succession', () => {
  it('three of one side, each right behind the ACK of the one before, all take effect in order', async () => {
    const call = await bench.established();
    const versions: number[] = [];
    for (const port of [10_002, 10_004, 10_006]) {
      call.a.send('INVITE', { body: sdp(port, { version: port }) });
      const offered = await call.callee.request('INVITE');
      versions.push(version(offered.body));
      call.callee.reply(offered, '200 OK', { body: sdp(20_000) });
      call.a.acknowledge(await call.caller.response(200, 'INVITE'));
      expect(call.delegate.lastStream('caller')?.rtp?.port).toBe(port);
    }
    // Our own address has not changed, and neither has our description (RFC 8866 §5.2).
    expect(new Set(versions).size).toBe(1);
    await hangUp(call);
  });

  it('one of the callee waits for the caller’s ACK of the exchange before instead of being refused', async () => {
    const call = await bench.established();
    call.a.send('INVITE', { body: sdp(10_002) });
    call.callee.reply(await call.callee.request('INVITE'), '200 OK', { body: sdp(20_002) });
    await call.callee.request('ACK');
    const ok = await call.caller.response(200, 'INVITE');
    call.b.send('INVITE', { body: sdp(20_004) });
    await call.callee.response(100, 'INVITE');
    expect(call.caller.received.filter(each => each.method === 'INVITE')).toHaveLength(0);
    call.a.acknowledge(ok);
    const offered = await call.caller.request('INVITE');
    expect(audioPort(offered.body)).toBe(LOCAL.caller.rtp.port);
    call.caller.reply(offered, '200 OK', { body: sdp(10_004) });
    const answered = await call.callee.response(200, 'INVITE');
    call.b.acknowledge(answered);
    expect(call.delegate.lastStream('callee')?.rtp?.port).toBe(20_004);
    await hangUp(call);
  });

  it('of both sides at once are refused with 491 and succeed when repeated', async () => {
    const call = await bench.established();
    call.a.send('INVITE', { body: sdp(10_002) });
    call.b.send('INVITE', { body: sdp(20_002) });
    const offered = await call.callee.request('INVITE', 300).catch(() => null);
    if (offered !== null) {
      call.callee.reply(offered, '491 Request Pending');
    }
    const [a, b] = await Promise.all([
      call.caller.response(491, 'INVITE'),
      call.callee.response(491, 'INVITE'),
    ]);
    call.a.acknowledgeFailure(a);
    call.b.acknowledgeFailure(b);
    // RFC 3261 §14.1: the callee does not own the Call-ID, and tries again first.
    call.b.send('INVITE', { body: sdp(20_002) });
    call.caller.reply(await call.caller.request('INVITE'), '200 OK', { body: sdp(10_000) });
    call.b.acknowledge(await call.callee.response(200, 'INVITE'));
    call.a.send('INVITE', { body: sdp(10_002) });
    call.callee.reply(await call.callee.request('INVITE'), '200 OK', { body: sdp(20_002) });
    call.a.acknowledge(await call.caller.response(200, 'INVITE'));
    expect(call.delegate.lastStream('caller')?.rtp?.port).toBe(10_002);
    expect(call.delegate.lastStream('callee')?.rtp?.port).toBe(20_002);
    await hangUp(call);
  });

  it('a refused one leaves the media as agreed before, and the next one works', async () => {
    const call = await bench.established();
    const before = call.delegate.streams.length;
    call.b.send('INVITE', { body: sdp(20_002, { lines: ['a=sendonly'] }) });
    call.caller.reply(await call.caller.request('INVITE'), '500 Server Internal Error');
    call.b.acknowledgeFailure(await call.callee.response(500, 'INVITE'));
    expect(call.delegate.streams).toHaveLength(before);
    call.b.send('INVITE', { body: sdp(20_004) });
    call.caller.reply(await call.caller.request('INVITE'), '200 OK', { body: sdp(10_000) });
    call.b.acknowledge(await call.callee.response(200, 'INVITE'));
    expect(call.delegate.lastStream('callee')).toMatchObject({
      rtp: { port: 20_004 },
      sends: true,
      receives: true,
    });
    await hangUp(call);
  });
});

describe('UPDATE beside other exchanges', () => {
  it('without an offer is answered while a re-INVITE is under way; with one it gets 500 or 491', async () => {
    const call = await bench.established();
    call.a.send('INVITE', { body: sdp(10_002) });
    const invite = call.a.cseq;
    const offered = await call.callee.request('INVITE');
    call.a.send('UPDATE');
    await call.caller.response(200, 'UPDATE');
    call.callee.reply(await call.callee.request('UPDATE'), '200 OK');
    call.a.send('UPDATE', { body: sdp(10_004) });
    const second = await call.caller.next(
      each => each.cseqMethod === 'UPDATE' && each.status >= 400,
      'a refusal',
    );
    expect(second.status).toBe(500);
    expect(second.get('retry-after')).toMatch(/^\d+$/);
    call.b.send('UPDATE', { body: sdp(20_004) });
    await call.callee.response(491, 'UPDATE');
    call.callee.reply(offered, '200 OK', { body: sdp(20_000) });
    const ok = await call.caller.response(200, 'INVITE');
    expect(ok.get('cseq')).toBe(`${invite} INVITE`);
    call.a.acknowledge(ok);
    await hangUp(call);
  });

  it('crossing UPDATEs with offers are refused with 491 on the leg that was later', async () => {
    const call = await bench.established();
    call.a.send('UPDATE', { body: sdp(10_002) });
    const update = await call.callee.request('UPDATE');
    call.b.send('UPDATE', { body: sdp(20_002) });
    await call.callee.response(491, 'UPDATE');
    call.callee.reply(update, '491 Request Pending');
    await call.caller.response(491, 'UPDATE');
    expect(call.delegate.lastStream('caller')?.rtp?.port).toBe(10_000);
    await hangUp(call);
  });

  it('of the caller before the answer gets 200 without an offer and 500 with one', async () => {
    const caller = await bench.peer('alice');
    const callee = await bench.peer('bob');
    bench.addTarget(callee);
    const a = bench.dialFrom(caller);
    a.invite({ body: sdp(10_000) });
    const inviteNumber = a.cseq;
    const invite = await callee.request('INVITE');
    callee.reply(invite, '180 Ringing');
    const ringing = await caller.response(180, 'INVITE');
    a.learn(ringing);
    a.send('UPDATE');
    await caller.response(200, 'UPDATE');
    a.send('UPDATE', { body: sdp(10_002) });
    const refused = await caller.response(500, 'UPDATE');
    expect(refused.get('retry-after')).toMatch(/^\d+$/);
    callee.reply(invite, '200 OK', { body: sdp(20_000) });
    const ok = await caller.response(200, 'INVITE');
    expect(ok.get('cseq')).toBe(`${inviteNumber} INVITE`);
    expect(tagOf(ok.get('to'))).toBe(tagOf(ringing.get('to')));
    a.acknowledge(ok);
    await callee.request('ACK');
    const b = RawDialog.ofInvite(callee, bench.engine.sipPort, invite);
    await hangUp({ caller, callee, a, b, invite, ok, delegate: bench.delegate });
  });
});

describe('an identity asserted within the dialog', () => {
  it('is told with its leg, from re-INVITE, its answer and UPDATE', async () => {
    const call = await bench.established();
    call.b.send('INVITE', {
      body: sdp(20_002),
      headers: { 'P-Asserted-Identity': '"Carol" <sip:carol@example.org>' },
    });
    call.caller.reply(await call.caller.request('INVITE'), '200 OK', {
      body: sdp(10_000),
      headers: { 'P-Asserted-Identity': '<tel:+4930123>, <sip:alice@example.org>' },
    });
    call.b.acknowledge(await call.callee.response(200, 'INVITE'));
    call.b.send('UPDATE', { headers: { 'P-Asserted-Identity': '<sip:dave@example.org>' } });
    await call.callee.response(200, 'UPDATE');
    expect(call.delegate.identities).toEqual([
      { role: 'callee', uris: ['sip:carol@example.org'] },
      { role: 'caller', uris: ['tel:+4930123', 'sip:alice@example.org'] },
      { role: 'callee', uris: ['sip:dave@example.org'] },
    ]);
    await hangUp(call);
  });
});
