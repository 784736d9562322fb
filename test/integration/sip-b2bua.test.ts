import {
  audioPort,
  B2buaBench,
  hangUp,
  LOCAL,
  RecordingDelegate,
  sdp,
} from '../support/b2bua-bench';
import { Socket } from 'node:net';
import { RecordingEvents, recordingInvite } from '../support/raw-srs';
import { describeOnEmbedded } from '../support/on-embedded';
import { waitUntil } from '../support/wait-until';
import { RawDialog, type RawMessage, type RawSipPeer, tagOf, uriOf } from '../support/raw-sip-peer';

let bench: B2buaBench;
/** For what a drachtio-server does differently. */

beforeAll(async () => {
  bench = await B2buaBench.start({ byeMs: 2_000, decisionMs: 1_000 });
});
afterEach(async () => {
  await bench.settle();
});
afterAll(async () => {
  await bench.close();
});

/** A caller whose INVITE has reached the callee and rings there. */
async function ringing(
  body: string | null = sdp(10_000),
  headers: Record<string, string> = {},
): Promise<{ caller: RawSipPeer; callee: RawSipPeer; a: RawDialog; invite: RawMessage }> {
  const caller = await bench.peer('alice');
  const callee = await bench.peer('bob');
  bench.addTarget(callee);
  const a = bench.dialFrom(caller);
  a.invite({ headers, ...(body === null ? {} : { body }) });
  return { caller, callee, a, invite: await callee.request('INVITE') };
}

