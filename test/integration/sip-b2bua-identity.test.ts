import { B2buaBench, hangUp, sdp } from '../support/b2bua-bench';
import { type RawDialog } from '../support/raw-sip-peer';

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

const A = 'a'.repeat(32);
const B = 'b'.repeat(32);
const NIL = '0'.repeat(32);

describe('the Session-ID (RFC 7989)', () => {
  it('is that of the parties in every message, those of our own included', async () => {
    const call = await bench.established({
      calling: { 'Session-ID': `${A};remote=${NIL}` },
      answering: { 'Session-ID': `${B};remote=${A}` },
    });
    expect(call.invite.get('session-id')).toBe(`${A};remote=${NIL}`);
    expect(call.ok.get('session-id')).toBe(`${B};remote=${A}`);
    bench.incoming[0]?.sendInfo('callee', { contentType: null, body: '', headers: {} });
    const info = await call.callee.request('INFO');
    expect(info.get('session-id')).toBe(`${A};remote=${B}`);
    call.callee.reply(info, '200 OK');
    call.a.send('INVITE', { body: sdp(10_002) });
    const relayed = await call.callee.request('INVITE');
    expect(relayed.get('session-id')).toBe(`${A};remote=${B}`);
    call.callee.reply(relayed, '200 OK', { body: sdp(20_000) });
    const answer = await call.caller.response(200, 'INVITE');
    expect(answer.get('session-id')).toBe(`${B};remote=${A}`);
    call.a.acknowledge(answer);
    call.a.send('BYE');
    await call.caller.response(200, 'BYE');
    const bye = await call.callee.request('BYE');
    expect(bye.get('session-id')).toBe(`${A};remote=${B}`);
    call.callee.reply(bye, '200 OK');
  });

  it('is made up for parties that have none, and the owner knows it', async () => {
    const call = await bench.established();
    const [local, remote] = call.invite.get('session-id')?.split(';remote=') ?? [];
    expect(local).toMatch(/^[0-9a-f]{32}$/);
    expect(remote).toBe(NIL);
    expect(bench.incoming[0]?.invite.sessionId).toBe(local);
    expect(call.ok.get('session-id')).toMatch(new RegExp(`^[0-9a-f]{32};remote=${local}$`));
    await hangUp(call);
  });
});

describe('identities', () => {
  const ASSERTED = { 'P-Asserted-Identity': '<sip:alice@example.org>', Privacy: 'id' };

  it.each([
    [true, true, true],
    [false, true, false],
    [true, false, false],
  ])(
    'of a caller trusted %s toward a callee trusted %s pass: %s',
    async (callerTrusted, calleeTrusted, passes) => {
      bench.plan = { callerTrusted, calleeTrusted };
      const call = await bench.established({ calling: ASSERTED, answering: ASSERTED });
      const expected = passes ? '<sip:alice@example.org>' : undefined;
      expect(call.invite.get('p-asserted-identity')).toBe(expected);
      expect(call.ok.get('p-asserted-identity')).toBe(expected);
      expect(call.invite.get('privacy')).toBe('id');
      await hangUp(call);
    },
  );

  it('of a caller that asks for privacy are kept within the trust domain', async () => {
    const calling = { Privacy: 'user', Subject: 'hello', Diversion: '<sip:carol@example.org>' };
    bench.plan = { calleeTrusted: false };
    const call = await bench.established({ calling });
    expect(call.invite.get('from')).toMatch(/^"Anonymous" <sip:anonymous@anonymous\.invalid>;tag=/);
    expect(call.invite.get('contact')).toContain('sip:anonymous@');
    expect(call.invite.get('subject')).toBeUndefined();
    expect(call.invite.get('diversion')).toBeUndefined();
    expect(call.invite.startLine + [...call.invite.headers].join()).not.toContain('alice');
    await hangUp(call);
  });
});

