import { B2buaBench } from '../support/b2bua-bench';
import { type RawDialog, type RawSipPeer } from '../support/raw-sip-peer';

let bench: B2buaBench;
let alice: RawSipPeer;
let bob: RawSipPeer;

beforeAll(async () => {
  bench = await B2buaBench.start();
});
beforeEach(async () => {
  alice = await bench.peer('alice');
  bob = await bench.peer('bob');
  bench.addTarget(bob);
});
afterEach(async () => {
  await bench.settle();
});
afterAll(async () => {
  await bench.close();
});

function sends(headers: Record<string, string> = {}, body = 'See you at \u00e9 12'): RawDialog {
  const dialog = bench.dialFrom(alice);
  dialog.send('MESSAGE', { body, contentType: 'text/plain;charset=utf-8', headers });
  return dialog;
}

const CALLER = {
  'P-Asserted-Identity': '<sip:+15550100@example.com>',
  Privacy: 'id',
  'Content-Language': 'fr',
  Subject: 'Lunch',
  'X-Tenant': 'acme',
};

describe('a MESSAGE outside of a dialog (RFC 3428)', () => {
  it('is sent on with its text and who sends it; the final status comes back', async () => {
    sends(CALLER);
    const relayed = await bob.request('MESSAGE');
    expect(relayed.body).toBe('See you at \u00e9 12');
    expect(relayed.get('content-type')).toBe('text/plain;charset=utf-8');
    expect(relayed.get('content-language')).toBe('fr');
    expect(relayed.get('p-asserted-identity')).toBe('<sip:+15550100@example.com>');
    expect(relayed.get('from')).toMatch(/^<sip:alice@127\.0\.0\.1/);
    expect(relayed.get('max-forwards')).toBe('69');
    expect(relayed.get('session-id')).toMatch(/^[0-9a-f]{32};remote=0{32}$/);
    expect(relayed.get('x-tenant')).toBe('acme');
    // RFC 3428 §4: it makes no dialog.
    expect(relayed.get('contact')).toBeUndefined();
    bob.reply(relayed, '202 Accepted', { noContact: true });
    const answer = await alice.response(202, 'MESSAGE');
    expect(answer.get('contact')).toBeUndefined();
    expect(bench.stack.gateway.counters().calls).toBe(0);
  });

  it('tells an untrusted receiver no identity, and no name of a sender that asks for privacy', async () => {
    bench.onMessage = message =>
      message.relay({ targets: bench.targets, senderTrusted: true, receiverTrusted: false });
    sends({ ...CALLER, Privacy: 'user;id' });
    const relayed = await bob.request('MESSAGE');
    expect(relayed.get('p-asserted-identity')).toBeUndefined();
    expect(relayed.get('subject')).toBeUndefined();
    expect(relayed.get('from')).toMatch(/^"Anonymous" <sip:anonymous@anonymous\.invalid>;tag=/);
    bob.reply(relayed, '200 OK', { noContact: true });
    await alice.response(200, 'MESSAGE');
  });

  it('goes to the next target after a 503, and not after the word of the user', async () => {
    const second = await bench.peer('second');
    bench.addTarget(second);
    sends();
    bob.reply(await bob.request('MESSAGE'), '500 Trouble');
    second.reply(await second.request('MESSAGE'), '486 Busy Here', {
      headers: { Reason: 'Q.850;cause=17' },
    });
    const answer = await alice.response(486, 'MESSAGE');
    expect(answer.get('reason')).toBe('Q.850;cause=17');
    sends();
    bob.reply(await bob.request('MESSAGE'), '603 Decline');
    await alice.response(603, 'MESSAGE');
    expect(second.received).toEqual([]);
  });

  it('gets 504, never 408, when nobody answers in time (RFC 4320 §4.2)', async () => {
    bench.targets = [];
    bench.addTarget(bob, 300);
    sends();
    const answer = await alice.response(504, 'MESSAGE');
    expect(answer.body).toBe('');
    // The transaction of the engine ends by itself.
    bob.reply(await bob.request('MESSAGE'), '200 OK', { noContact: true });
  });

  it('with credentials of the next hop answers its challenge; without them the sender gets it', async () => {
    const challenge = {
      'Proxy-Authenticate': 'Digest realm="switch", nonce="84a4cc", qop="auth", algorithm=SHA-256',
    };
    sends();
    bob.reply(await bob.request('MESSAGE'), '407 Proxy Authentication Required', {
      headers: challenge,
    });
    const refused = await alice.response(407, 'MESSAGE');
    expect(refused.get('proxy-authenticate')).toContain('realm="switch"');
    bench.targets = bench.targets.map(target => ({
      ...target,
      credentials: { username: 'gw', password: 'secret' },
    }));
    sends({ 'Proxy-Authorization': 'Digest username="alice"' });
    const first = await bob.request('MESSAGE');
    bob.reply(first, '407 Proxy Authentication Required', { headers: challenge });
    const again = await bob.request('MESSAGE');
    expect(again.get('proxy-authorization')).toMatch(/username="gw".*nonce="84a4cc"/);
    expect(again.body).toContain('See you');
    // RFC 3261 §8.1.3.5.
    expect(again.get('call-id')).toBe(first.get('call-id'));
    expect(again.get('from')).toBe(first.get('from'));
    expect(parseInt(again.get('cseq') ?? '')).toBe(parseInt(first.get('cseq') ?? '') + 1);
    bob.reply(again, '200 OK', { noContact: true });
    await alice.response(200, 'MESSAGE');
  });

  it.each([
    ['that has been passed on too often', { 'Max-Forwards': '0' }, 483],
    ['that requires what we do not understand', { Require: 'foo' }, 420],
  ])('%s is refused', async (_what, headers, status) => {
    sends(headers);
    await alice.response(status, 'MESSAGE');
    expect(bob.received).toEqual([]);
  });

  it('that the owner refuses gets what it says', async () => {
    bench.onMessage = message => message.refuse(403, { reason: 'Unknown Peer' });
    sends();
    expect((await alice.response(403, 'MESSAGE')).startLine).toBe('SIP/2.0 403 Unknown Peer');
  });

  // The last one: a gateway does not come back from that.
  it('gets 503 with Retry-After in a gateway that shuts down', async () => {
    bench.stack.gateway.drain(7);
    sends();
    expect((await alice.response(503, 'MESSAGE')).get('retry-after')).toBe('7');
  });
});
