import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';

import {
  type GatewayBench,
  hangUp,
  openGatewayBench,
  placeCall,
  talkFor,
} from '../support/gateway-bench';
import { waitUntil } from '../support/wait-until';

const SDP = [
  'v=0',
  'o=- 1 1 IN IP4 127.0.0.1',
  's=-',
  'c=IN IP4 127.0.0.1',
  't=0 0',
  'm=audio 40000 RTP/AVP 0',
  '',
].join('\r\n');

/** A hostile UDP peer: sends text as it is and keeps what comes back. */
class Attacker {
  readonly answers: string[] = [];
  readonly #socket: Socket;
  readonly #gatewayPort: number;

  private constructor(socket: Socket, gatewayPort: number) {
    this.#socket = socket;
    this.#gatewayPort = gatewayPort;
    socket.on('message', message => this.answers.push(message.toString()));
  }

  static async open(gatewayPort: number): Promise<Attacker> {
    const socket = createSocket('udp4');
    socket.bind(0, '127.0.0.1');
    await once(socket, 'listening');
    return new Attacker(socket, gatewayPort);
  }

  get port(): number {
    return this.#socket.address().port;
  }

  send(text: string): void {
    this.#socket.send(text, this.#gatewayPort, '127.0.0.1');
  }

  /** A request with sound headers and a body of our making. */
  request(method: string, callId: string, body = '', more: readonly string[] = []): string {
    return [
      `${method} sip:bob@127.0.0.1:${this.#gatewayPort} SIP/2.0`,
      `Via: SIP/2.0/UDP 127.0.0.1:${this.port};branch=z9hG4bK${callId}-${method};rport`,
      'Max-Forwards: 70',
      'From: <sip:mallory@127.0.0.1>;tag=m1',
      'To: <sip:bob@127.0.0.1>',
      `Call-ID: ${callId}`,
      `CSeq: 1 ${method}`,
      `Contact: <sip:mallory@127.0.0.1:${this.port}>`,
      ...more,
      ...(body === '' ? [] : ['Content-Type: application/sdp']),
      `Content-Length: ${body.length}`,
      '',
      body,
    ].join('\r\n');
  }

  /** The final status that came for a Call-ID. */
  async statusOf(callId: string): Promise<number> {
    const finals = (): number[] =>
      this.answers
        .filter(answer => answer.includes(`Call-ID: ${callId}\r\n`))
        .map(answer => Number(/^SIP\/2\.0 (\d{3})/.exec(answer)?.[1]))
        .filter(status => status >= 200);
    await waitUntil(() => finals().length > 0, `an answer for ${callId}`, 5_000);
    return finals()[0]!;
  }

  close(): void {
    this.#socket.close();
  }
}