describe('a call that is answered', () => {
  it('lets the caller know before the callee gets its ACK and a recorder its INVITE', async () => {
    const recorder = await bench.peer('recorder');
    let asked: Promise<unknown> = Promise.resolve();
    bench.onCall = call => {
      bench.connect(call).whenAnswering = () => {
        const { signal } = new AbortController();
        const { srsClient } = bench.stack;
        asked = srsClient
          .invite(recordingInvite(recorder), new RecordingEvents(), signal)
          .catch(() => 'refused');
      };
    };
    // What goes to the SIP engine, in order.
    const write = jest.spyOn(Socket.prototype, 'write');
    const call = await bench.established();
    recorder.reply(await recorder.request('INVITE'), '403 Forbidden');
    const sent = write.mock.calls.flatMap(
      ([chunk]) => /^(?:SIP\/2\.0 200|ACK|INVITE)(?= )/m.exec(String(chunk))?.[0] ?? [],
    );
    write.mockRestore();
    expect(sent.slice(0, 4)).toEqual(['INVITE', 'SIP/2.0 200', 'ACK', 'INVITE']);
    expect(await asked).toBe('refused');
    await hangUp(call);
  });

  it('is anchored in both directions and ends with the caller’s BYE and its Reason', async () => {
    const call = await bench.established();
    expect(audioPort(call.invite.body)).toBe(LOCAL.callee.rtp.port);
    expect(audioPort(call.ok.body)).toBe(LOCAL.caller.rtp.port);
    expect(call.invite.startLine).toBe(`INVITE ${call.callee.uri} SIP/2.0`);
    expect(uriOf(call.invite.get('from'))).toMatch(/^sip:alice@127\.0\.0\.1/);
    expect(call.delegate.answer?.target.requestUri).toBe(call.callee.uri);
    expect(call.delegate.lastStream('caller')).toMatchObject({
      rtp: { host: '127.0.0.1', port: 10_000 },
      sends: true,
      receives: true,
    });
    expect(call.delegate.lastStream('callee')?.formats.map(each => each.encoding)).toEqual([
      'PCMU',
      'PCMA',
      'TELEPHONE-EVENT',
    ]);
    expect(call.delegate.log.indexOf('answering')).toBeGreaterThan(
      call.delegate.log.lastIndexOf('remoteStream callee'),
    );
    call.a.send('BYE', { headers: { Reason: 'Q.850;cause=16' } });
    await call.caller.response(200, 'BYE');
    const bye = await call.callee.request('BYE');
    expect(bye.get('reason')).toBe('Q.850;cause=16');
    call.callee.reply(bye, '200 OK');
    await bench.settle();
    expect(call.delegate.ends).toEqual([
      { by: 'caller', status: 200, answered: true, cause: 'bye', reason: 'Q.850;cause=16' },
    ]);
  });

  it('ends with the callee’s BYE', async () => {
    const call = await bench.established();
    await hangUp(call, 'callee');
    await bench.settle();
    expect(call.delegate.ends[0]).toMatchObject({ by: 'callee', cause: 'bye', answered: true });
  });

  it('ends on both sides when the gateway hangs up', async () => {
    const call = await bench.established();
    const gone = bench.incoming[0]?.hangUp({ status: 503, text: 'recorder lost' });
    for (const peer of [call.caller, call.callee]) {
      const bye = await peer.request('BYE');
      expect(bye.get('reason')).toBe('SIP;cause=503;text="recorder lost"');
      peer.reply(bye, '200 OK');
    }
    await gone;
    expect(call.delegate.ends[0]).toMatchObject({
      by: 'gateway',
      cause: 'hang-up',
      answered: true,
    });
  });

  it('is told as ending at once and as ended when a dead callee has not answered its BYE', async () => {
    const call = await bench.established();
    call.a.send('BYE');
    await call.caller.response(200, 'BYE');
    await call.callee.request('BYE');
    await bench.settle();
    expect(call.delegate.log.slice(-2)).toEqual(['ending', 'ended']);
  });

  it('survives a BYE of both sides at the same time', async () => {
    const call = await bench.established();
    call.a.send('BYE');
    call.b.send('BYE');
    await call.caller.response(200, 'BYE');
    await call.callee.response(200, 'BYE');
    const crossing = await call.callee
      .request('BYE', 500)
      .catch(() => call.caller.request('BYE', 500))
      .catch(() => null);
    if (crossing !== null) {
      call.callee.reply(crossing, '200 OK');
    }
    await bench.settle();
    expect(call.delegate.ends).toHaveLength(1);
  });

  it('keeps names, users and identity headers between trusted sides, and counts hops', async () => {
    bench.plan = { callerTrusted: true };
    const { caller, callee, a, invite } = await ringing(sdp(10_000), {
      From: '"Alice, \\"A\\" Smith" <sip:+4930123@example.org>;tag=abc',
      'P-Asserted-Identity': '"Alice" <sip:+4930123@example.org>',
      'X-Account': 'gold',
      'Session-ID': 'ab30317f1a784dc48ff824d0d3715d86;remote=00000000000000000000000000000000',
      'Session-Expires': '1800',
      Diversion: '<sip:carol@example.org>;reason=unconditional',
      'Max-Forwards': '10',
    });
    expect(invite.get('from')).toMatch(/^"Alice, \\"A\\" Smith" <sip:\+4930123@127\.0\.0\.1/);
    expect(uriOf(invite.get('to'))).toBe(`sip:bob@127.0.0.1:${callee.port}`);
    expect(invite.get('p-asserted-identity')).toContain('sip:+4930123@example.org');
    expect(invite.get('x-account')).toBe('gold');
    expect(invite.get('diversion')).toContain('carol');
    expect(invite.get('session-id')).toContain('ab30317f1a784dc48ff824d0d3715d86');
    expect(invite.get('session-expires')).toBeUndefined();
    expect(invite.get('max-forwards')).toBe('9');
    expect(bench.incoming[0]?.invite).toMatchObject({
      from: { displayName: 'Alice, "A" Smith' },
      source: { transport: 'udp', host: '127.0.0.1', port: caller.port },
    });
    callee.reply(invite, '486 Busy Here');
    a.acknowledgeFailure(await caller.response(486, 'INVITE'));
  });

  it('shows no asserted identity to an untrusted callee', async () => {
    bench.plan = { calleeTrusted: false };
    const { caller, callee, a, invite } = await ringing(sdp(10_000), {
      'P-Asserted-Identity': '<sip:+4930123@example.org>',
    });
    expect(invite.get('p-asserted-identity')).toBeUndefined();
    callee.reply(invite, '486 Busy Here');
    a.acknowledgeFailure(await caller.response(486, 'INVITE'));
  });
});

