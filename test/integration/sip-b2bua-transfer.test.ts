import {
  audioPort,
  B2buaBench,
  type EstablishedCall,
  hangUp,
  LOCAL,
  sdp,
} from '../support/b2bua-bench';
import { itOnEmbedded } from '../support/on-embedded';
import { RawDialog, type RawMessage, type RawSipPeer, tagOf, uriOf } from '../support/raw-sip-peer';

let bench: B2buaBench;
/** For what a drachtio-server does differently. */

beforeAll(async () => {
  bench = await B2buaBench.start({ byeMs: 1_000 });
});
afterEach(async () => {
  await bench.settle();
});
afterAll(async () => {
  await bench.close();
});

/** What a peer calls its dialog in a Replaces for the other end of it (RFC 3891 §6.1). */
function replacesOf(dialog: RawDialog): string {
  return `${dialog.callId};to-tag=${dialog.remoteTag};from-tag=${dialog.localTag}`;
}

/** A second call of the caller's phone: to carol. */
async function consultation(first: EstablishedCall): Promise<EstablishedCall> {
  const { caller } = first;
  const callee = await bench.peer('carol');
  bench.targets = [];
  bench.addTarget(callee);
  const a = bench.dialFrom(caller, 'carol');
  a.invite({ body: sdp(10_100) });
  const invite = await callee.request('INVITE');
  callee.reply(invite, '200 OK', { body: sdp(30_000) });
  const ok = await caller.response(200, 'INVITE');
  a.acknowledge(ok);
  await callee.request('ACK');
  const b = RawDialog.ofInvite(callee, bench.engine.sipPort, invite);
  return { caller, callee, a, b, invite, ok, delegate: bench.delegate };
}

describe('a blind transfer', () => {
  it('is relayed with its headers; each NOTIFY comes back with the id of the referrer’s REFER', async () => {
    const call = await bench.established();
    call.a.send('REFER', {
      headers: {
        'Refer-To': '<sip:carol@example.org?Subject=hi>',
        'Referred-By': '<sip:alice@example.org>',
      },
    });
    const number = call.a.cseq;
    const refer = await call.callee.request('REFER');
    expect(refer.get('refer-to')).toBe('<sip:carol@example.org?Subject=hi>');
    expect(refer.get('referred-by')).toBe('<sip:alice@example.org>');
    call.callee.reply(refer, '202 Accepted');
    await call.caller.response(202, 'REFER');
    const relayedNumber = Number(refer.get('cseq')?.split(' ')[0]);
    expect(relayedNumber).not.toBe(number);
    for (const [state, fragment] of [
      ['active;expires=60', 'SIP/2.0 100 Trying\r\n'],
      ['terminated;reason=noresource', 'SIP/2.0 200 OK\r\n'],
    ] as const) {
      call.b.send('NOTIFY', {
        headers: { Event: `refer;id=${relayedNumber}`, 'Subscription-State': state },
        body: fragment,
        contentType: 'message/sipfrag;version=2.0',
      });
      const notify = await call.caller.request('NOTIFY');
      expect(notify.get('event')).toBe(`refer;id=${number}`);
      expect(notify.get('subscription-state')).toBe(state);
      expect(notify.body).toBe(fragment);
      call.caller.reply(notify, '200 OK');
      await call.callee.response(200, 'NOTIFY');
    }
    await hangUp(call);
  });

  it('that the other side declines is declined', async () => {
    const call = await bench.established();
    call.b.send('REFER', { headers: { 'Refer-To': '<sip:carol@example.org>' } });
    call.caller.reply(await call.caller.request('REFER'), '603 Decline');
    const declined = await call.callee.response(603, 'REFER');
    expect(declined.get('cseq')).toBe(`${call.b.cseq} REFER`);
    expect(call.delegate.ends).toHaveLength(0);
    await hangUp(call);
  });
});

