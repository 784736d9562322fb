import {
  type Bench,
  hangUp,
  nextInvite,
  once,
  RawCall,
  respond,
  SDP,
  startBench,
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

/** A caller whose INVITE the application has. */
async function ringingCall(extra: string): Promise<{
  peer: Awaited<ReturnType<Bench['peer']>>;
  call: RawCall;
  req: Parameters<Parameters<Bench['srf']['invite']>[0]>[0];
  res: Parameters<Parameters<Bench['srf']['invite']>[0]>[1];
}> {
  const peer = await bench.peer('UDP');
  const call = new RawCall(peer);
  const arriving = await nextInvite(bench);
  call.request('INVITE', 1, { body: SDP, extra });
  return { peer, call, ...(await within('INVITE', arriving.invite)) };
}

describe('a reliable provisional response (RFC 3262 §3)', () => {
  test('is repeated until its PRACK, which the application gets; the 200 waits for it', async () => {
    const { peer, call, req, res } = await ringingCall('Supported: 100rel\r\n');
    const answered = new Promise<void>(resolve => {
      (res as unknown as { send(status: number, options: object, ...rest: unknown[]): void }).send(
        183,
        { headers: { Require: '100rel' }, body: SDP },
        undefined,
        (prack: { method: string }) => {
          expect(prack.method).toBe('PRACK');
          resolve();
        },
      );
    });
    const first = await peer.response(183, 'INVITE');
    const repeated = await peer.response(183, 'INVITE');
    expect(repeated.headers.get('rseq')).toBe(first.headers.get('rseq'));
    expect(first.headers.get('contact')).not.toBeNull();
    const calling = bench.srf.createUAS(req, res, { localSdp: SDP });
    const to = first.headers.get('to') ?? '';
    call.request('PRACK', 2, { to, extra: 'RAck: 99 1 INVITE\r\n' });
    await peer.response(481, 'PRACK');
    const rseq = first.headers.get('rseq') ?? '';
    expect(peer.count(m => m.kind === 'response' && m.status === 200)).toBe(0);
    call.request('PRACK', 3, { to, extra: `RAck: ${rseq} 1 INVITE\r\n` });
    await peer.response(200, 'PRACK');
    await peer.response(200, 'INVITE');
    await within('PRACK', answered);
    const dialog = await within('UAS', calling);
    const acked = once(dialog, 'ack');
    call.request('ACK', 1, { to });
    await within('ack', acked);
    const gone = hangUp(dialog);
    respond(peer, await peer.request('BYE'), 200);
    await within('BYE', gone);
  });

  test('that the caller demands is made reliable by the engine, which also answers the PRACK', async () => {
    const { peer, call, res } = await ringingCall('Require: 100rel\r\n');
    res.send(180);
    const ringing = await peer.response(180, 'INVITE');
    expect(ringing.headers.get('require')).toBe('100rel');
    const to = ringing.headers.get('to') ?? '';
    call.request('PRACK', 2, {
      to,
      extra: `RAck: ${ringing.headers.get('rseq') ?? ''} 1 INVITE\r\n`,
      branch: `z9hG4bKprack${call.callId}`,
    });
    await peer.response(200, 'PRACK');
    res.send(486);
    await peer.response(486, 'INVITE');
    call.request('ACK', 1, { to, branch: `z9hG4bK${call.callId}-0` });
  });

  test('without a PRACK ends the call with 504, and the application is told', async () => {
    const { peer, call, req, res } = await ringingCall('Supported: 100rel\r\n');
    const cancelled = once(req, 'cancel');
    res.send(183, { headers: { Require: '100rel' } } as never);
    const { headers } = await peer.response(504, 'INVITE');
    call.request('ACK', 1, { to: headers.get('to') ?? '', branch: call.lastBranch });
    await expect(within('cancel', cancelled)).resolves.toBeDefined();
  });
});

test('reliable responses of a callee come once and in order; PRACK goes to it (RFC 3262 §4)', async () => {
  const peer = await bench.peer('UDP');
  const calling = bench.srf.createUAC(`sip:bob@127.0.0.1:${peer.port}`, {
    localSdp: SDP,
    headers: { Supported: '100rel' },
  });
  const invite = await peer.request('INVITE');
  const reliable = (rseq: number): void =>
    respond(peer, invite, 183, {
      tag: 'b',
      body: SDP,
      extra: `Require: 100rel\r\nRSeq: ${rseq}\r\n`,
    });
  reliable(7);
  const prack = await peer.request('PRACK');
  expect(prack.headers.get('rack')).toBe(`7 ${invite.headers.get('cseq') ?? ''}`);
  respond(peer, prack, 200);
  reliable(7);
  reliable(9);
  reliable(8);
  const second = await peer.request('PRACK');
  expect(second.headers.get('rack')).toBe(`8 ${invite.headers.get('cseq') ?? ''}`);
  respond(peer, second, 200);
  const { drops } = await bench.engine.counters();
  expect(drops['reliable-out-of-order']).toBe(2);
  respond(peer, invite, 200, { tag: 'b', body: SDP });
  const dialog = await within('UAC', calling);
  await peer.request('ACK');
  const gone = hangUp(dialog);
  respond(peer, await peer.request('BYE'), 200);
  await within('BYE', gone);
});
