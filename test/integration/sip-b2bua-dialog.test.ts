import { type RawDialog, type RawSipPeer } from '../support/raw-sip-peer';
import {
  audioPort,
  B2buaBench,
  type EstablishedCall,
  hangUp,
  LOCAL,
  sdp,
} from '../support/b2bua-bench';

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

type Side = 'caller' | 'callee';

/** The peers and dialog of a re-INVITE that `from` sends. */
function sides(
  call: EstablishedCall,
  from: Side,
): { mine: RawSipPeer; other: RawSipPeer; dialog: RawDialog; to: Side } {
  return from === 'caller'
    ? { mine: call.caller, other: call.callee, dialog: call.a, to: 'callee' }
    : { mine: call.callee, other: call.caller, dialog: call.b, to: 'caller' };
}

/** A whole re-INVITE exchange; returns what each side was told. */
async function reinvite(
  call: EstablishedCall,
  from: Side,
  offer: string,
  answer: string,
): Promise<{ offered: string; answered: string }> {
  const { mine, other, dialog } = sides(call, from);
  dialog.send('INVITE', { body: offer });
  const request = await other.request('INVITE');
  other.reply(request, '200 OK', { body: answer });
  await other.request('ACK');
  const ok = await mine.response(200, 'INVITE');
  dialog.acknowledge(ok);
  return { offered: request.body, answered: ok.body };
}

/** The version of an o= line. */
function version(body: string): number {
  return Number(/o=\S+ \d+ (\d+)/.exec(body)?.[1]);
}

describe.each<Side>(['caller', 'callee'])('a re-INVITE of the %s', from => {
  const port = from === 'caller' ? 10_000 : 20_000;
  const otherPort = from === 'caller' ? 20_000 : 10_000;

  it('reaches the other side with our address and comes back answered', async () => {
    const call = await bench.established();
    const { to } = sides(call, from);
    const { offered, answered } = await reinvite(call, from, sdp(port + 2), sdp(otherPort + 2));
    expect(audioPort(offered)).toBe(LOCAL[to].rtp.port);
    expect(audioPort(answered)).toBe(LOCAL[from].rtp.port);
    expect(call.delegate.lastStream(from)?.rtp?.port).toBe(port + 2);
    expect(call.delegate.lastStream(to)?.rtp?.port).toBe(otherPort + 2);
    await hangUp(call, from);
  });

  it.each([
    ['a=sendonly at the m-line', sdp(port, { version: 2, lines: ['a=sendonly'] }), 'sendonly'],
    [
      'a=inactive for the session',
      sdp(port, { version: 2 }).replace('t=0 0', 't=0 0\r\na=inactive'),
      'inactive',
    ],
    ['c=0.0.0.0', sdp(port, { version: 2, host: '0.0.0.0' }), 'sendonly'],
  ])('holds by %s and resumes', async (_form, hold, expected) => {
    const call = await bench.established();
    const { to } = sides(call, from);
    const reply = expected === 'inactive' ? 'inactive' : 'recvonly';
    const held = await reinvite(call, from, hold, sdp(otherPort, { lines: [`a=${reply}`] }));
    expect(held.offered).toContain(`a=${expected}\r\n`);
    expect(held.offered).not.toContain('0.0.0.0');
    expect(held.answered).toContain(`a=${reply}\r\n`);
    expect(call.delegate.lastStream(from)).toMatchObject({
      sends: expected === 'sendonly',
      receives: false,
    });
    expect(call.delegate.lastStream(to)).toMatchObject({
      sends: false,
      receives: expected === 'sendonly',
    });
    const resumed = await reinvite(call, from, sdp(port, { version: 3 }), sdp(otherPort));
    expect(resumed.offered).not.toMatch(/a=(sendonly|inactive|recvonly)/);
    expect(version(resumed.offered)).toBeGreaterThan(version(held.offered));
    expect(call.delegate.lastStream(from)).toMatchObject({ sends: true, receives: true });
    await hangUp(call, from);
  });

  it('without an offer lets the other side make it', async () => {
    const call = await bench.established();
    const { mine, other, dialog, to } = sides(call, from);
    dialog.send('INVITE');
    const request = await other.request('INVITE');
    expect(request.body).toBe('');
    other.reply(request, '200 OK', { body: sdp(otherPort + 4) });
    const ok = await mine.response(200, 'INVITE');
    expect(audioPort(ok.body)).toBe(LOCAL[from].rtp.port);
    dialog.acknowledge(ok, { body: sdp(port + 4) });
    const ack = await other.request('ACK');
    expect(audioPort(ack.body)).toBe(LOCAL[to].rtp.port);
    expect(call.delegate.lastStream(from)?.rtp?.port).toBe(port + 4);
    await hangUp(call, from);
  });

  it('that the other side refuses leaves the call as it was', async () => {
    const call = await bench.established();
    const { mine, other, dialog } = sides(call, from);
    const before = call.delegate.lastStream(from);
    dialog.send('INVITE', { body: sdp(port + 2) });
    other.reply(await other.request('INVITE'), '488 Not Acceptable Here', {
      headers: { Warning: '304 x "no"' },
    });
    const refused = await mine.response(488, 'INVITE');
    expect(refused.get('warning')).toBe('304 x "no"');
    dialog.acknowledgeFailure(refused);
    expect(call.delegate.lastStream(from)).toEqual(before);
    await hangUp(call, from);
  });

  it('that cannot be used is refused without bothering the other side', async () => {
    const call = await bench.established();
    const { mine, other, dialog } = sides(call, from);
    for (const [body, status] of [
      [sdp(port).replace('RTP/AVP', 'RTP/SAVP'), 488],
      ['v=0\r\nm=audio\r\n', 400],
    ] as const) {
      dialog.send('INVITE', { body });
      dialog.acknowledgeFailure(await mine.response(status, 'INVITE'));
    }
    expect(other.received.filter(message => message.method === 'INVITE')).toHaveLength(0);
    await hangUp(call, from);
  });
});

