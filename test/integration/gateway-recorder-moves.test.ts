import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { hangUp, placeCall, withBench } from '../support/gateway-bench';
import { RawDialog, RawSipPeer } from '../support/raw-sip-peer';
import { waitUntil } from '../support/wait-until';

/** Where a recorder takes RTP, and how much of it has come. */
class Sink {
  packets = 0;
  readonly #socket: Socket = createSocket('udp4');

  static async open(): Promise<Sink> {
    const sink = new Sink();
    sink.#socket.on('message', bytes => {
      // Version 2, and no RTCP.
      sink.packets += (bytes[0]! & 0xc0) === 0x80 && bytes[1]! < 200 ? 1 : 0;
    });
    sink.#socket.bind(0, '127.0.0.1');
    await once(sink.#socket, 'listening');
    return sink;
  }

  get port(): number {
    return this.#socket.address().port;
  }

  close(): void {
    this.#socket.close();
  }
}

let version = 1;

function answer(sinks: readonly Sink[], direction: string): string {
  return [
    'v=0',
    `o=srs 1 ${version++} IN IP4 127.0.0.1`,
    's=-',
    'c=IN IP4 127.0.0.1',
    't=0 0',
    ...sinks.flatMap(({ port }, at) => [
      `m=audio ${port} RTP/AVP 0 8`,
      `a=label:${at + 1}`,
      `a=${direction}`,
    ]),
    '',
  ].join('\r\n');
}

jest.setTimeout(90_000);

describe('a recorder that moves by re-INVITE', () => {
  test('gets the media at its new address, none while it is inactive, and all of it when it receives again', async () => {
    const srs = await RawSipPeer.open('srs');
    const first = await Promise.all([Sink.open(), Sink.open()]);
    const second = await Promise.all([Sink.open(), Sink.open()]);
    try {
      const targets = (): readonly string[] => [`${srs.uri};transport=tcp`];
      await withBench({ targets }, async bench => {
        const caller = await bench.phone('caller', 'alice');
        const callee = await bench.phone('callee', 'bob');
        const call = await placeCall(bench, caller, callee);
        const { port } = bench.gateway.listeners[0]!;
        const invite = await srs.request('INVITE');
        srs.reply(invite, '200 OK', {
          body: answer(first, 'recvonly'),
          headers: { Contact: `<${srs.uri};transport=tcp>;+sip.srs` },
        });
        await srs.request('ACK');
        const dialog = RawDialog.ofInvite(srs, port, invite);
        const moves = async (sinks: readonly Sink[], direction: string): Promise<void> => {
          dialog.invite({ body: answer(sinks, direction) });
          const ok = await srs.response(200, 'INVITE');
          expect(ok.body).toContain(direction === 'inactive' ? 'a=inactive' : 'a=sendonly');
          dialog.acknowledge(ok);
        };
        const hasCome = (sinks: readonly Sink[], what: string): Promise<void> => {
          const before = sinks.map(({ packets }) => packets);
          return waitUntil(
            () => sinks.every(({ packets }, at) => packets > before[at]! + 10),
            what,
          );
        };
        await hasCome(first, 'media at the first address');

        await moves(second, 'recvonly');
        await hasCome(second, 'media at the second address');
        const atFirst = first.map(({ packets }) => packets);

        await moves(second, 'inactive');
        const { packets } = call.incoming.statistics().received[0]!;
        const atSecond = second.map(({ packets: count }) => count);
        const heard = (count: number): Promise<void> =>
          call.incoming.until(
            () => call.incoming.statistics().received[0]!.packets > packets + count,
            30_000,
            'the call goes on',
          );
        await heard(50);
        // One that was on its way when the answer went out may still come.
        for (const [at, sink] of second.entries()) {
          expect(sink.packets).toBeLessThanOrEqual(atSecond[at]! + 3);
        }

        await moves(second, 'recvonly');
        // What was said meanwhile comes now, faster than it was said.
        await waitUntil(
          () => second.every(({ packets: count }, at) => count > atSecond[at]! + 60),
          'what was said meanwhile',
        );
        expect(first.map(({ packets: count }) => count)).toEqual(atFirst);

        await hangUp(call);
        srs.reply(await srs.request('BYE'), '200 OK');
        expect(await bench.waitForLedger(1)).toMatchObject([{ verdict: 'recorded' }]);
      });
    } finally {
      [...first, ...second].forEach(sink => sink.close());
      await srs.close();
    }
  });
});