describe('ringing', () => {
  it('passes several provisional responses under one tag, with early media anchored', async () => {
    const { caller, callee, a, invite } = await ringing();
    callee.reply(invite, '180 Ringing', { toTag: 'one' });
    const first = await caller.response(180, 'INVITE');
    callee.reply(invite, '183 Session Progress', { toTag: 'two', body: sdp(20_000) });
    const second = await caller.response(183, 'INVITE');
    expect(audioPort(second.body)).toBe(LOCAL.caller.rtp.port);
    expect(tagOf(second.get('to'))).toBe(tagOf(first.get('to')));
    // The 200 may leave its SDP out after early media.
    callee.reply(invite, '200 OK', { toTag: 'two' });
    const ok = await caller.response(200, 'INVITE');
    expect(audioPort(ok.body)).toBe(LOCAL.caller.rtp.port);
    a.acknowledge(ok);
    await callee.request('ACK');
    expect(bench.delegate.progress).toEqual([
      { status: 180, hasMedia: false },
      { status: 183, hasMedia: true },
    ]);
    a.send('BYE');
    callee.reply(await callee.request('BYE'), '200 OK');
  });

  it('passes a failure with its Reason and safe headers, and does not try another target', async () => {
    const other = await bench.peer('voicemail');
    const { caller, callee, a, invite } = await ringing();
    bench.addTarget(other);
    callee.reply(invite, '486 Busy Here', {
      headers: { Reason: 'Q.850;cause=17', 'Retry-After': '5', 'X-Why': 'busy', Server: 'secret' },
    });
    const busy = await caller.response(486, 'INVITE');
    a.acknowledgeFailure(busy);
    expect(busy.get('reason')).toBe('Q.850;cause=17');
    expect(busy.get('retry-after')).toBe('5');
    expect(busy.get('x-why')).toBe('busy');
    expect(busy.get('server')).not.toBe('secret');
    await bench.settle();
    expect(other.received).toHaveLength(0);
  });

  it('passes a status that its libraries do not know as the general one of its class', async () => {
    const { caller, callee, a, invite } = await ringing();
    callee.reply(invite, '499 Peculiar');
    const passed = await caller.response(400, 'INVITE');
    a.acknowledgeFailure(passed);
    expect(passed.startLine).toBe('SIP/2.0 400 Peculiar');
  });

  it('tries the next target after 503, after silence, and where nobody listens', async () => {
    const caller = await bench.peer('alice');
    const broken = await bench.peer('broken');
    const silent = await bench.peer('silent');
    const bob = await bench.peer('bob');
    const closed = await bench.peer('closed');
    bench.addTarget(broken);
    bench.addTarget(silent, 300);
    bench.addTarget(closed, 1_000, ';transport=tcp');
    bench.addTarget(bob);
    await closed.close();
    bench.peers.splice(bench.peers.indexOf(closed), 1);
    const a = bench.dialFrom(caller);
    a.invite({ body: sdp(10_000) });
    broken.reply(await broken.request('INVITE'), '503 Service Unavailable');
    const unanswered = await silent.request('INVITE');
    const invite = await bob.request('INVITE');
    bob.reply(invite, '200 OK', { body: sdp(20_000) });
    a.acknowledge(await caller.response(200, 'INVITE'));
    await bob.request('ACK');
    // The silent one answers after all: it is acknowledged and ended.
    silent.reply(unanswered, '200 OK', { body: sdp(30_000) });
    await silent.request('ACK');
    silent.reply(await silent.request('BYE'), '200 OK');
    expect(bench.delegate.answer?.target.requestUri).toBe(bob.uri);
    a.send('BYE');
    bob.reply(await bob.request('BYE'), '200 OK');
  });

  it('ends with 408 when no target answers, and with 404 when there is none', async () => {
    const caller = await bench.peer('alice');
    const silent = await bench.peer('silent');
    bench.addTarget(silent, 200);
    const a = bench.dialFrom(caller);
    a.invite({ body: sdp(10_000) });
    const late = await silent.request('INVITE');
    a.acknowledgeFailure(await caller.response(408, 'INVITE'));
    silent.reply(late, '486 Busy Here');
    bench.targets = [];
    const b = bench.dialFrom(caller);
    b.invite({ body: sdp(10_000) });
    b.acknowledgeFailure(await caller.response(404, 'INVITE'));
    await bench.settleCalls();
    expect(bench.delegates.map(each => each.ends[0]?.status)).toEqual([408, 404]);
  });
});

