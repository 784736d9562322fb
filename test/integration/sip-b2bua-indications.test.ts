import { B2buaBench, type EstablishedCall, hangUp, sdp } from '../support/b2bua-bench';
import { RawDialog, type RawMessage } from '../support/raw-sip-peer';
import { waitUntil } from '../support/wait-until';

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

const AWARE = { Supported: 'record-aware' };

/** What an SDP says in a=record. */
function recordIn(message: RawMessage): string | null {
  const all = [...message.body.matchAll(/^a=record:(\S+)/gm)].map(match => match[1]);
  expect(all.length).toBeLessThan(2);
  return all[0] ?? null;
}

/** The next re-INVITE of the gateway to one side, answered. */
async function told(call: EstablishedCall, side: 'caller' | 'callee'): Promise<RawMessage> {
  const peer = call[side];
  const offer = await peer.request('INVITE');
  peer.reply(offer, '200 OK', { body: sdp(side === 'caller' ? 10_000 : 20_000) });
  await peer.request('ACK');
  return offer;
}

describe('a recording is indicated in a=record', () => {
  it('to every record-aware party at each change, and to nobody else', async () => {
    const call = await bench.established({ calling: AWARE });
    expect(call.invite.get('supported')).toContain('record-aware');
    expect(recordIn(call.ok)).toBeNull();
    for (const state of ['on', 'paused', 'off'] as const) {
      bench.incoming[0]?.indicate(state);
      expect(recordIn(await told(call, 'caller'))).toBe(state);
    }
    expect(call.callee.received.filter(each => each.method === 'INVITE')).toHaveLength(0);
    await hangUp(call);
  });

  it('in the first offer and answer when it is known by then', async () => {
    bench.onCall = call => {
      call.indicate('on');
      bench.connect(call);
    };
    const call = await bench.established({ calling: AWARE, answering: AWARE });
    expect(recordIn(call.invite)).toBe('on');
    expect(recordIn(call.ok)).toBe('on');
    expect(call.ok.get('supported')).toContain('record-aware');
    await hangUp(call);
  });

  it('in the 200 when the recording begins with the answer; the callee is offered again', async () => {
    bench.onCall = call => {
      bench.connect(call).whenAnswering = () => call.indicate('on');
    };
    const call = await bench.established({ calling: AWARE, answering: AWARE });
    expect(recordIn(call.ok)).toBe('on');
    const offer = await told(call, 'callee');
    expect(recordIn(offer)).toBe('on');
    // Nothing else has changed: the codecs that were agreed, the same address.
    expect(offer.body).toContain('m=audio 50000 RTP/AVP 0 8 101');
    await hangUp(call);
  });

  it('in the answer to the offer that asked for it', async () => {
    const call = await bench.established({ calling: AWARE });
    call.delegate.whenPreferred = (_role, preference) =>
      bench.incoming[0]?.indicate(preference === 'on' ? 'on' : 'off');
    call.a.send('INVITE', { body: sdp(10_000, { version: 2, lines: ['a=recordpref:on'] }) });
    const relayed = await call.callee.request('INVITE');
    expect(relayed.body).not.toContain('recordpref');
    call.callee.reply(relayed, '200 OK', { body: sdp(20_000) });
    const answer = await call.caller.response(200, 'INVITE');
    expect(recordIn(answer)).toBe('on');
    call.a.acknowledge(answer);
    // Said again it is no new wish.
    call.a.send('INVITE', { body: sdp(10_000, { version: 3, lines: ['a=recordpref:on'] }) });
    call.callee.reply(await call.callee.request('INVITE'), '200 OK', { body: sdp(20_000) });
    call.a.acknowledge(await call.caller.response(200, 'INVITE'));
    expect(call.delegate.preferences).toEqual([{ role: 'caller', preference: 'on' }]);
    await hangUp(call);
  });

  it('in place of what the other side says, unless that says more', async () => {
    const call = await bench.established({ calling: AWARE });
    const answered = async (state: string): Promise<RawMessage> => {
      call.a.send('INVITE', { body: sdp(10_000) });
      const relayed = await call.callee.request('INVITE');
      call.callee.reply(relayed, '200 OK', { body: sdp(20_000, { lines: [`a=record:${state}`] }) });
      const answer = await call.caller.response(200, 'INVITE');
      call.a.acknowledge(answer);
      return answer;
    };
    expect(recordIn(await answered('paused'))).toBe('paused');
    bench.incoming[0]?.indicate('on');
    expect(recordIn(await told(call, 'caller'))).toBe('on');
    expect(recordIn(await answered('off'))).toBe('on');
    bench.incoming[0]?.indicate('off');
    expect(recordIn(await told(call, 'caller'))).toBe('off');
    expect(recordIn(await answered('on'))).toBe('on');
    await hangUp(call);
  });

  it('again after a 491, and not again after a refusal until it changes', async () => {
    const call = await bench.established({ answering: AWARE });
    bench.incoming[0]?.indicate('on');
    call.callee.reply(await call.callee.request('INVITE'), '491 Request Pending');
    await call.callee.request('ACK');
    // RFC 3261 §14.1: 2.1 to 4 s later, as the gateway owns the Call-ID of this dialog.
    expect(recordIn(await told(call, 'callee'))).toBe('on');
    bench.incoming[0]?.indicate('paused');
    call.callee.reply(await call.callee.request('INVITE'), '488 Not Acceptable Here');
    await call.callee.request('ACK');
    bench.incoming[0]?.indicate('on');
    bench.incoming[0]?.indicate('off');
    expect(recordIn(await told(call, 'callee'))).toBe('off');
    await hangUp(call);
  }, 15_000);
});