describe('bad input', () => {
  let bench: GatewayBench;
  let attacker: Attacker;

  beforeAll(async () => {
    bench = await openGatewayBench();
    const port = Number(/:(\d+);/.exec(bench.uri('x'))?.[1]);
    attacker = await Attacker.open(port);
  });

  // Whatever was sent: the next call is recorded as if nothing had been, and nothing stays open.
  afterEach(async () => {
    const before = bench.ledger().length;
    const caller = await bench.phone('caller', 'alice');
    const callee = await bench.phone('callee', 'bob');
    const call = await placeCall(bench, caller, callee);
    await talkFor(call, 20);
    await hangUp(call);
    const ledger = await bench.waitForLedger(before + 1);
    expect(ledger.at(-1)).toMatchObject({ verdict: 'recorded' });
    await bench.expectNothingOpen(20_000);
  });

  afterAll(async () => {
    attacker.close();
    await bench.close();
  });

  test.each([
    ['noise', '\u0000\u0001\u0002\u00ff'.repeat(100)],
    ['an empty datagram of spaces', '   '],
    ['a request line without a version', 'INVITE sip:bob@127.0.0.1\r\n\r\n'],
    ['an unknown protocol version', 'INVITE sip:bob@127.0.0.1 SIP/7.0\r\nVia: x\r\n\r\n'],
    ['headers without end', `INVITE sip:bob@127.0.0.1 SIP/2.0\r\n${'X: y\r\n'.repeat(5000)}`],
  ])('is survived: %s', async (_, text) => {
    attacker.send(text);
    attacker.send(attacker.request('OPTIONS', `after-${text.length}`));
    expect(await attacker.statusOf(`after-${text.length}`)).toBe(200);
  });

  test.each([
    ['SDP without c=', SDP.replace('c=IN IP4 127.0.0.1\r\n', '')],
    ['an m-line without a port', SDP.replace('m=audio 40000', 'm=audio')],
    ['an m-line with a port beyond 65535', SDP.replace('40000', '99999')],
    ['SDP that is none', 'hello'],
    [
      'SDP with an address that is none',
      SDP.replace('c=IN IP4 127.0.0.1', 'c=IN IP4 not-an-address'),
    ],
  ])('%s in an INVITE is refused with a clear 4xx', async (name, body) => {
    const callId = `sdp-${name.replace(/[^a-z]/gi, '')}`;
    attacker.send(attacker.request('INVITE', callId, body));
    const status = await attacker.statusOf(callId);
    expect([400, 488]).toContain(status);
    attacker.send(attacker.request('ACK', callId));
  });

  test('a BYE, a CANCEL and an INFO for nothing are answered 481', async () => {
    for (const method of ['BYE', 'CANCEL']) {
      attacker.send(attacker.request(method, `nothing-${method}`));
      expect(await attacker.statusOf(`nothing-${method}`)).toBe(481);
    }
    attacker.send(
      attacker
        .request('INFO', 'nothing-INFO')
        .replace('To: <sip:bob@127.0.0.1>', 'To: <sip:bob@127.0.0.1>;tag=unknown'),
    );
    expect(await attacker.statusOf('nothing-INFO')).toBe(481);
  });

  test('100 INVITEs with the same Call-ID leave nothing behind', async () => {
    const callee = await bench.phone('callee', 'bob');
    callee.onIncoming(incoming => incoming.reject(486));
    for (let n = 0; n < 100; n += 1) {
      attacker.send(
        attacker.request('INVITE', 'same', SDP).replace('branch=z9hG4bK', `branch=z9hG4bK${n}-`),
      );
    }
    await waitUntil(
      () =>
        attacker.answers.filter(answer => /^SIP\/2\.0 [45]\d\d[^]*Call-ID: same\r\n/.test(answer))
          .length >= 100,
      'an answer to each',
      10_000,
    );
    await callee.close();
  });

  test('a CANCEL after the 200 changes nothing', async () => {
    const caller = await bench.phone('caller', 'alice');
    const callee = await bench.phone('callee', 'bob');
    const call = await placeCall(bench, caller, callee);
    attacker.send(
      attacker.request('CANCEL', call.outgoing.callId).replace('z9hG4bK', 'z9hG4bKother'),
    );
    expect(await attacker.statusOf(call.outgoing.callId)).toBe(481);
    await talkFor(call, 20);
    expect(call.outgoing.state).toBe('answered');
    await hangUp(call);
    await bench.waitForLedger(bench.ledger().length);
  });

  test('RTP of 3 bytes, of 9000 bytes, of a wrong version and of an unknown payload type hurts nobody', async () => {
    const caller = await bench.phone('caller', 'alice');
    const callee = await bench.phone('callee', 'bob');
    const call = await placeCall(bench, caller, callee);
    await talkFor(call, 10);
    const { port } = call.outgoing.remoteSdp!.media[0]!;
    const before = (await bench.gateway.counters()).media;
    const stranger = createSocket('udp4');
    const good = Buffer.from('8000000100000001000000010000000000000000', 'hex');
    const wrongVersion = Buffer.from(good);
    wrongVersion[0] = 0x00;
    const unknownType = Buffer.from(good);
    unknownType[1] = 77;
    for (const packet of [
      Buffer.alloc(3),
      Buffer.alloc(9000, 0x80),
      wrongVersion,
      unknownType,
      good,
    ]) {
      stranger.send(packet, port, '127.0.0.1');
    }
    await waitUntil(async () => {
      const { malformed, rejectedSource } = (await bench.gateway.counters()).media;
      return malformed - before.malformed >= 3 && rejectedSource - before.rejectedSource >= 2;
    }, 'all five are counted');
    stranger.close();
    await talkFor(call, 40);
    for (const side of [call.outgoing, call.incoming]) {
      expect(side.statistics().received.map(({ lost }) => lost)).toEqual([0]);
      expect(side.statistics().unusable).toBe(0);
    }
    await hangUp(call);
  });
});
