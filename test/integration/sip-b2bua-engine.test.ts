import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { type Clock, noopLogger, randomIds, systemClock, type Timer } from '#core';
import { createSipStack, isSipError, type SipStack } from '#sip';
import { LOCAL, RecordingDelegate, sdp } from '../support/b2bua-bench';
import { RawDialog, RawSipPeer } from '../support/raw-sip-peer';
import { type EngineUnderTest, startEngineUnderTest } from '../support/sip-engine-under-test';
import { waitUntil } from '../support/wait-until';

let engine: EngineUnderTest;

/** Stands between application and engine, and can be cut. */
class Wire {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(server: Server) {
    this.#server = server;
  }

  static async open(to: EngineUnderTest): Promise<Wire> {
    const server = createServer();
    const wire = new Wire(server);
    server.on('connection', inner => {
      const outer = connect({ host: to.host, port: to.port });
      for (const [socket, other] of [
        [inner, outer],
        [outer, inner],
      ] as const) {
        wire.#sockets.add(socket);
        socket.on('error', () => undefined);
        socket.on('close', () => {
          wire.#sockets.delete(socket);
          other.destroy();
        });
      }
      inner.pipe(outer);
      outer.pipe(inner);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return wire;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  cut(): void {
    for (const socket of this.#sockets) {
      socket.destroy();
    }
  }

  async close(): Promise<void> {
    this.cut();
    this.#server.close();
    await once(this.#server, 'close');
  }
}

/** The system's clock, and how many of its timers run. */
class CountingClock implements Clock {
  running = 0;

  wallNowMs(): number {
    return systemClock.wallNowMs();
  }

  monotonicMs(): number {
    return systemClock.monotonicMs();
  }

  setTimer(delayMs: number, callback: () => void): Timer {
    let isRunning = true;
    const over = (): void => {
      this.running -= isRunning ? 1 : 0;
      isRunning = false;
    };
    this.running++;
    const timer = systemClock.setTimer(delayMs, () => {
      over();
      callback();
    });
    return {
      cancel: () => {
        over();
        timer.cancel();
      },
    };
  }
}

function stackOn(
  change: Partial<{ port: number; secret: string; connectTimeoutMs: number }>,
  clock: Clock = systemClock,
): SipStack {
  return createSipStack({
    engine: { ...engine, ...change },
    clock,
    logger: noopLogger,
    ids: randomIds,
  });
}

beforeAll(async () => {
  engine = await startEngineUnderTest();
});
afterAll(async () => {
  await engine.close();
});

describe('the connection to the SIP engine', () => {
  it('refused for a wrong secret is an error that says so', async () => {
    const stack = stackOn({ secret: 'wrong' });
    const error: unknown = await stack.connect().catch((reason: unknown) => reason);
    expect(isSipError(error, 'REC_ERR_SIP_ENGINE_UNREACHABLE')).toBe(true);
    await stack.close();
  });

  it('where nobody listens is an error after its deadline', async () => {
    const wire = await Wire.open(engine);
    const { port } = wire;
    await wire.close();
    const stack = stackOn({ port, connectTimeoutMs: 300 });
    await expect(stack.connect()).rejects.toMatchObject({
      code: 'REC_ERR_SIP_ENGINE_UNREACHABLE',
      details: { port },
    });
    await stack.close();
  });

  it('lost in the middle of a call ends the call, and comes back for the next', async () => {
    const wire = await Wire.open(engine);
    const stack = stackOn({ port: wire.port });
    const delegates: RecordingDelegate[] = [];
    const alice = await RawSipPeer.open('alice');
    const bob = await RawSipPeer.open('bob');
    stack.gateway.onCall(call => {
      const delegate = new RecordingDelegate();
      delegates.push(delegate);
      const target = { requestUri: bob.uri, nextHop: null, answerTimeoutMs: 2_000 };
      call.connect({ targets: [target], srtpOnly: 'reject', calleeTrusted: false }, delegate);
    });
    let countersWhenLost: unknown = null;
    await stack.connect();
    for (let round = 0; round < 2; round++) {
      const a = new RawDialog(alice, engine.sipPort, {
        remoteUri: `sip:bob@127.0.0.1:${engine.sipPort}`,
      });
      await waitUntil(() => stack.isReady, 'the engine is ready');
      a.invite({ body: sdp(10_000) });
      const invite = await bob.request('INVITE');
      expect(invite.body).toContain(`m=audio ${LOCAL.callee.rtp.port}`);
      bob.reply(invite, '200 OK', { body: sdp(20_000) });
      a.acknowledge(await alice.response(200, 'INVITE'));
      await bob.request('ACK');
      if (round === 0) {
        wire.cut();
        await waitUntil(() => delegates[0]?.ends.length === 1, 'the call has ended');
        countersWhenLost = stack.gateway.counters();
      } else {
        a.send('BYE');
        await alice.response(200, 'BYE');
        const bye = await bob.next(
          message => message.method === 'BYE' && message.get('call-id') === invite.get('call-id'),
          'BYE',
        );
        bob.reply(bye, '200 OK');
      }
    }
    await waitUntil(() => delegates[1]?.ends.length === 1, 'the second call has ended');
    expect(countersWhenLost).toEqual({ calls: 0, pendingRequests: 0, dialogs: 0 });
    expect(delegates.map(each => each.ends[0]?.cause)).toEqual(['engine-lost', 'bye']);
    await stack.close();
    await wire.close();
    await alice.close();
    await bob.close();
  });

  it('closed while the next hop has answered neither INVITE nor CANCEL leaves no timer that keeps the process', async () => {
    const clock = new CountingClock();
    const stack = stackOn({}, clock);
    const alice = await RawSipPeer.open('alice');
    const bob = await RawSipPeer.open('bob');
    const delegate = new RecordingDelegate();
    stack.gateway.onCall(call => {
      // Longer than the test may take.
      const target = { requestUri: bob.uri, nextHop: null, answerTimeoutMs: 60_000 };
      call.connect({ targets: [target], srtpOnly: 'reject', calleeTrusted: false }, delegate);
    });
    await stack.connect();
    const a = new RawDialog(alice, engine.sipPort, {
      remoteUri: `sip:bob@127.0.0.1:${engine.sipPort}`,
    });
    a.invite({ body: sdp(10_000) });
    bob.reply(await bob.request('INVITE'), '180 Ringing');
    await alice.response(180, 'INVITE');
    a.send('CANCEL');
    a.acknowledgeFailure(await alice.response(487, 'INVITE'));
    await bob.request('CANCEL');
    await waitUntil(() => delegate.ends.length === 1, 'the call has ended');
    expect(stack.gateway.counters().pendingRequests).toBeGreaterThan(0);

    await stack.close();
    await waitUntil(() => clock.running === 0, 'no timer runs');
    expect(stack.gateway.counters()).toEqual({ calls: 0, pendingRequests: 0, dialogs: 0 });
    await alice.close();
    await bob.close();
  });

  it('draining refuses new calls with 503 and Retry-After', async () => {
    const stack = stackOn({});
    stack.gateway.onCall(call => call.reject(500));
    await stack.connect();
    stack.gateway.drain(17);
    const alice = await RawSipPeer.open('alice');
    const a = new RawDialog(alice, engine.sipPort, {
      remoteUri: `sip:bob@127.0.0.1:${engine.sipPort}`,
    });
    a.invite({ body: sdp(10_000) });
    const refused = await alice.response(503, 'INVITE');
    a.acknowledgeFailure(refused);
    expect(refused.get('retry-after')).toBe('17');
    await stack.close();
    await alice.close();
  });
});
