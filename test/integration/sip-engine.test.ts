import type Srf from 'drachtio-srf';
import { tagOf } from '#sip/engine';
import {
  type Bench,
  cancel,
  failureOf,
  hangUp,
  nextInvite,
  once,
  RawCall,
  respond,
  SDP,
  startBench,
  until,
  within,
} from './sip-engine-harness';

let bench: Bench;

beforeEach(async () => {
  bench = await startBench();
});

afterEach(async () => {
  try {
    await bench.expectQuiet();
  } finally {
    await bench.close();
  }
});

describe.each(['UDP', 'TCP'] as const)('with a %s peer', protocol => {
  test('createUAS answers, the ACK arrives, and the caller hangs up', async () => {
    const peer = await bench.peer(protocol);
    const call = new RawCall(peer);
    const arriving = await nextInvite(bench);
    call.request('INVITE', 1, { body: SDP, extra: 'X-Probe:  hello\r\n' });
    await peer.response(100);
    const { req, res } = await within('INVITE', arriving.invite);
    expect(req.get('X-Probe')).toBe('hello');
    expect(req.protocol).toBe(protocol.toLowerCase());
    const dialog = await within('UAS', bench.srf.createUAS(req, res, { localSdp: SDP }));
    const ok = await peer.response(200);
    const port = protocol === 'UDP' ? bench.udpPort : bench.tcpPort;
    const transport = protocol === 'UDP' ? '' : ';transport=tcp';
    expect(ok.headers.get('contact')).toBe(`<sip:127.0.0.1:${port}${transport}>`);
    const to = ok.headers.get('to') ?? '';
    expect(tagOf(to)).toBe(dialog.sip.localTag);
    const acked = once(dialog, 'ack');
    call.request('ACK', 1, { to });
    await within('ack', acked);
    const destroyed = once(dialog, 'destroy');
    call.request('BYE', 2, { to, extra: 'Reason: Q.850;cause=16\r\n' });
    await peer.response(200, 'BYE');
    await within('destroy', destroyed);
    call.request('BYE', 3, { to });
    await peer.response(481, 'BYE');
  });

  test('createUAC calls, acknowledges, and hangs up', async () => {
    const peer = await bench.peer(protocol);
    const transport = protocol === 'TCP' ? ';transport=tcp' : '';
    const calling = bench.srf.createUAC(`sip:bob@127.0.0.1:${peer.port}${transport}`, {
      localSdp: SDP,
      headers: { From: '"Alice" <sip:alice@localhost>', Contact: '<sip:alice@localhost>' },
    });
    const invite = await peer.request('INVITE');
    const port = protocol === 'UDP' ? bench.udpPort : bench.tcpPort;
    expect(invite.headers.get('from')).toMatch(
      new RegExp(`^"Alice" <sip:alice@127.0.0.1:${port}>;tag=`),
    );
    expect(invite.headers.get('contact')).toBe(`<sip:alice@127.0.0.1:${port}${transport}>`);
    expect(invite.body.toString()).toBe(SDP);
    respond(peer, invite, 100);
    respond(peer, invite, 180, { tag: 'b' });
    respond(peer, invite, 200, { tag: 'b', body: SDP });
    const dialog = await within('UAC', calling);
    const ack = await peer.request('ACK');
    expect(ack.headers.get('cseq')).toBe(
      (invite.headers.get('cseq') ?? '').replace('INVITE', 'ACK'),
    );
    // Our ACK was lost: the 2xx comes again and gets it again, unseen by the application.
    respond(peer, invite, 200, { tag: 'b', body: SDP });
    await peer.request('ACK');
    const gone = hangUp(dialog);
    const bye = await peer.request('BYE');
    respond(peer, bye, 200);
    await within('destroy', gone);
  });

  test('a failure is acknowledged by the engine and reaches the application', async () => {
    const peer = await bench.peer(protocol);
    const transport = protocol === 'TCP' ? ';transport=tcp' : '';
    const calling = bench.srf.createUAC(`sip:bob@127.0.0.1:${peer.port}${transport}`, {
      localSdp: SDP,
    });
    const outcome = failureOf(calling);
    const invite = await peer.request('INVITE');
    respond(peer, invite, 486, { tag: 'b', extra: 'Reason: Q.850;cause=17\r\n' });
    await peer.request('ACK');
    expect(await within('486', outcome)).toMatchObject({ status: 486 });
  });

  test('a CANCEL of the caller is answered 200, the INVITE 487, and the application told', async () => {
    const peer = await bench.peer(protocol);
    const call = new RawCall(peer);
    const arriving = await nextInvite(bench);
    call.request('INVITE', 1, { body: SDP });
    const { req } = await within('INVITE', arriving.invite);
    const cancelled = once(req, 'cancel');
    const branch = call.lastBranch;
    call.request('CANCEL', 1, { branch });
    await peer.response(200, 'CANCEL');
    const terminated = await peer.response(487, 'INVITE');
    const [cancelSeen] = await within('cancel', cancelled);
    expect(cancelSeen).toMatchObject({ method: 'CANCEL' });
    call.request('ACK', 1, { branch, to: terminated.headers.get('to') ?? '' });
  });

  test('a CANCEL of the application waits for a provisional response', async () => {
    const peer = await bench.peer(protocol);
    const transport = protocol === 'TCP' ? ';transport=tcp' : '';
    let sent: Srf.SrfRequest | null = null;
    const calling = bench.srf.createUAC(
      `sip:bob@127.0.0.1:${peer.port}${transport}`,
      { localSdp: SDP },
      {
        cbRequest: (_error: unknown, req?: Srf.SrfRequest) => {
          sent = req ?? null;
        },
      },
    );
    const outcome = failureOf(calling);
    const invite = await peer.request('INVITE');
    await within(
      'echo',
      until(() => sent !== null),
    );
    await cancel(sent);
    expect(peer.count(message => message.kind === 'request' && message.method === 'CANCEL')).toBe(
      0,
    );
    respond(peer, invite, 180, { tag: 'b' });
    const received = await peer.request('CANCEL');
    expect(received.headers.get('via')).toBe(invite.headers.get('via'));
    respond(peer, received, 200);
    respond(peer, invite, 487, { tag: 'b' });
    await peer.request('ACK');
    expect(await within('487', outcome)).toMatchObject({ status: 487 });
  });
});
