import { connect, createServer, type Server, type Socket } from 'node:net';
import { type EmbeddedEngineOptions, type EngineLimits } from '#sip/engine';
import { TestCa } from '../support/test-ca';
import { waitUntil } from '../support/wait-until';
import {
  answeredCall,
  type Bench,
  endByCaller,
  failureOf,
  nextInvite,
  once,
  RawCall,
  SDP,
  startBench,
  TEST_TIMERS,
  within,
} from './sip-engine-harness';

let bench: Bench;
const sockets: Socket[] = [];

afterEach(async () => {
  for (const socket of sockets.splice(0)) {
    socket.destroy();
  }
  try {
    await bench.expectQuiet();
  } finally {
    await bench.close();
  }
});

async function start(
  limits: Partial<EngineLimits>,
  timers: EmbeddedEngineOptions['timers'] = TEST_TIMERS,
): Promise<void> {
  bench = await startBench({ limits, timers });
}

/** A connection with the TCP listener, or with the applications' one. */
async function raw(port = bench.tcpPort): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  sockets.push(socket);
  socket.on('error', () => undefined);
  await within('connection', once(socket, 'connect'));
  return socket;
}

/** Resolves with all that came until the end. */
function untilClosed(socket: Socket): Promise<string> {
  let text = '';
  socket.on('data', chunk => (text += chunk.toString('latin1')));
  return within(
    'close',
    once(socket, 'close').then(() => text),
  );
}

let nextOptions = 1;

function options(extra = '', body = '', method = 'OPTIONS'): string {
  const n = nextOptions++;
  return (
    `${method} sip:x@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/TCP 127.0.0.1;branch=z9hG4bKl${n};rport\r\n` +
    `From: <sip:a@127.0.0.1>;tag=${n}\r\nTo: <sip:x@127.0.0.1>\r\nCall-ID: l${n}\r\n` +
    `CSeq: 1 ${method}\r\n${extra}Content-Length: ${body.length}\r\n\r\n${body}`
  );
}

describe('connections of peers', () => {
  test('a message larger than allowed is 513 and ends its stream', async () => {
    await start({ messageBytes: 2000 });
    const socket = await raw();
    socket.write(options('', 'x'.repeat(3000)));
    expect(await untilClosed(socket)).toMatch(/^SIP\/2\.0 513 /);
  });

  test('connections beyond the limit in all are closed', async () => {
    await start({ connections: 1, connectionsPerSource: 1 });
    await raw();
    expect(await untilClosed(await raw())).toBe('');
    expect((await bench.engine.counters()).drops['connection-limit']).toBe(1);
  });

  test('a connection that never brings a message is closed', async () => {
    await start({ firstMessageTimeoutMs: 200 });
    const socket = await raw();
    socket.write('\r\n');
    expect(await untilClosed(socket)).toBe('');
  });

  test('a message that stops half-way costs its connection', async () => {
    await start({ halfMessageTimeoutMs: 200 });
    const socket = await raw();
    socket.write(`${options()}OPTIONS sip:half@way`);
    expect(await untilClosed(socket)).toMatch(/^SIP\/2\.0 503 [^]*\r\n\r\n$/);
  });

  test('an idle connection is closed', async () => {
    await start({ idleTimeoutMs: 1500 });
    const socket = await raw();
    socket.write(options());
    expect(await untilClosed(socket)).toMatch(/^SIP\/2\.0 503 /);
  });

  test('a peer that does not read loses its connection', async () => {
    await start({ peerBufferBytes: 65_536 });
    const socket = await raw();
    socket.pause();
    const closed = within('close', once(socket, 'close'));
    // The answers repeat the To: they fill the buffers of the kernel first.
    const big = options(`Via: SIP/2.0/TCP b;x=${'v'.repeat(7000)}\r\n`);
    for (let i = 0; i < 2000 && !socket.destroyed; i++) {
      const text = big.replace(/z9hG4bKl\d+/, `z9hG4bKl-${i}`);
      if (!socket.write(text)) {
        await Promise.race([once(socket, 'drain'), once(socket, 'close')]);
      }
    }
    socket.resume();
    await closed;
    // The peer may know of it a moment before the engine's thread has counted it.
    await waitUntil(
      async () => (await bench.engine.counters()).tcpConnections === 0,
      'no connection is open',
    );
    expect((await bench.engine.counters()).tcpConnections).toBe(0);
  }, 90_000);

  test('a connection that does not come to stand is given up', async () => {
    const ca = new TestCa();
    const silent: Server = createServer();
    try {
      await new Promise<void>(bound => silent.listen(0, '127.0.0.1', bound));
      const { port } = silent.address() as { port: number };
      bench = await startBench({
        limits: { connectTimeoutMs: 200 },
        listeners: [
          { transport: 'tls', host: '127.0.0.1', port: 0, tls: ca.issue(['IP:127.0.0.1']) },
        ],
      });
      const failure = failureOf(
        bench.srf.createUAC(`sip:x@127.0.0.1:${port};transport=tls`, { localSdp: SDP }),
      );
      expect(await within('failure', failure)).toMatchObject({ status: 503 });
    } finally {
      silent.close();
      ca.close();
    }
  });
});