describe('a next hop that asks who we are (RFC 7616)', () => {
  const CHALLENGE = 'Digest realm="pbx", nonce="n1", qop="auth", algorithm=SHA-256';

  async function challenged(): Promise<{
    call: Awaited<ReturnType<typeof dial>>;
  }> {
    return { call: await dial({ username: 'gateway', password: 'secret' }) };
  }

  async function dial(credentials: { username: string; password: string }): Promise<{
    caller: Awaited<ReturnType<B2buaBench['peer']>>;
    callee: Awaited<ReturnType<B2buaBench['peer']>>;
    a: RawDialog;
  }> {
    const caller = await bench.peer('alice');
    const callee = await bench.peer('bob');
    bench.targets.push({
      requestUri: callee.uri,
      nextHop: null,
      answerTimeoutMs: 3_000,
      credentials,
    });
    const a = bench.dialFrom(caller);
    a.invite({
      body: sdp(10_000),
      headers: { Authorization: 'Digest username="alice", realm="elsewhere"' },
    });
    return { caller, callee, a };
  }

  it('is told, in the INVITE and within the dialog', async () => {
    const {
      call: { caller, callee, a },
    } = await challenged();
    const first = await callee.request('INVITE');
    expect(first.get('authorization')).toBeUndefined();
    callee.reply(first, '407 Proxy Authentication Required', {
      headers: { 'Proxy-Authenticate': CHALLENGE },
    });
    const second = await callee.request('INVITE');
    expect(second.get('proxy-authorization')).toMatch(
      /^Digest username="gateway", realm="pbx", nonce="n1", uri="sip:[^"]+", response="[0-9a-f]{64}", algorithm=SHA-256, qop=auth, nc=00000001, cnonce="[0-9a-f]+"$/,
    );
    // RFC 3261 §8.1.3.5: the same call, the next number.
    for (const name of ['call-id', 'from']) {
      expect(second.get(name)).toBe(first.get(name));
    }
    expect(parseInt(second.get('cseq') ?? '')).toBe(parseInt(first.get('cseq') ?? '') + 1);
    callee.reply(second, '200 OK', { body: sdp(20_000) });
    a.acknowledge(await caller.response(200, 'INVITE'));
    await callee.request('ACK');
    bench.incoming[0]?.sendInfo('callee', { contentType: null, body: '', headers: {} });
    callee.reply(await callee.request('INFO'), '401 Unauthorized', {
      headers: { 'WWW-Authenticate': CHALLENGE },
    });
    const info = await callee.request('INFO');
    expect(info.get('authorization')).toContain('nc=00000002');
    callee.reply(info, '200 OK');
    a.send('BYE');
    await caller.response(200, 'BYE');
    callee.reply(await callee.request('BYE'), '200 OK');
    await bench.settleCalls();
    // The caller has seen nothing of it.
    expect(caller.received.filter(each => each.status >= 400)).toHaveLength(0);
  });

  it('and does not believe us is not asked again: the caller gets its answer', async () => {
    const {
      call: { caller, callee, a },
    } = await challenged();
    for (let i = 0; i < 2; i++) {
      callee.reply(await callee.request('INVITE'), '401 Unauthorized', {
        headers: { 'WWW-Authenticate': CHALLENGE },
        toTag: `t${i}`,
      });
    }
    a.acknowledgeFailure(await caller.response(401, 'INVITE'));
    await bench.settleCalls();
    expect(callee.received.filter(each => each.method === 'INVITE')).toHaveLength(0);
  });
});

describe('an INVITE that forks', () => {
  it('takes the SDP of the fork that answers, whichever gave early media last', async () => {
    const caller = await bench.peer('alice');
    const callee = await bench.peer('bob');
    bench.addTarget(callee);
    const a = bench.dialFrom(caller);
    a.invite({ body: sdp(10_000) });
    const invite = await callee.request('INVITE');
    for (const [status, toTag, port] of [
      [183, 'one', 21_000],
      [180, 'two', 22_000],
    ] as const) {
      callee.reply(invite, `${status} Progress`, { toTag, body: sdp(port) });
      await caller.response(status, 'INVITE');
      expect(bench.delegate.lastStream('callee')?.rtp?.port).toBe(port);
    }
    callee.reply(invite, '200 OK', { toTag: 'one' });
    a.acknowledge(await caller.response(200, 'INVITE'));
    await callee.request('ACK');
    expect(bench.delegate.lastStream('callee')?.rtp?.port).toBe(21_000);
    a.send('BYE');
    await caller.response(200, 'BYE');
    const bye = await callee.request('BYE');
    expect(bye.get('to')).toContain('tag=one');
    callee.reply(bye, '200 OK');
    await bench.settleCalls();
  });
});