describe('crossing re-INVITEs', () => {
  it('are both answered 491, and the call goes on', async () => {
    const call = await bench.established();
    call.a.send('INVITE', { body: sdp(10_002) });
    const offered = await call.callee.request('INVITE');
    call.b.send('INVITE', { body: sdp(20_002) });
    call.b.acknowledgeFailure(await call.callee.response(491, 'INVITE'));
    call.callee.reply(offered, '491 Request Pending');
    call.a.acknowledgeFailure(await call.caller.response(491, 'INVITE'));
    const again = await reinvite(call, 'callee', sdp(20_002), sdp(10_002));
    expect(audioPort(again.offered)).toBe(LOCAL.caller.rtp.port);
    await hangUp(call);
  });

  it('of one side get 500 with Retry-After while the first is open', async () => {
    const call = await bench.established();
    call.a.send('INVITE', { body: sdp(10_002) });
    const first = call.a.cseq;
    const offered = await call.callee.request('INVITE');
    call.a.send('INVITE', { body: sdp(10_004) });
    const refused = await call.caller.next(
      message => message.status === 500 || message.status === 491,
      'a refusal',
    );
    call.a.acknowledgeFailure(refused);
    call.callee.reply(offered, '200 OK', { body: sdp(20_000) });
    const ok = await call.caller.response(200, 'INVITE');
    expect(ok.get('cseq')).toBe(`${first} INVITE`);
    call.a.acknowledge(ok);
    await hangUp(call);
  });
});

describe('a re-INVITE whose callee has gone', () => {
  it('ends the call', async () => {
    const call = await bench.established();
    call.a.send('INVITE', { body: sdp(10_002) });
    call.callee.reply(await call.callee.request('INVITE'), '481 Call Does Not Exist');
    call.a.acknowledgeFailure(await call.caller.response(481, 'INVITE'));
    call.caller.reply(await call.caller.request('BYE'), '200 OK');
    await bench.settleCalls();
    expect(call.delegate.ends[0]).toMatchObject({ by: 'callee', cause: 'dialog-lost' });
  });
});

describe('UPDATE', () => {
  it('with an offer passes as UPDATE to a side that allows it', async () => {
    const call = await bench.established();
    call.a.send('UPDATE', { body: sdp(10_006) });
    const update = await call.callee.request('UPDATE');
    expect(audioPort(update.body)).toBe(LOCAL.callee.rtp.port);
    call.callee.reply(update, '200 OK', { body: sdp(20_006) });
    const ok = await call.caller.response(200, 'UPDATE');
    expect(audioPort(ok.body)).toBe(LOCAL.caller.rtp.port);
    expect(call.delegate.lastStream('callee')?.rtp?.port).toBe(20_006);
    await hangUp(call);
  });

  it('passes as re-INVITE to a side that does not say that it allows it', async () => {
    const call = await bench.established();
    call.b.send('UPDATE', { body: sdp(20_006) });
    const invite = await call.caller.request('INVITE');
    call.caller.reply(invite, '200 OK', { body: sdp(10_006) });
    await call.caller.request('ACK');
    expect(audioPort((await call.callee.response(200, 'UPDATE')).body)).toBe(LOCAL.callee.rtp.port);
    await hangUp(call);
  });

  it('without an offer is answered', async () => {
    const call = await bench.established();
    call.b.send('UPDATE');
    const ok = await call.callee.response(200, 'UPDATE');
    expect(ok.body).toBe('');
    await hangUp(call);
  });
});

