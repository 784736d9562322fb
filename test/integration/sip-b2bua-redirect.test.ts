import { B2buaBench, sdp } from '../support/b2bua-bench';
import type { RawDialog, RawMessage, RawSipPeer } from '../support/raw-sip-peer';

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

/** A call whose only target redirects to `contacts`. */
async function redirected(
  status: string,
  contacts: (proxy: RawSipPeer) => string,
): Promise<{ caller: RawSipPeer; proxy: RawSipPeer; a: RawDialog; invite: RawMessage }> {
  const caller = await bench.peer('alice');
  const proxy = await bench.peer('bob');
  bench.addTarget(proxy);
  const a = bench.dialFrom(caller);
  a.invite({ body: sdp(10_000) });
  const invite = await proxy.request('INVITE');
  proxy.reply(invite, status, { headers: { Contact: contacts(proxy) }, noContact: true });
  await proxy.request('ACK');
  return { caller, proxy, a, invite };
}

describe('a redirection that is to be followed', () => {
  it('rings its Contacts by preference, and the call is that of the one that answers', async () => {
    bench.plan = { redirects: 'follow' };
    const first = await bench.peer('first');
    const second = await bench.peer('second');
    const { caller, a } = await redirected(
      '302 Moved Temporarily',
      () => `"2" <${second.uri}?Subject=x>;q=0.3, <tel:+49>, <${first.uri}>;q=0.8`,
    );
    first.reply(await first.request('INVITE'), '503 Service Unavailable');
    const invite = await second.request('INVITE');
    expect(invite.startLine).toBe(`INVITE ${second.uri} SIP/2.0`);
    second.reply(invite, '200 OK', { body: sdp(20_000) });
    a.acknowledge(await caller.response(200, 'INVITE'));
    await second.request('ACK');
    expect(bench.delegate.answer?.target).toEqual({
      requestUri: second.uri,
      nextHop: null,
      answerTimeoutMs: 3_000,
    });
    a.send('BYE');
    await caller.response(200, 'BYE');
    second.reply(await second.request('BYE'), '200 OK');
  });

  it('in a circle ends with what the last one said', async () => {
    bench.plan = { redirects: 'follow' };
    const other = await bench.peer('other');
    const { caller, proxy, a } = await redirected('301 Moved', () => `<${other.uri}>`);
    other.reply(await other.request('INVITE'), '302 Moved', {
      headers: { Contact: `<${proxy.uri}>, <${other.uri}>` },
      noContact: true,
    });
    a.acknowledgeFailure(await caller.response(302, 'INVITE'));
    await bench.settleCalls();
    expect(proxy.received).toHaveLength(0);
  });

  it('by 305 is not followed', async () => {
    bench.plan = { redirects: 'follow' };
    const other = await bench.peer('other');
    const { caller, a } = await redirected('305 Use Proxy', () => `<${other.uri}>`);
    a.acknowledgeFailure(await caller.response(305, 'INVITE'));
    expect(other.received).toHaveLength(0);
  });
});

it('a redirection that is to be passed reaches the caller with its Contact', async () => {
  const { caller, a } = await redirected('302 Moved', () => '<sip:carol@example.org>');
  const passed = await caller.response(302, 'INVITE');
  expect(passed.get('contact')).toContain('sip:carol@example.org');
  a.acknowledgeFailure(passed);
});
