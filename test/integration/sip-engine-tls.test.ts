import type Srf from 'drachtio-srf';
import { connect } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { type ListenerOptions, type SipRequest } from '#sip/engine';
import { TestCa, type TestCertificate } from '../support/test-ca';
import {
  type Bench,
  failureOf,
  hangUp,
  nextInvite,
  once,
  RawCall,
  respond,
  SDP,
  startBench,
  TcpPeer,
  within,
} from './sip-engine-harness';

let ca: TestCa;
let otherCa: TestCa;
/** Of the engine, and of a peer that is who it should be. */
let own: TestCertificate;
let good: TestCertificate;
let bench: Bench;
const peers: TcpPeer[] = [];

beforeAll(() => {
  ca = new TestCa();
  otherCa = new TestCa('Another CA');
  own = ca.issue(['IP:127.0.0.1', 'DNS:localhost']);
  good = ca.issue(['IP:127.0.0.1', 'DNS:localhost']);
});

afterAll(() => {
  ca.close();
  otherCa.close();
});

afterEach(async () => {
  for (const peer of peers.splice(0)) {
    peer.close();
  }
  try {
    await bench.expectQuiet();
  } finally {
    await bench.close();
  }
});

function listener(tls: Partial<ListenerOptions['tls']> = {}): ListenerOptions {
  const { cert, key } = own;
  return { transport: 'tls', host: '127.0.0.1', port: 0, tls: { cert, key, ...tls } };
}

async function start(
  options: Parameters<typeof startBench>[0] = {},
  tls: Partial<ListenerOptions['tls']> = {},
): Promise<void> {
  bench = await startBench({ listeners: [listener(tls)], tls: { ca: ca.cert }, ...options });
}

/** A peer with this certificate that trusts our CA. */
async function tlsPeer(
  certificate: TestCertificate = good,
  server: object = {},
  client: object = {},
): Promise<TcpPeer> {
  const { cert, key } = certificate;
  const peer = await TcpPeer.start(bench.engine.listeners[0]!.port, {
    server: { cert, key, ca: ca.cert, ...server },
    client: { cert, key, ca: ca.cert, ...client },
  });
  peers.push(peer);
  return peer;
}

async function failureTo(uri: string): Promise<unknown> {
  return within('failure', failureOf(bench.srf.createUAC(uri, { localSdp: SDP })));
}

describe('calls over TLS', () => {
  test('a call from a peer says TLS in Contact and later requests use its connection', async () => {
    await start();
    const peer = await tlsPeer();
    const call = new RawCall(peer);
    const arriving = await nextInvite(bench);
    call.request('INVITE', 1, { body: SDP });
    const { req, res } = await within('INVITE', arriving.invite);
    expect((req as unknown as { protocol: string }).protocol).toBe('tls');
    const dialog = await bench.srf.createUAS(req, res, { localSdp: SDP });
    const ok = await peer.response(200);
    const { port } = bench.engine.listeners[0]!;
    expect(ok.headers.get('contact')).toBe(`<sip:127.0.0.1:${port};transport=tls>`);
    const acked = once(dialog, 'ack');
    call.request('ACK', 1, { to: ok.headers.get('to') ?? '' });
    await within('ack', acked);
    const ended = hangUp(dialog);
    const bye = await peer.request('BYE');
    expect(bye.headers.get('via')).toMatch(/^SIP\/2\.0\/TLS 127\.0\.0\.1:\d+;branch=/);
    respond(peer, bye, 200);
    await within('BYE answered', ended);
  });

  test('a call to a peer is placed, and the next one shares the connection', async () => {
    await start();
    const peer = await tlsPeer();
    for (let i = 0; i < 2; i++) {
      const calling = bench.srf.createUAC(`sip:bob@127.0.0.1:${peer.port};transport=tls`, {
        localSdp: SDP,
      });
      const dialog = await within('answer', answer(peer, calling));
      const ended = hangUp(dialog);
      respond(peer, await peer.request('BYE'), 200);
      await within('BYE answered', ended);
    }
    expect(peer.accepted).toBe(1);
  });

  test('a sips: URI goes over TLS and gets a sips: Contact without a transport', async () => {
    await start();
    const peer = await tlsPeer();
    const calling = bench.srf.createUAC(`sips:bob@127.0.0.1:${peer.port}`, { localSdp: SDP });
    const invite = await peer.request('INVITE');
    const { port } = bench.engine.listeners[0]!;
    expect(invite.headers.get('contact')).toBe(`<sips:127.0.0.1:${port}>`);
    respond(peer, invite, 486, { tag: 'no' });
    await peer.request('ACK');
    await within('refusal', failureOf(calling));
  });

  test('a keepalive of two CRLF is answered with one', async () => {
    await start();
    const socket = await connected({ ca: ca.cert });
    const answered = once(socket, 'data');
    socket.write('\r\n\r\n');
    const [pong] = await within('pong', answered);
    expect((pong as Buffer).toString()).toBe('\r\n');
    socket.destroy();
  });
});

