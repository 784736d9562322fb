import type Srf from 'drachtio-srf';
import {
  answeredCall,
  type AnsweredCall,
  type Bench,
  hangUp,
  once,
  type PlacedCall,
  placedCall,
  RawCall,
  respond,
  SDP,
  startBench,
  type TcpPeer,
  type UdpPeer,
  within,
} from './sip-engine-harness';

let bench: Bench;

beforeEach(async () => {
  // Intervals of seconds instead of minutes; refreshes then come within a test.
  bench = await startBench({ minSessionExpiresS: 2 });
});

afterEach(async () => {
  try {
    await bench.expectQuiet();
  } finally {
    await bench.close();
  }
});

type Peer = UdpPeer | TcpPeer;

/** A caller with `extra` headers in its INVITE, answered by the application. */
async function answered(
  extra: string,
  answerHeaders: Record<string, string> = {},
): Promise<AnsweredCall> {
  return answeredCall(bench, await bench.peer('UDP'), { extra, answerHeaders });
}

/** A call of the application's; the peer answers with `extra` headers. */
async function placed(
  extra: string,
  options: { headers?: Record<string, string>; body?: string } = {},
): Promise<PlacedCall> {
  return placedCall(bench, await bench.peer('UDP'), { extra, ...options });
}

async function end(peer: Peer, dialog: Srf.Dialog): Promise<void> {
  const gone = hangUp(dialog);
  respond(peer, await peer.request('BYE'), 200);
  await within('BYE', gone);
}

const TIMER = 'Supported: timer\r\n';
const ALLOW_UPDATE = 'Allow: INVITE, ACK, BYE, UPDATE\r\n';

describe('a caller that asks for a session timer', () => {
  test.each([
    ['refreshes itself when it does not say who', TIMER, '120;refresher=uac', 'timer'],
    ['is refreshed when it wants so', TIMER, '120;refresher=uas', 'timer'],
    ['is refreshed when a proxy asked and it cannot', '', '120;refresher=uas', null],
  ])('%s (RFC 4028 §9)', async (_name, supported, expected, required) => {
    const wish = expected.endsWith('uas') && supported !== '' ? ';refresher=uas' : '';
    const { peer, dialog, ok } = await answered(`Session-Expires: 120${wish}\r\n${supported}`);
    expect(ok.get('session-expires')).toBe(expected);
    expect(ok.get('require')).toBe(required);
    expect(ok.getList('supported')).toContain('timer');
    await end(peer, dialog);
  });

  test('gets what the application chose', async () => {
    const { peer, dialog, ok } = await answered(`Session-Expires: 1800\r\n${TIMER}`, {
      'Session-Expires': '300;refresher=uas',
    });
    expect(ok.get('session-expires')).toBe('300;refresher=uas');
    await end(peer, dialog);
  });

  test('and does not ask gets none', async () => {
    const { peer, dialog, ok } = await answered(TIMER);
    expect(ok.get('session-expires')).toBeNull();
    await end(peer, dialog);
  });

  test.each([
    ['too small an interval', `Session-Expires: 1\r\n${TIMER}`, 422],
    ['one that cannot be read', `Session-Expires: soon\r\n${TIMER}`, 400],
  ])('with %s is refused', async (_name, extra, status) => {
    const peer = await bench.peer('UDP');
    const call = new RawCall(peer);
    call.request('INVITE', 1, { body: SDP, extra });
    const { headers } = await peer.response(status, 'INVITE');
    expect(headers.get('min-se')).toBe(status === 422 ? '2' : null);
    call.request('ACK', 1, { to: headers.get('to') ?? '', branch: call.lastBranch });
  });

  test('and then is silent is hung up, and the application is told (§10)', async () => {
    const { peer, dialog } = await answered(`Session-Expires: 2;refresher=uac\r\n${TIMER}`);
    const destroyed = once(dialog, 'destroy');
    const bye = await peer.request('BYE');
    expect(bye.headers.get('reason')).toBe('SIP;cause=200;text="Session timer expired"');
    respond(peer, bye, 200);
    const [told] = await within('destroy', destroyed);
    expect((told as Srf.SrfRequest).get('Reason')).toContain('Session timer expired');
  });

  test('and refreshes lives on; the 200 of the re-INVITE says so again', async () => {
    const { peer, dialog, call, to } = await answered(`Session-Expires: 2\r\n${TIMER}`);
    const extra = `Session-Expires: 120;refresher=uac\r\n${TIMER}`;
    call.request('INVITE', 2, { to, body: SDP, extra });
    const { headers } = await peer.response(200, 'INVITE');
    expect(headers.get('session-expires')).toBe('120;refresher=uac');
    const acked = once(dialog, 'ack');
    call.request('ACK', 2, { to });
    await within('ack', acked);
    await end(peer, dialog);
  });
});