describe('an attended transfer', () => {
  it('names to the other side the dialog that the target knows', async () => {
    const first = await bench.established();
    const second = await consultation(first);
    first.a.send('REFER', {
      headers: {
        'Refer-To': `<${second.callee.uri}?Replaces=${encodeURIComponent(replacesOf(second.a))}>`,
      },
    });
    const refer = await first.callee.request('REFER');
    const escaped = /\?Replaces=([^>]+)>/.exec(refer.get('refer-to') ?? '')?.[1] ?? '';
    // Carol's own tag first: she is to match it as her local one.
    expect(decodeURIComponent(escaped)).toBe(
      `${second.invite.get('call-id')};to-tag=carol-tag;from-tag=${tagOf(second.invite.get('from'))}`,
    );
    first.callee.reply(refer, '202 Accepted');
    await first.caller.response(202, 'REFER');
    await hangUp(first);
    await hangUp(second);
  });

  it('whose INVITE comes through the gateway names the dialog of that side', async () => {
    const first = await bench.established();
    const second = await consultation(first);
    // Bob calls carol through us, in place of alice's dialog with us, or of carol's with us.
    const carols = `${second.invite.get('call-id')};to-tag=carol-tag;from-tag=${tagOf(second.invite.get('from'))}`;
    for (const named of [replacesOf(second.a), carols]) {
      const dialog = bench.dialFrom(first.callee, 'carol');
      dialog.invite({
        body: sdp(20_100),
        headers: { Replaces: named, Require: 'replaces' },
      });
      const invite = await second.callee.request('INVITE');
      expect(invite.get('replaces')).toBe(carols);
      expect(invite.get('require')).toBe('replaces');
      second.callee.reply(invite, '486 Busy Here', { toTag: 'other' });
      dialog.acknowledgeFailure(await first.callee.response(486, 'INVITE'));
    }
    await hangUp(first);
    await hangUp(second);
  });
});

describe('an attended transfer that the gateway performs', () => {
  it.each([
    ['through us', true],
    ['elsewhere', false],
  ])('joins the other side with a target whose dialog is %s', async (_where, isOurs) => {
    bench.plan = { refer: 'perform' };
    const first = await bench.established();
    const second = await consultation(first);
    const { callee: carol } = second;
    const named = isOurs ? replacesOf(second.a) : 'foreign;to-tag=1;from-tag=2';
    const seen = isOurs
      ? `${second.invite.get('call-id')};to-tag=carol-tag;from-tag=${tagOf(second.invite.get('from'))}`
      : named;
    first.delegate.transferTargets = [
      { requestUri: carol.uri, nextHop: null, answerTimeoutMs: 3_000 },
    ];
    first.a.send('REFER', {
      headers: { 'Refer-To': `<sip:carol@example.org?Replaces=${encodeURIComponent(named)}>` },
    });
    await first.caller.response(202, 'REFER');
    const begun = await first.caller.request('NOTIFY');
    expect([begun.body, begun.get('event'), begun.get('subscription-state')]).toEqual([
      'SIP/2.0 100 Trying\r\n',
      expect.stringMatching(/^refer\b/),
      expect.stringMatching(/^active\b/),
    ]);
    first.caller.reply(begun, '200 OK');
    const invite = await carol.request('INVITE');
    expect(invite.get('replaces')).toBe(seen);
    expect(invite.get('require')).toContain('replaces');
    expect(audioPort(invite.body)).toBe(LOCAL.caller.rtp.port);
    carol.reply(invite, '200 OK', { body: sdp(31_000), toTag: 'carol-new' });
    await carol.request('ACK');
    const done = await first.caller.request('NOTIFY');
    expect(done.body).toBe('SIP/2.0 200 OK\r\n');
    expect(done.get('subscription-state')).toMatch(/^terminated\b/);
    first.caller.reply(done, '200 OK');
    first.caller.reply(await first.caller.request('BYE'), '200 OK');
    first.callee.reply(await first.callee.request('INVITE'), '200 OK', { body: sdp(20_000) });
    await first.callee.request('ACK');
    expect(first.delegate.replaced).toMatchObject([
      { role: 'caller', party: { uri: 'sip:carol@example.org' } },
    ]);
    // Carol's phone ends the dialog that was replaced (RFC 3891 §3).
    await hangUp(second, 'callee');
    first.b.send('BYE');
    await first.callee.response(200, 'BYE');
    carol.reply(await carol.request('BYE'), '200 OK');
  });
});

