import { type LogFields } from '#core';

import {
  type GatewayBench,
  type GatewayBenchOptions,
  openGatewayBench,
} from '../support/gateway-bench';
import { RawDialog, RawSipPeer } from '../support/raw-sip-peer';
import { waitUntil } from '../support/wait-until';
import { rtp, UdpPeer } from './media-support';

const OPUS = 96;

/** A phone that speaks Opus, and PCMU where it must. */
function opusAndPcmu(port: number, formats = `${OPUS} 0 101`): string {
  const lines = [
    'v=0',
    'o=- 1 1 IN IP4 127.0.0.1',
    's=-',
    'c=IN IP4 127.0.0.1',
    't=0 0',
    `m=audio ${port} RTP/AVP ${formats}`,
    ...(formats.includes(String(OPUS)) ? [`a=rtpmap:${OPUS} opus/48000/2`] : []),
    'a=rtpmap:101 telephone-event/8000',
  ];
  return `${lines.join('\r\n')}\r\n`;
}

/** alice, who is recorded, calls bob; both are driven by hand and send what they have agreed to. */
class OpusCall {
  bench!: GatewayBench;
  alice!: RawSipPeer;
  bob!: RawSipPeer;
  /** A recorder that takes Opus. */
  srs!: RawSipPeer;
  readonly warnings: { message: string; fields: LogFields }[] = [];
  readonly #media: UdpPeer[] = [];
  readonly #timers: NodeJS.Timeout[] = [];

  async open(
    recorder: 'reference' | 'opus',
    config: Readonly<Record<string, unknown>>,
  ): Promise<void> {
    this.alice = await RawSipPeer.open('alice');
    this.bob = await RawSipPeer.open('bob');
    this.srs = await RawSipPeer.open('srs');
    const options: GatewayBenchOptions = {
      onWarning: (message, fields) => this.warnings.push({ message, fields }),
      targets: srs => (recorder === 'opus' ? [`${this.srs.uri};transport=tcp`] : [srs.uri('tcp')]),
      route: { nextHops: [`sip:127.0.0.1:${this.bob.port}`] },
      config: {
        organisations: {
          test: {
            provider: 'lab',
            users: {
              alice: {
                identities: ['sip:alice@127.0.0.1'],
                recording: {
                  mode: 'always',
                  reminderTone: { enabled: false },
                  startStopAnnouncement: { internalCallsEnabled: true },
                },
              },
            },
          },
        },
        ...config,
      },
    };
    this.bench = await openGatewayBench(options);
  }

  /** @param answer what bob takes of the offer. @returns the offer that he got and the answer that alice got. */
  async place(
    answer: string,
    offered = `${OPUS} 0 101`,
  ): Promise<{ offer: string; answered: string; end: () => Promise<void> }> {
    const { bench, alice, bob } = this;
    const port = bench.gateway.listeners.find(({ transport }) => transport === 'udp')!.port;
    const [a, b] = [await UdpPeer.open(), await UdpPeer.open()];
    this.#media.push(a, b);
    const dialog = new RawDialog(alice, port, { remoteUri: `sip:bob@127.0.0.1:${port}` });
    dialog.invite({
      body: opusAndPcmu(a.port, offered),
      headers: { From: `<sip:alice@127.0.0.1>;tag=${dialog.localTag}` },
    });
    const invite = await bob.request('INVITE', 20_000);
    bob.reply(invite, '200 OK', { body: opusAndPcmu(b.port, answer) });
    const ok = await alice.response(200, 'INVITE', 20_000);
    dialog.acknowledge(ok);
    await bob.request('ACK', 20_000);
    const payloadType = answer.startsWith(String(OPUS)) ? OPUS : 0;
    this.#talk(a, portOf(ok.body), payloadType);
    this.#talk(b, portOf(invite.body), payloadType);
    return {
      offer: invite.body,
      answered: ok.body,
      end: async () => {
        dialog.send('BYE');
        await alice.response(200, 'BYE', 20_000);
        bob.reply(await bob.request('BYE', 20_000), '200 OK');
      },
    };
  }

  /** Takes the recording in Opus. @returns what comes in of each stream, and how to let it end. */
  async record(): Promise<{ streams: readonly UdpPeer[]; end: () => Promise<void> }> {
    const { srs } = this;
    const streams = [await UdpPeer.open(), await UdpPeer.open()];
    this.#media.push(...streams);
    const invite = await srs.request('INVITE', 20_000);
    const [session] = opusAndPcmu(0).split('m=audio');
    const media = streams.map(
      ({ port }, i) =>
        `m=audio ${port} RTP/AVP ${OPUS}\r\na=rtpmap:${OPUS} opus/48000/2\r\na=label:${i + 1}\r\na=recvonly\r\n`,
    );
    srs.reply(invite, '200 OK', { body: `${session}${media.join('')}` });
    await srs.request('ACK', 20_000);
    const end = async (): Promise<void> => srs.reply(await srs.request('BYE', 20_000), '200 OK');
    return { streams, end };
  }