describe('CANCEL', () => {
  it('ends a ringing call on both sides', async () => {
    const { caller, callee, a, invite } = await ringing();
    callee.reply(invite, '180 Ringing');
    await caller.response(180, 'INVITE');
    a.send('CANCEL', { headers: { Reason: 'SIP;cause=487' } });
    await caller.response(200, 'CANCEL');
    a.acknowledgeFailure(await caller.response(487, 'INVITE'));
    const cancel = await callee.request('CANCEL');
    callee.reply(cancel, '200 OK');
    callee.reply(invite, '487 Request Terminated');
    await bench.settle();
    expect(cancel.get('reason')).toBe('SIP;cause=487');
  });

  it('acknowledges and ends an answer that crosses it', async () => {
    const { caller, callee, a, invite } = await ringing();
    callee.reply(invite, '180 Ringing');
    await caller.response(180, 'INVITE');
    a.send('CANCEL');
    a.acknowledgeFailure(await caller.response(487, 'INVITE'));
    callee.reply(await callee.request('CANCEL'), '200 OK');
    callee.reply(invite, '200 OK', { body: sdp(20_000) });
    await callee.request('ACK');
    callee.reply(await callee.request('BYE'), '200 OK');
    await bench.settleCalls();
    expect(bench.delegate.ends[0]).toMatchObject({ status: 487, cause: 'cancel' });
  });

  it('before the decision ends the call, and connecting it later only tells that', async () => {
    const caller = await bench.peer('alice');
    bench.onCall = () => undefined;
    const a = bench.dialFrom(caller);
    a.invite({ body: sdp(10_000) });
    await waitUntil(() => bench.incoming.length === 1, 'the call has come');
    a.send('CANCEL');
    a.acknowledgeFailure(await caller.response(487, 'INVITE'));
    await bench.settleCalls();
    const [call] = bench.incoming;
    if (call !== undefined) {
      bench.connect(call);
    }
    expect(bench.delegate.ends).toEqual([
      { by: 'caller', status: 487, answered: false, cause: 'cancel', reason: null },
    ]);
  });
});

