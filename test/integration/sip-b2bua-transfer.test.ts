import { B2buaBench, type EstablishedCall, hangUp } from '../support/b2bua-bench';
import { sdp } from '../support/b2bua-bench';
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
    await call.callee.response(603, 'REFER');
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