  async close(): Promise<void> {
    this.#timers.forEach(timer => clearInterval(timer));
    await this.bench.close();
    this.#media.forEach(peer => peer.close());
    await Promise.all([this.alice.close(), this.bob.close(), this.srs.close()]);
  }

  #talk(from: UdpPeer, port: number, payloadType: number): void {
    let sequence = 0;
    const step = payloadType === OPUS ? 960 : 160;
    const payload = payloadType === OPUS ? { payload: Buffer.alloc(60, 0x5a) } : {};
    this.#timers.push(
      setInterval(() => {
        sequence += 1;
        const packet = rtp(sequence, { payloadType, timestamp: sequence * step, ...payload });
        from.send(packet, { host: '127.0.0.1', port });
      }, 20),
    );
  }
}

function portOf(body: string): number {
  return Number(/m=audio (\d+)/.exec(body)?.[1]);
}

describe('when notices are due and a phone would speak Opus', () => {
  let call: OpusCall;
  beforeEach(() => {
    call = new OpusCall();
  });
  afterEach(() => call.close());

  test('strip: Opus is taken out of the offer, and the notice is heard in what is left', async () => {
    await call.open('reference', {});
    const { offer, answered, end } = await call.place('0 101');
    expect(offer).toMatch(/^m=audio \d+ RTP\/AVP 0 101\r?$/m);
    expect(offer).not.toMatch(/opus/i);
    expect(answered).toMatch(/^m=audio \d+ RTP\/AVP 0 101\r?$/m);
    const recording = await call.bench.srs.waitForRecording(
      ({ view }) => (view?.metadata.details?.notices.length ?? 0) > 0,
      20_000,
    );
    await end();
    const [line] = await call.bench.waitForLedger(1);
    expect(line!.notices).toMatchObject([
      {
        kind: 'start',
        heardBy: [
          { role: 'caller', outcome: 'played' },
          { role: 'callee', outcome: 'played' },
        ],
      },
    ]);
    expect(recording.view?.metadata.details?.notices).toHaveLength(1);
    expect(call.warnings).toEqual([]);
  }, 60_000);

  test('skip-notices: Opus stays and is recorded; that nobody heard the notice is a warning and in the ledger', async () => {
    await call.open('opus', { notices: { codecs: 'skip-notices' } });
    const { offer, answered, end } = await call.place(`${OPUS} 101`);
    expect(offer).toContain(`RTP/AVP ${OPUS} 0 101`);
    expect(answered).toContain(`a=rtpmap:${OPUS} opus/48000/2`);
    const recording = await call.record();
    await Promise.all(recording.streams.map(stream => stream.packetsReach(10)));
    await waitUntil(() => call.warnings.length > 0, 'the warning', 20_000);
    await end();
    await recording.end();
    const [line] = await call.bench.waitForLedger(1);
    expect(line!.notices).toMatchObject([
      {
        kind: 'start',
        startedAt: null,
        heardBy: [
          { role: 'caller', outcome: 'codec' },
          { role: 'callee', outcome: 'codec' },
        ],
      },
    ]);
    expect(line!.streams.map(({ codec }) => codec)).toEqual(['OPUS/48000', 'OPUS/48000']);
    expect(call.warnings).toContainEqual({
      message: 'a notice was not heard',
      fields: {
        kind: 'start',
        legs: [
          { role: 'caller', outcome: 'codec' },
          { role: 'callee', outcome: 'codec' },
        ],
      },
    });
  }, 60_000);

  test('strip: an offer of Opus alone stays as it is, which is a warning and in the ledger', async () => {
    await call.open('opus', {});
    const { offer, end } = await call.place(`${OPUS} 101`, `${OPUS} 101`);
    expect(offer).toContain(`RTP/AVP ${OPUS} 101`);
    const recording = await call.record();
    await waitUntil(() => call.warnings.length > 1, 'both warnings', 20_000);
    await end();
    await recording.end();
    const [line] = await call.bench.waitForLedger(1);
    expect(line!.remarks).toContain("no codec of the caller's offer can carry notices");
    expect(call.warnings.map(({ message }) => message)).toEqual(
      expect.arrayContaining(['no codec of an offer can carry notices', 'a notice was not heard']),
    );
  }, 60_000);
});