// A drachtio-server tells INVITEs apart by Call-ID alone: it ends the answered call for the late CANCEL, and shows only
// one of several INVITEs with the same Call-ID.
describeOnEmbedded('CANCEL where Call-IDs do not tell calls apart', () => {
  it('hits the right one of several calls with the same Call-ID', async () => {
    const caller = await bench.peer('alice');
    const callee = await bench.peer('bob');
    bench.addTarget(callee);
    const dialogs = ['x', 'y', 'z'].map(
      tag =>
        new RawDialog(caller, bench.engine.sipPort, {
          remoteUri: `sip:bob@127.0.0.1:${bench.engine.sipPort}`,
          callId: 'same@example.org',
          localTag: tag,
        }),
    );
    for (const dialog of dialogs) {
      dialog.invite({ body: sdp(10_000), headers: { 'X-Which': dialog.localTag } });
    }
    const invites = new Map<string, RawMessage>();
    while (invites.size < dialogs.length) {
      const invite = await callee.request('INVITE');
      invites.set(invite.get('x-which') ?? '', invite);
      callee.reply(invite, '180 Ringing', { toTag: `t${invite.get('x-which') ?? ''}` });
      await caller.response(180, 'INVITE');
    }
    const [x, y, z] = dialogs;
    x?.send('CANCEL');
    const cancelled = await caller.response(487, 'INVITE');
    expect(tagOf(cancelled.get('from'))).toBe('x');
    x?.acknowledgeFailure(cancelled);
    const cancel = await callee.request('CANCEL');
    const xInvite = invites.get('x');
    expect(cancel.get('call-id')).toBe(xInvite?.get('call-id'));
    callee.reply(cancel, '200 OK');
    for (const [tag, dialog] of [
      ['x', x],
      ['y', y],
      ['z', z],
    ] as const) {
      const invite = invites.get(tag);
      if (invite !== undefined) {
        callee.reply(invite, tag === 'x' ? '487 Request Terminated' : '486 Busy Here', {
          toTag: `t${tag}`,
        });
      }
      if (tag !== 'x') {
        dialog?.acknowledgeFailure(await caller.response(486, 'INVITE'));
      }
    }
  });

  it('after the answer changes nothing', async () => {
    const call = await bench.established();
    call.a.branch = 'z9hG4bKold';
    call.a.send('CANCEL');
    await call.caller.response(481, 'CANCEL');
    expect(call.delegate.ends).toHaveLength(0);
    await hangUp(call);
  });
});