describe('a session that we refresh', () => {
  test('is refreshed by UPDATE without a body where the peer allows it', async () => {
    const { peer, dialog } = await placed(
      `Session-Expires: 2;refresher=uac\r\nRequire: timer\r\n${ALLOW_UPDATE}`,
    );
    const update = await peer.request('UPDATE');
    expect(update.body).toHaveLength(0);
    expect(update.headers.get('session-expires')).toBe('2;refresher=uac');
    respond(peer, update, 200, { extra: 'Session-Expires: 120;refresher=uac\r\n' });
    await end(peer, dialog);
  });

  test('is refreshed by a re-INVITE with our session description otherwise', async () => {
    const { peer, dialog, invite } = await placed('Session-Expires: 2;refresher=uac\r\n', {
      headers: { Contact: '<sip:rec@localhost>;+sip.src' },
    });
    const again = await peer.request('INVITE');
    expect(again.body.toString()).toBe(SDP);
    expect(again.headers.get('contact')).toBe(invite.headers.get('contact'));
    expect(again.headers.get('contact')).toContain('+sip.src');
    respond(peer, again, 200, { body: SDP, extra: 'Session-Expires: 120;refresher=uac\r\n' });
    const ack = await peer.request('ACK');
    expect(ack.headers.get('cseq')).toBe(
      (again.headers.get('cseq') ?? '').replace('INVITE', 'ACK'),
    );
    // Its ACK was lost: the engine gives it again.
    respond(peer, again, 200, { body: SDP, extra: 'Session-Expires: 120;refresher=uac\r\n' });
    await peer.request('ACK');
    await end(peer, dialog);
  });

  test('with a multipart body is refreshed with its SDP alone (RFC 7866 §9.1)', async () => {
    const body =
      `--b1\r\nContent-Type: application/sdp\r\n\r\n${SDP}\r\n` +
      '--b1\r\nContent-Type: application/rs-metadata+xml\r\nContent-Disposition: recording-session' +
      '\r\n\r\n<recording/>\r\n--b1--\r\n';
    const { peer, dialog } = await placed('Session-Expires: 2;refresher=uac\r\n', {
      headers: { 'Content-Type': 'multipart/mixed;boundary=b1' },
      body,
    });
    const again = await peer.request('INVITE');
    expect(again.headers.get('content-type')).toBe('application/sdp');
    expect(again.body.toString()).toBe(SDP);
    respond(peer, again, 200, { body: SDP });
    await peer.request('ACK');
    await end(peer, dialog);
  });

  test('falls back to a re-INVITE when UPDATE is not taken after all', async () => {
    const { peer, dialog } = await placed(`Session-Expires: 2\r\n${ALLOW_UPDATE}`);
    respond(peer, await peer.request('UPDATE'), 501);
    const again = await peer.request('INVITE');
    expect(again.body.toString()).toBe(SDP);
    respond(peer, again, 200, { body: SDP });
    await peer.request('ACK');
    await end(peer, dialog);
  });

  test('asks with a longer interval after 422', async () => {
    const { peer, dialog } = await placed(`Session-Expires: 6\r\n${ALLOW_UPDATE}`);
    respond(peer, await peer.request('UPDATE'), 422, { extra: 'Min-SE: 100\r\n' });
    const longer = await peer.request('UPDATE');
    expect(longer.headers.get('session-expires')).toBe('100;refresher=uac');
    expect(longer.headers.get('min-se')).toBe('100');
    respond(peer, longer, 200, { extra: 'Session-Expires: 100;refresher=uac\r\n' });
    await end(peer, dialog);
  });

  test('ends when the peer does not know it any more', async () => {
    const { peer, dialog } = await placed(`Session-Expires: 2\r\n${ALLOW_UPDATE}`);
    const destroyed = once(dialog, 'destroy');
    respond(peer, await peer.request('UPDATE'), 481);
    const bye = await peer.request('BYE');
    expect(bye.headers.get('reason')).toContain('Session timer expired');
    respond(peer, bye, 481);
    await within('destroy', destroyed);
  });
});

describe('a call of the application', () => {
  test('that asks for a timer is asked again with what a 422 demands', async () => {
    const peer = await bench.peer('UDP');
    const calling = bench.srf.createUAC(`sip:bob@127.0.0.1:${peer.port}`, {
      localSdp: SDP,
      headers: { 'Session-Expires': '90' },
    });
    const first = await peer.request('INVITE');
    expect(first.headers.getList('supported')).toContain('timer');
    respond(peer, first, 422, { tag: 'x', extra: 'Min-SE: 400\r\n' });
    const second = await peer.request('INVITE');
    expect(second.headers.get('session-expires')).toBe('400');
    expect(second.headers.get('min-se')).toBe('400');
    expect(second.headers.get('call-id')).toBe(first.headers.get('call-id'));
    expect(parseInt(second.headers.get('cseq') ?? '')).toBe(
      parseInt(first.headers.get('cseq') ?? '') + 1,
    );
    respond(peer, second, 200, { tag: 'b', body: SDP, extra: 'Session-Expires: 400\r\n' });
    await end(peer, await within('UAC', calling));
  });

  test('whose callee promised refreshes and sends none is hung up', async () => {
    const { peer, dialog } = await placed('Session-Expires: 2;refresher=uas\r\n');
    const destroyed = once(dialog, 'destroy');
    const bye = await peer.request('BYE');
    expect(bye.headers.get('reason')).toContain('Session timer expired');
    respond(peer, bye, 200);
    await within('destroy', destroyed);
  });

  test('asks for the configured interval', async () => {
    const asking = await startBench({ sessionExpiresS: 600 });
    const peer = await asking.peer('UDP');
    const calling = asking.srf.createUAC(`sip:bob@127.0.0.1:${peer.port}`, { localSdp: SDP });
    const invite = await peer.request('INVITE');
    expect(invite.headers.get('session-expires')).toBe('600');
    respond(peer, invite, 200, { tag: 'b', body: SDP });
    const dialog = await within('UAC', calling);
    await end(peer, dialog);
    await asking.expectQuiet();
    await asking.close();
  });
});