describe('codecs that the plan does not allow', () => {
  it('are taken out of every offer and answer, both ways', async () => {
    bench.plan = { allowedEncodings: ['PCMA'] };
    const call = await bench.established();
    expect(call.invite.body).toContain('m=audio 50000 RTP/AVP 8 101');
    expect(call.invite.body).toContain('a=fmtp:101 0-15');
    expect(call.ok.body).toContain('m=audio 40000 RTP/AVP 8 101');
    call.b.send('INVITE', {
      body: sdp(20_000, { version: 2, lines: ['a=rtpmap:0 PCMU/8000'] }),
    });
    const offer = await call.caller.request('INVITE');
    expect(offer.body).toContain('m=audio 40000 RTP/AVP 8 101');
    expect(offer.body).not.toContain('PCMU');
    call.caller.reply(offer, '200 OK', { body: sdp(10_000) });
    const answer = await call.callee.response(200, 'INVITE');
    expect(answer.body).toContain('m=audio 50000 RTP/AVP 8 101');
    call.b.acknowledge(answer);
    expect(call.delegate.notStripped).toEqual([]);
    await hangUp(call);
  });

  it('stay when no other is left, and the owner is told', async () => {
    bench.plan = { allowedEncodings: ['G722'] };
    const call = await bench.established();
    expect(call.invite.body).toContain('m=audio 50000 RTP/AVP 0 8 101');
    expect(call.delegate.notStripped).toEqual(['caller']);
    await hangUp(call);
  });
});

describe('before anybody is rung', () => {
  it('the caller gets early media of ours, and the callee is offered that codec alone', async () => {
    const caller = await bench.peer('alice');
    const callee = await bench.peer('bob');
    bench.addTarget(callee);
    bench.plan = { preConnect: { encodings: ['PCMA', 'G722'] } };
    let finish: () => void = () => undefined;
    bench.onCall = call => {
      bench.connect(call).whenPreConnected = () =>
        new Promise(resolve => {
          finish = resolve;
        });
    };
    const a = bench.dialFrom(caller);
    a.invite({ body: sdp(10_000) });
    const early = await caller.response(183, 'INVITE');
    expect(early.body).toContain('m=audio 40000 RTP/AVP 8 101');
    expect(bench.delegate.lastStream('caller')).toMatchObject({
      rtp: { port: 10_000 },
      receives: true,
    });
    expect(callee.received).toHaveLength(0);
    finish();
    const invite = await callee.request('INVITE');
    expect(invite.body).toContain('m=audio 50000 RTP/AVP 8 101');
    callee.reply(invite, '200 OK', { body: sdp(20_000) });
    const ok = await caller.response(200, 'INVITE');
    a.acknowledge(ok);
    await callee.request('ACK');
    a.send('BYE');
    await caller.response(200, 'BYE');
    callee.reply(await callee.request('BYE'), '200 OK');
    await bench.settleCalls();
  });

  it('a caller that gives up ends the call at once', async () => {
    const caller = await bench.peer('alice');
    bench.addTarget(await bench.peer('bob'));
    bench.plan = { preConnect: { encodings: ['PCMU'] } };
    bench.onCall = call => {
      bench.connect(call).whenPreConnected = () => new Promise(() => undefined);
    };
    const a = bench.dialFrom(caller);
    a.invite({ body: sdp(10_000) });
    await caller.response(183, 'INVITE');
    a.send('CANCEL');
    await caller.response(200, 'CANCEL');
    a.acknowledgeFailure(await caller.response(487, 'INVITE'));
    await bench.settleCalls();
    expect(bench.delegate.ends[0]).toMatchObject({ cause: 'cancel', answered: false });
  });
});

