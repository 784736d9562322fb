import { connect } from 'node:net';
import { noopLogger } from '#core';
import { startEmbeddedEngine } from '#sip/engine';
import {
  type Bench,
  connectSrf,
  nextInvite,
  once,
  RawCall,
  respond,
  SDP,
  startBench,
  UdpPeer,
  within,
} from './sip-engine-harness';
import { waitUntil } from '../support/wait-until';

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

function frame(payload: string): string {
  return `${Buffer.byteLength(payload)}#${payload}`;
}

/** What the engine says to raw bytes until it hangs up. */
function rawTalk(port: number, bytes: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(bytes));
    let answer = '';
    socket.on('data', chunk => (answer += chunk.toString()));
    socket.on('close', () => resolve(answer));
    socket.on('error', reject);
  });
}

describe('the secret', () => {
  test('is demanded of drachtio-srf', async () => {
    await expect(connectSrf(bench.engine, 'wrong')).rejects.toThrow('failed to authenticate');
  });

  test.each([
    ['a route', 'a1|route|invite', 'not authenticated'],
    ['a request', 'a1|sip||\r\nOPTIONS sip:x@127.0.0.1 SIP/2.0\r\n\r\n', 'not authenticated'],
    ['a ping', 'a1|ping', 'not authenticated'],
    ['authenticate without a secret', 'a1|authenticate', 'incorrect secret'],
    ['a wrong one', 'a1|authenticate|cymru|', 'incorrect secret'],
  ])('is enforced: %s without it is refused and the connection closed', async (_n, text, why) => {
    const answer = await within('close', rawTalk(bench.engine.port, frame(text)));
    expect(answer).toMatch(new RegExp(`^\\d+#[0-9a-f-]{36}\\|response\\|a1\\|NO\\|${why}$`));
  });

  test('is 32 random bytes in hex, new each time', async () => {
    const other = await startEmbeddedEngine({
      listeners: [{ transport: 'udp', host: '127.0.0.1', port: 0 }],
      logger: noopLogger,
    });
    expect(bench.engine.secret).toMatch(/^[0-9a-f]{64}$/);
    expect(other.secret).not.toBe(bench.engine.secret);
    await other.close();
  });
});

test.each(['x#', '#', '99999999#', '9999999#', '1'.repeat(20)])(
  'a broken frame length (%s) closes the connection',
  async bytes => {
    const answer = await within('close', rawTalk(bench.engine.port, bytes));
    expect(answer).toContain('|NO|Invalid message format');
  },
);

test('an unknown message type closes the connection', async () => {
  const { port, secret } = bench.engine;
  const bytes = frame(`a1|authenticate|${secret}|`) + frame('a2|frobnicate|x');
  const answer = await within('close', rawTalk(port, bytes));
  const { udpPort, tcpPort } = bench;
  const hostports = `udp/127.0.0.1:${udpPort},tcp/127.0.0.1:${tcpPort}`;
  expect(answer).toContain(`|response|a1|OK|${hostports}|v0.9.10|${hostports}`);
  expect(answer).toContain('|response|a2|NO|Unknown message type');
});

test('a lost application ends its calls: 503, CANCEL and BYE', async () => {
  const peer = await bench.peer('UDP');
  const arriving = await nextInvite(bench);
  const established = new RawCall(peer);
  established.request('INVITE', 1, { body: SDP });
  const first = await within('INVITE', arriving.invite);
  const dialog = await bench.srf.createUAS(first.req, first.res, { localSdp: SDP });
  const to = (await peer.response(200)).headers.get('to') ?? '';
  const acked = once(dialog, 'ack');
  established.request('ACK', 1, { to });
  await within('ack', acked);
  const callee = await bench.peer('UDP');
  const calling = bench.srf.createUAC(`sip:bob@127.0.0.1:${callee.port}`, { localSdp: SDP });
  calling.catch(() => undefined);
  const invite = await callee.request('INVITE');
  respond(callee, invite, 180, { tag: 'b' });
  const ringing = new RawCall(peer);
  ringing.request('INVITE', 1, { body: SDP });
  await peer.response(100, 'INVITE');
  bench.loseApp();
  const refused = await peer.response(503, 'INVITE');
  ringing.request('ACK', 1, { to: refused.headers.get('to') ?? '', branch: ringing.lastBranch });
  respond(peer, await peer.request('BYE'), 200);
  respond(callee, await callee.request('CANCEL'), 200);
  respond(callee, invite, 487, { tag: 'b' });
  expect((await callee.request('ACK')).headers.get('cseq')).toContain('ACK');
});

test('closing the engine ends the calls of an application that is still connected', async () => {
  const engine = await startEmbeddedEngine({
    listeners: [{ transport: 'udp', host: '127.0.0.1', port: 0 }],
    logger: noopLogger,
  });
  const callee = await UdpPeer.start(engine.listeners[0]?.port ?? 0);
  // Not by drachtio-srf, which would try to connect again for ever.
  const invite = `INVITE sip:bob@127.0.0.1:${callee.port} SIP/2.0\r\nContent-Type: application/sdp\r\n\r\n${SDP}`;
  const call = frame(`a1|authenticate|${engine.secret}|`) + frame(`a2|sip||\r\n${invite}`);
  const cut = rawTalk(engine.port, call);
  respond(callee, await callee.request('INVITE'), 200, { tag: 'b', body: SDP });
  await waitUntil(async () => (await engine.counters()).pendingRequests === 0, 'it is answered');
  await engine.close();
  await within('cut', cut);
  expect((await callee.request('BYE')).headers.get('reason')).toContain('application lost');
  callee.close();
});

test('calls beyond the limit are refused with Retry-After', async () => {
  const small = await startBench({ limits: { dialogs: 1 } });
  const peer = await small.peer('UDP');
  const arriving = await nextInvite(small);
  const first = new RawCall(peer);
  first.request('INVITE', 1, { body: SDP });
  const { res } = await within('INVITE', arriving.invite);
  const second = new RawCall(peer);
  second.request('INVITE', 1, { body: SDP });
  const refused = await peer.response(503, 'INVITE');
  expect(refused.headers.get('retry-after')).toBe('5');
  second.request('ACK', 1, { to: refused.headers.get('to') ?? '', branch: second.lastBranch });
  res.send(486);
  const busy = await peer.response(486, 'INVITE');
  first.request('ACK', 1, { to: busy.headers.get('to') ?? '', branch: first.lastBranch });
  await small.expectQuiet();
  await small.close();
});

test('a listener that cannot be bound rejects with its name', async () => {
  await expect(
    startEmbeddedEngine({
      listeners: [{ transport: 'tcp', host: '127.0.0.1', port: bench.tcpPort }],
      logger: noopLogger,
    }),
  ).rejects.toMatchObject({
    code: 'REC_ERR_ENGINE_LISTEN',
    details: { transport: 'tcp', host: '127.0.0.1', port: bench.tcpPort },
  });
});