describe('a blind transfer that the gateway performs', () => {
  /** `from` has put the other side on hold and asks for carol; the REFER is accepted and carol rung. */
  async function referred(from: 'caller' | 'callee'): Promise<{
    call: EstablishedCall;
    referrer: RawSipPeer;
    referrerDialog: RawDialog;
    staying: RawSipPeer;
    carol: RawSipPeer;
    invite: RawMessage;
  }> {
    bench.plan = { refer: 'perform' };
    const call = await bench.established();
    const carol = await bench.peer('carol');
    const [referrer, referrerDialog, staying] =
      from === 'caller' ? [call.caller, call.a, call.callee] : [call.callee, call.b, call.caller];
    referrerDialog.send('INVITE', { body: sdp(15_000, { lines: ['a=sendonly'] }) });
    staying.reply(await staying.request('INVITE'), '200 OK', {
      body: sdp(16_000, { lines: ['a=recvonly'] }),
    });
    await staying.request('ACK');
    referrerDialog.acknowledge(await referrer.response(200, 'INVITE'));
    call.delegate.transferTargets = [
      { requestUri: carol.uri, nextHop: null, answerTimeoutMs: 3_000 },
    ];
    referrerDialog.send('REFER', {
      headers: { 'Refer-To': '"Carol" <sip:carol@example.org>', 'Referred-By': '<sip:x@y>' },
    });
    await referrer.response(202, 'REFER');
    const trying = await referrer.request('NOTIFY');
    expect(trying.body).toBe('SIP/2.0 100 Trying\r\n');
    expect(trying.get('event')).toBe(`refer;id=${referrerDialog.cseq}`);
    expect(trying.get('subscription-state')).toMatch(/^active/);
    referrer.reply(trying, '200 OK');
    const invite = await carol.request('INVITE');
    return { call, referrer, referrerDialog, staying, carol, invite };
  }

  it.each(['caller', 'callee'] as const)(
    'by the %s joins the other side with the target and ends the referrer',
    async from => {
      const { call, referrer, staying, carol, invite } = await referred(from);
      expect(uriOf(invite.get('from'))).toContain(from === 'caller' ? 'sip:bob@' : 'sip:alice@');
      expect(invite.get('to')).toContain('"Carol"');
      expect(invite.get('referred-by')).toContain('sip:x@y');
      expect(audioPort(invite.body)).toBe(LOCAL[from].rtp.port);
      expect(invite.body).not.toMatch(/a=(recvonly|sendonly|inactive)/);
      carol.reply(invite, '200 OK', {
        body: sdp(30_000),
        headers: { 'P-Asserted-Identity': '<sip:carol@example.org>' },
      });
      await carol.request('ACK');
      const done = await referrer.request('NOTIFY');
      expect(done.body).toBe('SIP/2.0 200 OK\r\n');
      expect(done.get('subscription-state')).toBe('terminated;reason=noresource');
      referrer.reply(done, '200 OK');
      referrer.reply(await referrer.request('BYE'), '200 OK');
      // The side that stays is taken off hold, toward the same address of ours.
      const offered = await staying.request('INVITE');
      expect(offered.body).not.toMatch(/a=(recvonly|sendonly|inactive)/);
      staying.reply(offered, '200 OK', { body: sdp(16_000, { version: 2 }) });
      await staying.request('ACK');
      expect(call.delegate.replaced).toEqual([
        {
          role: from,
          party: {
            uri: 'sip:carol@example.org',
            displayName: 'Carol',
            assertedIdentities: [{ uri: 'sip:carol@example.org', displayName: null, params: {} }],
            isAttended: false,
          },
        },
      ]);
      expect(call.delegate.lastStream(from)).toMatchObject({
        rtp: { port: 30_000 },
        sends: true,
        receives: true,
      });
      // What carol does afterwards reaches the other side, and she can end the call.
      const c = RawDialog.ofInvite(carol, bench.engine.sipPort, invite);
      c.send('INVITE', { body: sdp(30_002) });
      staying.reply(await staying.request('INVITE'), '200 OK', { body: sdp(16_000) });
      c.acknowledge(await carol.response(200, 'INVITE'));
      expect(call.delegate.lastStream(from)?.rtp?.port).toBe(30_002);
      c.send('BYE');
      await carol.response(200, 'BYE');
      staying.reply(await staying.request('BYE'), '200 OK');
      await bench.settleCalls();
      expect(call.delegate.ends[0]).toMatchObject({ by: from, cause: 'bye', answered: true });
    },
  );

  it('goes on when the referrer hangs up at once', async () => {
    const { call, referrer, referrerDialog, staying, carol, invite } = await referred('callee');
    referrerDialog.send('BYE');
    await referrer.response(200, 'BYE');
    carol.reply(invite, '200 OK', { body: sdp(30_000) });
    await carol.request('ACK');
    staying.reply(await staying.request('INVITE'), '200 OK', { body: sdp(16_000) });
    await staying.request('ACK');
    const c = RawDialog.ofInvite(carol, bench.engine.sipPort, invite);
    c.send('BYE');
    await carol.response(200, 'BYE');
    staying.reply(await staying.request('BYE'), '200 OK');
    await bench.settleCalls();
    expect(call.delegate.replaced).toHaveLength(1);
    expect(referrer.received.filter(each => each.method === 'NOTIFY')).toHaveLength(0);
  });

  it('that the target refuses leaves the call as it was, and the referrer learns why', async () => {
    const { call, referrer, carol, invite } = await referred('caller');
    carol.reply(invite, '486 Busy Here');
    const failed = await referrer.request('NOTIFY');
    expect(failed.body).toBe('SIP/2.0 486 Busy Here\r\n');
    expect(failed.get('subscription-state')).toMatch(/^terminated/);
    referrer.reply(failed, '200 OK');
    expect(call.delegate.replaced).toHaveLength(0);
    expect(call.delegate.lastStream('caller')?.rtp?.port).toBe(15_000);
    await hangUp(call);
  });

  it('ends with the call when the side that was to stay hangs up, or nobody is left', async () => {
    const first = await referred('callee');
    first.call.a.send('BYE');
    await first.staying.response(200, 'BYE');
    first.carol.reply(first.invite, '180 Ringing');
    first.carol.reply(await first.carol.request('CANCEL'), '200 OK');
    first.carol.reply(first.invite, '487 Request Terminated');
    first.referrer.reply(await first.referrer.request('BYE'), '200 OK');
    await bench.settleCalls();
    bench.targets = [];
    const second = await referred('callee');
    second.referrerDialog.send('BYE');
    await second.referrer.response(200, 'BYE');
    second.carol.reply(second.invite, '404 Not Found');
    second.staying.reply(await second.staying.request('BYE'), '200 OK');
    await bench.settleCalls();
    expect(second.call.delegate.ends[0]).toMatchObject({ by: 'callee', cause: 'bye' });
  });

  // Observed with a drachtio-server: after the BYE a request of ours stays without its final response for many seconds.
  itOnEmbedded('overtakes a re-INVITE to the referrer, which gets 491', async () => {
    const { call, referrer, staying, carol, invite } = await referred('callee');
    call.a.send('INVITE', { body: sdp(16_002) });
    const pending = await referrer.request('INVITE');
    carol.reply(invite, '200 OK', { body: sdp(30_000) });
    await carol.request('ACK');
    referrer.reply(await referrer.request('BYE'), '200 OK');
    referrer.reply(pending, '487 Request Terminated');
    call.a.acknowledgeFailure(await staying.response(491, 'INVITE'));
    staying.reply(await staying.request('INVITE'), '200 OK', { body: sdp(16_002) });
    await staying.request('ACK');
    expect(call.delegate.lastStream('caller')?.rtp?.port).toBe(16_002);
    call.a.send('BYE');
    await staying.response(200, 'BYE');
    carol.reply(await carol.request('BYE'), '200 OK');
  });

  it('that leads nowhere is declined', async () => {
    bench.plan = { refer: 'perform' };
    const call = await bench.established();
    call.a.send('REFER', { headers: { 'Refer-To': '<sip:carol@example.org>' } });
    await call.caller.response(603, 'REFER');
    expect(call.delegate.ends).toHaveLength(0);
    await hangUp(call);
  });
});