describe('other requests within the dialog', () => {
  it('INFO is relayed with its body, headers and answer', async () => {
    const call = await bench.established();
    call.a.send('INFO', {
      body: 'Signal=5\r\nDuration=160\r\n',
      contentType: 'application/dtmf-relay',
      headers: { 'X-Test': '1', Record: 'on' },
    });
    const info = await call.callee.request('INFO');
    expect(info.body).toBe('Signal=5\r\nDuration=160\r\n');
    expect(info.get('content-type')).toBe('application/dtmf-relay');
    expect(info.get('record')).toBe('on');
    expect(info.get('x-test')).toBe('1');
    call.callee.reply(info, '415 Unsupported Media Type', { headers: { 'X-Reply': '2' } });
    const answer = await call.caller.response(415, 'INFO');
    expect(answer.get('x-reply')).toBe('2');
    expect(call.delegate.infos[0]).toMatchObject({
      role: 'caller',
      info: { contentType: 'application/dtmf-relay', body: 'Signal=5\r\nDuration=160\r\n' },
    });
    expect(call.delegate.infos[0]?.info.headers['record']).toBe('on');
    await hangUp(call);
  });

  it('INFO that the owner consumes is answered 200 and stays here', async () => {
    const call = await bench.established();
    call.delegate.infoVerdict = 'consumed';
    call.b.send('INFO', { headers: { Record: 'pause' } });
    await call.callee.response(200, 'INFO');
    expect(call.caller.received.filter(message => message.method === 'INFO')).toHaveLength(0);
    await hangUp(call);
  });

  it('INFO that the owner refuses, at once or later, is refused with its reason', async () => {
    const call = await bench.established();
    const refusal = { status: 403, reason: 'Not Recorded' };
    for (const verdict of [refusal, Promise.resolve(refusal)]) {
      call.delegate.infoVerdict = verdict;
      call.b.send('INFO', { headers: { Record: 'pause' } });
      const refused = await call.callee.response(403, 'INFO');
      expect(refused.startLine).toBe('SIP/2.0 403 Not Recorded');
      expect(refused.get('reason')).toBe('SIP;cause=403;text="Not Recorded"');
    }
    expect(call.caller.received.filter(message => message.method === 'INFO')).toHaveLength(0);
    await hangUp(call);
  });

  it('INFO of our own goes to the side that it is for', async () => {
    const call = await bench.established();
    bench.incoming[0]?.sendInfo('callee', {
      contentType: 'application/dtmf-relay',
      body: 'Signal=4\r\nDuration=120\r\n',
      headers: { 'X-Test': '1' },
    });
    const info = await call.callee.request('INFO');
    expect(info.body).toBe('Signal=4\r\nDuration=120\r\n');
    expect(info.get('content-type')).toBe('application/dtmf-relay');
    call.callee.reply(info, '200 OK');
    await hangUp(call);
  });

  it.each(['OPTIONS', 'MESSAGE', 'NOTIFY'])('%s is relayed in both directions', async method => {
    const call = await bench.established();
    for (const from of ['caller', 'callee'] as const) {
      const { mine, other, dialog } = sides(call, from);
      dialog.send(method, {
        headers: method === 'NOTIFY' ? { Event: 'x', 'Subscription-State': 'active' } : {},
        ...(method === 'MESSAGE' ? { body: 'hello', contentType: 'text/plain' } : {}),
      });
      const relayed = await other.request(method);
      expect(relayed.body).toBe(method === 'MESSAGE' ? 'hello' : '');
      other.reply(relayed, '200 OK');
      await mine.response(200, method);
    }
    await hangUp(call);
  });

  it('REFER is relayed, also when it names a dialog that is none of ours', async () => {
    const call = await bench.established();
    call.a.send('REFER', { headers: { 'Refer-To': '<sip:carol@example.org>' } });
    const refer = await call.callee.request('REFER');
    expect(refer.get('refer-to')).toBe('<sip:carol@example.org>');
    call.callee.reply(refer, '202 Accepted');
    await call.caller.response(202, 'REFER');
    call.a.send('REFER', {
      headers: { 'Refer-To': '<sip:carol@example.org?Replaces=a%3Bto-tag%3Db>' },
    });
    const named = await call.callee.request('REFER');
    expect(named.get('refer-to')).toBe('<sip:carol@example.org?Replaces=a%3Bto-tag%3Db>');
    call.callee.reply(named, '202 Accepted');
    await call.caller.response(202, 'REFER');
    await hangUp(call);
  });
});

describe('requests that belong to no dialog', () => {
  it('OPTIONS to the gateway is answered with what it can do', async () => {
    const phone = await bench.peer('alice');
    const dialog = bench.dialFrom(phone);
    dialog.send('OPTIONS');
    const answer = await phone.response(200, 'OPTIONS');
    expect(answer.get('allow')).toContain('INVITE');
    expect(answer.get('accept')).toContain('application/sdp');
  });

  it.each([
    ['REGISTER', 405],
    ['REFER', 405],
    ['BYE', 481],
    ['UPDATE', 481],
  ])('%s gets %i', async (method, status) => {
    const phone = await bench.peer('alice');
    const dialog = bench.dialFrom(phone);
    dialog.send(method);
    const refused = await phone.response(status, method);
    expect(refused.body).toBe('');
  });

  it('an INVITE that requires what we cannot do gets 420 and the names', async () => {
    const phone = await bench.peer('alice');
    const dialog = bench.dialFrom(phone);
    dialog.invite({ body: sdp(10_000), headers: { Require: 'siprec, replaces' } });
    const refused = await phone.response(420, 'INVITE');
    expect(refused.get('unsupported')).toMatch(/siprec|replaces/);
    dialog.acknowledgeFailure(refused);
  });
});