describe('a call that the gateway refuses', () => {
  it.each([
    ['no c= line', sdp(10_000).replace(/c=.*\r\n/, ''), 400],
    ['an m-line without a port', sdp(10_000).replace('audio 10000', 'audio'), 400],
    ['garbage', 'hello\r\n', 400],
    ['only SRTP', sdp(10_000).replace('RTP/AVP', 'RTP/SAVP'), 488],
    ['only DTLS-SRTP', sdp(10_000).replace('RTP/AVP', 'UDP/TLS/RTP/SAVPF'), 488],
    ['only video', sdp(10_000).replace('m=audio', 'm=video'), 488],
  ])('answers %s with a clear status and a Warning', async (_what, body, status) => {
    const caller = await bench.peer('alice');
    const a = bench.dialFrom(caller);
    a.invite({ body });
    const refused = await caller.response(status, 'INVITE');
    a.acknowledgeFailure(refused);
    expect(refused.get('warning')).toMatch(/^3\d\d siprec-gateway "/);
    await bench.settleCalls();
    expect(bench.delegate.ends[0]).toMatchObject({ status, cause: 'bad-offer', answered: false });
  });

  it('answers a body that is not SDP with 415 and what it takes', async () => {
    const caller = await bench.peer('alice');
    const a = bench.dialFrom(caller);
    a.invite({ body: 'x', contentType: 'text/plain' });
    const refused = await caller.response(415, 'INVITE');
    a.acknowledgeFailure(refused);
    expect(refused.get('accept')).toContain('application/sdp');
  });

  it('gets the status, reason and headers of reject()', async () => {
    const caller = await bench.peer('alice');
    bench.onCall = call => {
      call.reject(403, { reason: 'Go Away', headers: { 'X-Policy': 'blocked' } });
      call.reject(404);
    };
    const a = bench.dialFrom(caller);
    a.invite({ body: sdp(10_000) });
    const refused = await caller.response(403, 'INVITE');
    a.acknowledgeFailure(refused);
    expect(refused.startLine).toBe('SIP/2.0 403 Go Away');
    expect(refused.get('x-policy')).toBe('blocked');
  });

  it('gets 503 when media cannot be opened or nobody decides', async () => {
    const caller = await bench.peer('alice');
    const delegate = new RecordingDelegate();
    delegate.openLegFails = true;
    bench.nextDelegate = delegate;
    const a = bench.dialFrom(caller);
    a.invite({ body: sdp(10_000) });
    a.acknowledgeFailure(await caller.response(503, 'INVITE'));
    bench.onCall = () => undefined;
    const b = bench.dialFrom(caller);
    b.invite({ body: sdp(10_000) });
    b.acknowledgeFailure(await caller.response(503, 'INVITE'));
    await bench.settleCalls();
    expect(delegate.ends[0]).toMatchObject({ status: 503, cause: 'no-media' });
  });

  it('gets 502 when the callee’s answer cannot be used, and the callee is hung up', async () => {
    const { caller, callee, a, invite } = await ringing();
    callee.reply(invite, '200 OK', { body: 'nonsense\r\n' });
    await callee.request('ACK');
    a.acknowledgeFailure(await caller.response(502, 'INVITE'));
    callee.reply(await callee.request('BYE'), '200 OK');
    await bench.settleCalls();
    expect(bench.delegate.ends[0]).toMatchObject({ by: 'callee', cause: 'bad-answer' });
  });
});

describe('an offer that cannot be anchored', () => {
  it('passes untouched when the plan allows it, and the owner is told', async () => {
    bench.plan = { srtpOnly: 'pass-unanchored' };
    const offer = sdp(10_000).replace('RTP/AVP', 'RTP/SAVP');
    const { caller, callee, a, invite } = await ringing(offer);
    expect(invite.body).toBe(offer);
    expect(bench.delegate.unanchored).toBe('srtp-only');
    const answer = sdp(20_000).replace('RTP/AVP', 'RTP/SAVP');
    callee.reply(invite, '200 OK', { body: answer });
    const ok = await caller.response(200, 'INVITE');
    expect(ok.body).toBe(answer);
    expect(bench.delegate.log).not.toContain('openLeg caller');
    a.acknowledge(ok);
    await callee.request('ACK');
    a.send('BYE');
    callee.reply(await callee.request('BYE'), '200 OK');
  });
});

describe('an INVITE without an offer', () => {
  it('brings the callee’s offer to the caller and the caller’s answer back in the ACK', async () => {
    const { caller, callee, a, invite } = await ringing(null);
    expect(invite.body).toBe('');
    callee.reply(invite, '200 OK', { body: sdp(20_000) });
    const ok = await caller.response(200, 'INVITE');
    expect(audioPort(ok.body)).toBe(LOCAL.caller.rtp.port);
    a.acknowledge(ok, { body: sdp(10_000) });
    const ack = await callee.request('ACK');
    expect(audioPort(ack.body)).toBe(LOCAL.callee.rtp.port);
    expect(bench.delegate.lastStream('caller')?.rtp?.port).toBe(10_000);
    expect(bench.delegate.lastStream('callee')?.formats).not.toHaveLength(0);
    a.send('BYE');
    callee.reply(await callee.request('BYE'), '200 OK');
  });

  it('ends when the ACK brings no answer', async () => {
    const { caller, callee, a, invite } = await ringing(null);
    callee.reply(invite, '200 OK', { body: sdp(20_000) });
    a.acknowledge(await caller.response(200, 'INVITE'));
    await callee.request('ACK');
    callee.reply(await callee.request('BYE'), '200 OK');
    caller.reply(await caller.request('BYE'), '200 OK');
    await bench.settleCalls();
    expect(bench.delegate.ends[0]).toMatchObject({ cause: 'bad-answer', answered: true });
  });
});

describe('a lost ACK', () => {
  it('ends the call on both sides', async () => {
    const { caller, callee, invite } = await ringing();
    callee.reply(invite, '200 OK', { body: sdp(20_000) });
    await caller.response(200, 'INVITE');
    await callee.request('ACK');
    caller.reply(await caller.request('BYE', 40_000), '200 OK');
    callee.reply(await callee.request('BYE'), '200 OK');
    await bench.settleCalls();
    expect(bench.delegate.ends[0]).toMatchObject({ by: 'gateway', cause: 'no-ack' });
  }, 60_000);
});