describe('transactions and calls', () => {
  test('requests beyond the open transactions are 503', async () => {
    await start({ transactions: 1 });
    const peer = await bench.peer('UDP');
    const arriving = await nextInvite(bench);
    new RawCall(peer).request('INVITE', 1, { body: SDP });
    const { res } = await within('INVITE', arriving.invite);
    new RawCall(peer).request('OPTIONS', 1);
    expect((await peer.response(503, 'OPTIONS')).headers.get('retry-after')).not.toBeNull();
    res.send(486);
    await peer.response(486);
  });

  test('an INVITE that rings for too long is given up', async () => {
    await start({ ringingMs: 200 });
    const peer = await bench.peer('UDP');
    const arriving = await nextInvite(bench);
    new RawCall(peer).request('INVITE', 1, { body: SDP });
    const { res } = await within('INVITE', arriving.invite);
    res.send(180);
    expect((await peer.response(480)).status).toBe(480);
  });

  test('new calls are turned away, and calls in progress go on', async () => {
    // A 2xx is given up after 64*T1: longer than a busy machine may need for the ACK.
    await start({ shedTransactions: 1 }, { t1Ms: 60, t2Ms: 240, t4Ms: 60 });
    const peer = await bench.peer('TCP');
    const call = await answeredCall(bench, peer);
    await waitUntil(
      async () => (await bench.engine.counters()).serverTransactions === 0,
      'the transaction of the INVITE is over',
    );

    new RawCall(peer).request('OPTIONS', 1);
    const waiting = new RawCall(peer);
    waiting.request('INVITE', 1, { body: SDP });
    await peer.response(100);
    new RawCall(peer).request('INVITE', 1, { body: SDP });
    expect((await peer.response(503, 'INVITE')).headers.get('retry-after')).toBe('5');
    expect((await bench.engine.counters()).shed).toMatchObject({ transactions: 1 });
    await endByCaller(call);
    waiting.request('CANCEL', 1, { branch: waiting.lastBranch });
    await peer.response(487, 'INVITE');
  });
});

describe('applications', () => {
  /** An application at the level of the wire that has routed MESSAGE and INVITE and does not answer. */
  async function rawApp(): Promise<Socket> {
    const socket = await raw(bench.engine.port);
    const frames = [`1|authenticate|${bench.engine.secret}`, '2|route|message', '3|route|invite'];
    socket.write(frames.map(frame => `${frame.length}#${frame}`).join(''));
    let text = '';
    const listen = (chunk: Buffer): unknown => (text += chunk.toString('latin1'));
    socket.on('data', listen);
    await waitUntil(() => text.includes('|response|3|OK'), 'the routes are there');
    socket.off('data', listen);
    socket.pause();
    return socket;
  }

  test('a frame beyond the limit ends the connection', async () => {
    await start({ appFrameBytes: 1000 });
    const socket = await raw(bench.engine.port);
    socket.write('1001#');
    expect(await untilClosed(socket)).toContain('Invalid message format');
  });

  test('an application that does not authenticate is cut off', async () => {
    // The bench's own application must manage within it, too.
    await start({ appAuthenticateMs: 3000 });
    expect(await untilClosed(await raw(bench.engine.port))).toContain('not authenticated in time');
  });

  test('an application that does not read gets no new calls, then holds up the peers, then goes on', async () => {
    await start({ appBusyBytes: 100_000, appPauseBytes: 1_000_000 });
    const app = await rawApp();
    const peer = await bench.peer('UDP');
    const flooder = await raw();
    const flood = async (isEnough: () => Promise<boolean>): Promise<void> => {
      for (let i = 0; i < 1000 && !(await isEnough()); i++) {
        flooder.write(options('', 'x'.repeat(60_000), 'MESSAGE'));
      }
    };
    await flood(async () => {
      new RawCall(peer).request('INVITE', 1, { body: SDP });
      const { shed } = await bench.engine.counters();
      return shed.application > 0;
    });
    expect((await peer.response(503, 'INVITE')).headers.get('retry-after')).toBe('5');
    await flood(async () => (await bench.engine.counters()).drops['reading-paused'] === 1);
    new RawCall(peer).request('MESSAGE', 1);
    await peer.response(503, 'MESSAGE');
    const before = await bench.engine.counters();
    flooder.write(options());
    new RawCall(peer).request('MESSAGE', 1);
    await peer.response(503, 'MESSAGE');
    expect((await bench.engine.counters()).messagesIn).toBe(before.messagesIn + 1);

    app.resume();
    const answered = once(flooder, 'data');
    await within('the peer is read again', answered);
    const call = new RawCall(peer);
    call.request('INVITE', 1, { body: SDP });
    expect((await peer.response(100, 'INVITE')).status).toBe(100);
  }, 90_000);

  test('an application beyond its last bound is cut off', async () => {
    await start({ appBusyBytes: 65_536, appPauseBytes: 65_536, appBufferBytes: 100_000 });
    const app = await rawApp();
    const closed = untilClosed(app);
    app.pause();
    const flooder = await raw();
    const isGone = async (): Promise<boolean> =>
      (await bench.engine.counters()).appConnections === 1;
    for (let i = 0; i < 2000 && !(await isGone()); i++) {
      flooder.write(options('', 'x'.repeat(60_000), 'MESSAGE'));
    }
    app.resume();
    expect(await closed).toContain('|network|');
  }, 90_000);

  test('an application that has stopped reading is cut off', async () => {
    await start({ appStallMs: 300, appPauseBytes: 200_000, appBusyBytes: 100_000 });
    const app = await rawApp();
    const closed = untilClosed(app);
    app.pause();
    const flooder = await raw();
    for (let i = 0; i < 1000; i++) {
      const { drops } = await bench.engine.counters();
      if (drops['reading-paused'] === 1) {
        break;
      }
      flooder.write(options('', 'x'.repeat(60_000), 'MESSAGE'));
    }
    await waitUntil(
      async () => (await bench.engine.counters()).appConnections === 1,
      'the application is cut off',
    );
    app.resume();
    expect(await closed).toContain('|network|');
  }, 90_000);
});