describe('a call whose media goes around us', () => {
  const ICE = ['a=ice-ufrag:abcd', 'a=candidate:1 1 UDP 1 10.0.0.1 9 typ host'];

  async function passed(): Promise<EstablishedCall> {
    bench.plan = { anchor: false };
    const caller = await bench.peer('alice');
    const callee = await bench.peer('bob');
    bench.addTarget(callee);
    const a = bench.dialFrom(caller);
    const offer = sdp(10_000, { lines: ICE, version: 5 });
    a.invite({ body: offer });
    const invite = await callee.request('INVITE');
    expect(invite.body).toBe(offer);
    const answer = sdp(20_000, { lines: ICE, version: 7 });
    callee.reply(invite, '200 OK', { body: answer });
    const ok = await caller.response(200, 'INVITE');
    expect(ok.body).toBe(answer);
    a.acknowledge(ok);
    await callee.request('ACK');
    const b = RawDialog.ofInvite(callee, bench.engine.sipPort, invite);
    expect(bench.delegate.log).not.toContain('openLeg caller');
    return { caller, callee, a, b, invite, ok, delegate: bench.delegate };
  }

  it('is anchored later: both sides are offered our address in the SDP session that they know', async () => {
    const call = await passed();
    const anchored = bench.incoming[0]?.anchor();
    const toCallee = await told(call, 'callee');
    expect(toCallee.body).toContain('m=audio 50000 RTP/AVP 0 8 101');
    expect(toCallee.body).toContain('o=peer 1234 6 IN IP4 127.0.0.1');
    expect(toCallee.body).not.toMatch(/ice-|candidate/);
    const toCaller = await told(call, 'caller');
    expect(toCaller.body).toContain('m=audio 40000 RTP/AVP 0 8 101');
    await anchored;
    expect(call.delegate.lastStream('caller')?.rtp?.port).toBe(10_000);
    expect(call.delegate.lastStream('callee')?.rtp?.port).toBe(20_000);
    // From now on it is a call as any other.
    call.a.send('INVITE', { body: sdp(10_002, { version: 9 }) });
    const relayed = await call.callee.request('INVITE');
    expect(relayed.body).toContain('m=audio 50000');
    call.callee.reply(relayed, '200 OK', { body: sdp(20_000) });
    call.a.acknowledge(await call.caller.response(200, 'INVITE'));
    await hangUp(call);
  });

  it('is anchored by an offer of a peer that crossed ours, without another one of our own', async () => {
    const call = await passed();
    const anchored = bench.incoming[0]?.anchor();
    call.callee.reply(await call.callee.request('INVITE'), '491 Request Pending');
    await call.callee.request('ACK');
    // It tries again before we do (RFC 3261 §14.1).
    call.b.send('INVITE', { body: sdp(20_002, { lines: ICE, version: 8 }) });
    const relayed = await call.caller.request('INVITE');
    expect(relayed.body).toContain('m=audio 40000 RTP/AVP 0 8 101');
    call.caller.reply(relayed, '200 OK', { body: sdp(10_000, { lines: ICE, version: 6 }) });
    const ok = await call.callee.response(200, 'INVITE');
    expect(ok.body).toContain('m=audio 50000 RTP/AVP 0 8 101');
    call.b.acknowledge(ok);
    await anchored;
    expect(call.delegate.lastStream('callee')?.rtp?.port).toBe(20_002);
    await hangUp(call);
  });

  it('goes on as it was when a side refuses our address', async () => {
    const call = await passed();
    const failed = bench.incoming[0]?.anchor().catch((error: unknown) => error);
    await told(call, 'callee');
    call.caller.reply(await call.caller.request('INVITE'), '488 Not Acceptable Here');
    await call.caller.request('ACK');
    const back = await told(call, 'callee');
    expect(back.body).toContain('m=audio 10000 RTP/AVP');
    expect(back.body).toContain('o=peer 1234 7 IN IP4 127.0.0.1');
    expect(await failed).toMatchObject({
      code: 'REC_ERR_SIP_NOT_ANCHORABLE',
      details: { role: 'caller', status: 488 },
    });
    const offer = sdp(10_004, { version: 8 });
    call.a.send('INVITE', { body: offer });
    const relayed = await call.callee.request('INVITE');
    expect(relayed.body).toBe(offer);
    call.callee.reply(relayed, '200 OK', { body: sdp(20_000) });
    call.a.acknowledge(await call.caller.response(200, 'INVITE'));
    await hangUp(call);
  });

  it('that ends meanwhile is not anchored', async () => {
    const call = await passed();
    await hangUp(call);
    await waitUntil(() => call.delegate.ends.length === 1, 'the call has ended');
    await expect(bench.incoming[0]?.anchor()).rejects.toMatchObject({
      code: 'REC_ERR_SIP_DIALOG_GONE',
    });
  });
});