describe('whom the engine believes', () => {
  test.each<[string, () => TestCertificate]>([
    ['of another CA', () => otherCa.issue(['IP:127.0.0.1'])],
    ['of another host', () => ca.issue(['DNS:elsewhere.example.com'])],
  ])('a certificate %s is refused, and nothing is sent', async (_, issue) => {
    await start();
    const peer = await tlsPeer(issue());
    expect(await failureTo(`sip:bob@127.0.0.1:${peer.port};transport=tls`)).toMatchObject({
      status: 503,
    });
    expect(peer.count(() => true)).toBe(0);
    const { drops } = await bench.engine.counters();
    expect(drops['tls-connect']).toBe(1);
  });

  test('it is believed when verification is switched off', async () => {
    await start({ tls: { verify: false } });
    const peer = await tlsPeer(otherCa.issue(['DNS:elsewhere.example.com']));
    const calling = bench.srf.createUAC(`sip:bob@127.0.0.1:${peer.port};transport=tls`, {
      localSdp: SDP,
    });
    respond(peer, await peer.request('INVITE'), 486, { tag: 'no' });
    await peer.request('ACK');
    expect(await within('refusal', failureOf(calling))).toMatchObject({ status: 486 });
  });

  test.each([
    ['*.example.com', 'refused', false],
    ['*.example.com', 'accepted when wildcards are allowed (RFC 5922 §7.2)', true],
  ])('a certificate for %s is %s', async (name, _, allowWildcards) => {
    await start({ tls: { ca: ca.cert, serverName: 'srs.example.com', allowWildcards } });
    const peer = await tlsPeer(ca.issue([`DNS:${name}`]));
    const failure = failureTo(`sip:bob@127.0.0.1:${peer.port};transport=tls`);
    if (allowWildcards) {
      respond(peer, await peer.request('INVITE'), 486, { tag: 'no' });
      await peer.request('ACK');
    }
    expect(await failure).toMatchObject({ status: allowWildcards ? 486 : 503 });
    expect((await bench.engine.counters()).drops['tls-connect'] ?? 0).toBe(allowWildcards ? 0 : 1);
  });

  test('a next hop with settings of its own gets its CA, client certificate and server name', async () => {
    const named = otherCa.issue(['DNS:srs.example.com']);
    const client = otherCa.issue(['DNS:gateway.example.com'], 'gateway');
    await start();
    await bench.close();
    const asked: string[] = [];
    const server = await TcpPeer.start(0, {
      server: {
        cert: named.cert,
        key: named.key,
        ca: otherCa.cert,
        requestCert: true,
        rejectUnauthorized: true,
        SNICallback: (name: string, done: (error: null) => void) => {
          asked.push(name);
          done(null);
        },
      },
      client: {},
    });
    peers.push(server);
    await start({
      tls: {
        ca: ca.cert,
        peers: {
          [`127.0.0.1:${server.port}`]: {
            ca: otherCa.cert,
            cert: client.cert,
            key: client.key,
            serverName: 'srs.example.com',
          },
        },
      },
    });
    const calling = bench.srf.createUAC(`sip:srs@127.0.0.1:${server.port};transport=tls`, {
      localSdp: SDP,
    });
    respond(server, await server.request('INVITE'), 486, { tag: 'no' });
    await server.request('ACK');
    await within('refusal', failureOf(calling));
    expect(asked).toEqual(['srs.example.com']);
  });
});

describe('whom a listener lets in', () => {
  test.each<[string, 'request' | 'require', () => object, boolean]>([
    ['no certificate', 'require', () => ({}), false],
    ['a certificate of another CA', 'require', () => otherCa.issue([]), false],
    ['a good certificate', 'require', () => ca.issue([]), true],
    ['no certificate', 'request', () => ({}), true],
    ['a certificate of another CA', 'request', () => otherCa.issue([]), false],
    ['a good certificate', 'request', () => ca.issue([]), true],
  ])('a client with %s, with %s', async (_, requestClientCert, certificate, isLetIn) => {
    await start({}, { ca: ca.cert, requestClientCert });
    const socket = await connected({ ca: ca.cert, ...certificate() });
    socket.on('error', () => undefined);
    const outcome = Promise.race([
      once(socket, 'data').then(() => true),
      once(socket, 'close').then(() => false),
    ]);
    socket.write('\r\n\r\n');
    expect(await within('outcome', outcome)).toBe(isLetIn);
    socket.destroy();
    const { drops } = await bench.engine.counters();
    expect(drops['tls-handshake'] ?? 0).toBe(isLetIn ? 0 : 1);
  });

  test.each([
    ['TLSv1.2', 'TLSv1.2', true],
    ['TLSv1.2', 'TLSv1.3', false],
    ['TLSv1.3', 'TLSv1.3', true],
  ] as const)('a client that speaks %s, with at least %s', async (spoken, minVersion, isLetIn) => {
    await start({}, { minVersion });
    const outcome = connected({ ca: ca.cert, minVersion: spoken, maxVersion: spoken }).then(
      socket => {
        socket.destroy();
        return true;
      },
      () => false,
    );
    expect(await within('outcome', outcome)).toBe(isLetIn);
  });

  test('somebody who does not shake hands is cut off, and counts as a connection until then', async () => {
    await start({ limits: { handshakeTimeoutMs: 300, connectionsPerSource: 1 } });
    const first = connect(bench.engine.listeners[0]!.port, '127.0.0.1');
    await within('connection', once(first, 'connect'));
    const second = connect(bench.engine.listeners[0]!.port, '127.0.0.1');
    second.on('error', () => undefined);
    await within('the second is cut off', once(second, 'close'));
    await within('the first is cut off', once(first, 'close'));
    const { drops } = await bench.engine.counters();
    expect(drops).toMatchObject({ 'connection-limit': 1, 'tls-handshake': 1 });
  });
});

function connected(options: object): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const socket = connectTls({
      port: bench.engine.listeners[0]!.port,
      host: '127.0.0.1',
      ...options,
    });
    socket.once('error', reject);
    socket.once('secureConnect', () => resolve(socket));
  });
}

async function answer(peer: TcpPeer, calling: Promise<Srf.Dialog>): Promise<Srf.Dialog> {
  const invite: SipRequest = await peer.request('INVITE');
  respond(peer, invite, 200, { tag: 'callee', body: SDP });
  await peer.request('ACK');
  return calling;
}
