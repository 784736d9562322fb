import { PCMU } from '#core';
import {
  type MediaCall,
  type MediaCallEvents,
  type MediaLeg,
  type MediaPlane,
  type MediaPlaneOptions,
  type MediaRecording,
  type ReceiverReport,
} from '#media';
import { waitUntil } from '../support/wait-until';
import { writeCompound } from '../../media/rtcp/build';
import {
  DTMF,
  eventually,
  firstCall,
  inForce,
  isRtcp,
  openPlane,
  parse,
  rtp,
  steps,
  thrownCode,
  UdpPeer,
} from './media-support';

interface Srs {
  readonly rtp: UdpPeer;
  readonly rtcp: UdpPeer;
}

interface Scene {
  readonly call: MediaCall;
  readonly a: UdpPeer;
  readonly b: UdpPeer;
  readonly legA: MediaLeg;
  readonly legB: MediaLeg;
  readonly recording: MediaRecording;
  /** Where the SRS takes label 1 and label 2. */
  readonly srs: readonly [Srs, Srs];
}

function payloads(packets: readonly Buffer[]): string[] {
  return packets.map(packet => packet.subarray(12).toString('hex'));
}

/** Waits until a stream has sent so many packets: the SRS may see a packet before it is counted. */
function sentReach(recording: MediaRecording, stream: number, count: number): Promise<void> {
  return eventually(
    () => recording.report().streams[stream]?.packetsSent === count,
    `${count} packets sent`,
  );
}

describe.each(['linux', 'dgram'] as const)('recordings on %s', backend => {
  let plane: MediaPlane;
  let peers: UdpPeer[] = [];

  afterEach(async () => {
    peers.forEach(peer => peer.close());
    peers = [];
    await plane.close();
  });

  async function scene(
    options: Partial<MediaPlaneOptions> = {},
    events: MediaCallEvents = {},
    gateOpen = true,
  ): Promise<Scene> {
    plane = await openPlane(backend, options);
    const a = await UdpPeer.open();
    const b = await UdpPeer.open();
    const srs = [await UdpPeer.openPair(), await UdpPeer.openPair()] as const;
    peers.push(a, b, ...srs.flatMap(pair => [pair.rtp, pair.rtcp]));
    const call = plane.openCall({ callId: 'call' }, events);
    const legA = await call.openLeg({ legId: 'a', network: 'lo' });
    const legB = await call.openLeg({ legId: 'b', network: 'lo' });
    legA.setRemote(a.remote({ formats: [PCMU, DTMF] }));
    legB.setRemote(b.remote({ formats: [PCMU, DTMF] }));
    call.connect('a', 'b');
    const recording = await call.openRecording({
      recordingId: 'r',
      network: 'lo',
      gateOpen,
      streams: [
        { label: '1', sourceLegId: 'a', formats: [PCMU, DTMF] },
        { label: '2', sourceLegId: 'b', formats: [PCMU, DTMF] },
      ],
    });
    return { call, a, b, legA, legB, recording, srs };
  }

  function answer({ recording, srs }: Scene, formats = [PCMU, DTMF]): void {
    recording.setRemotes(srs.map(pair => pair.rtp.remote({ sends: false, formats })));
  }

  test('what each leg sends reaches its stream bit for bit, in order, under our SSRC', async () => {
    const all = await scene();
    answer(all);
    for (let i = 0; i < 50; i++) {
      all.a.send(rtp(65_520 + i, { ssrc: 1 }), all.legA.local.rtp);
      all.b.send(rtp(i * 3, { ssrc: 2, timestamp: i * 160 }), all.legB.local.rtp);
    }
    const first = await all.srs[0].rtp.packetsReach(50);
    const second = await all.srs[1].rtp.packetsReach(50);
    expect(payloads(first)).toEqual(
      payloads(Array.from({ length: 50 }, (_, i) => rtp(65_520 + i))),
    );
    expect(payloads(second)).toEqual(payloads(Array.from({ length: 50 }, (_, i) => rtp(i * 3))));
    expect(new Set(steps(first))).toEqual(new Set([1]));
    // The talker of label 2 lost two packets of three: the recorder must see that.
    expect(new Set(steps(second))).toEqual(new Set([3]));
    const [one, two] = all.recording.streams;
    expect(new Set(first.map(packet => parse(packet).ssrc))).toEqual(new Set([one?.ssrc]));
    expect(new Set(second.map(packet => parse(packet).ssrc))).toEqual(new Set([two?.ssrc]));
    // Both legs heard each other all the same.
    await all.a.packetsReach(50);
    await all.b.packetsReach(50);
    await sentReach(all.recording, 0, 50);
    await sentReach(all.recording, 1, 50);
    const [report] = all.recording.report().streams;
    expect(report).toMatchObject({
      label: '1',
      packetsCaptured: 50,
      packetsSent: 50,
      bytesSent: 50 * 172,
      packetsPending: 0,
    });
    expect(Math.abs((report?.firstPacketAtMs ?? 0) - Date.now())).toBeLessThan(60_000);
    expect(plane.counters()).toMatchObject({ packetsForked: 100, openRecordings: 1 });
  });

  test('nothing is lost before a late answer, and catching up runs in lockstep at most three times real time', async () => {
    const all = await scene();
    const spokenMs = 1000;
    const startMs = performance.now();
    let sent = 0;
    const speak = (): void => {
      // As a phone would: one packet per 20 ms of time that has passed.
      for (; sent * 20 <= performance.now() - startMs; sent++) {
        all.a.send(rtp(sent), all.legA.local.rtp);
        all.b.send(rtp(sent), all.legB.local.rtp);
      }
    };
    const speaker = setInterval(speak, 5);
    try {
      await eventually(() => performance.now() - startMs >= spokenMs, 'a second was spoken');
      answer(all);
      const caughtUp = (): boolean =>
        sent > 60 && all.recording.report().streams.every(stream => stream.packetsPending === 0);
      await eventually(caughtUp, 'the recording has caught up');
    } finally {
      clearInterval(speaker);
    }
    for (const pair of all.srs) {
      const packets = await pair.rtp.packetsReach(sent);
      expect(payloads(packets)).toEqual(payloads(Array.from({ length: sent }, (_, i) => rtp(i))));
      expect(new Set(steps(packets))).toEqual(new Set([1]));
    }
    expectPaced(all.srs[0].rtp);
    expectLockstep(all.srs);
  });

  /** No more than three times real time from the first packet on, with room for one burst of the scheduler. */
  function expectPaced(peer: UdpPeer): void {
    const arrivals = peer.received.filter(({ packet }) => !isRtcp(packet));
    const [first] = arrivals;
    const tooFast = arrivals.filter(({ packet, atMs }, i) => {
      const mediaMs = i * 20;
      return first !== undefined && mediaMs > 3 * (atMs - first.atMs) + 150 && packet.length > 0;
    });
    expect(tooFast).toHaveLength(0);
  }

  /** At every arrival the two streams are close in media time. */
  function expectLockstep(srs: Scene['srs']): void {
    const marks = srs
      .flatMap((pair, stream) =>
        pair.rtp.received
          .filter(({ packet }) => !isRtcp(packet))
          .map(({ atMs }) => ({ atMs, stream })),
      )
      .sort((x, y) => x.atMs - y.atMs);
    const counts = [0, 0];
    let apart = 0;
    for (const { stream } of marks) {
      counts[stream] = (counts[stream] ?? 0) + 1;
      apart = Math.max(apart, Math.abs((counts[0] ?? 0) - (counts[1] ?? 0)));
    }
    // A reader takes up to 32 datagrams of one socket before it looks at the other.
    expect(apart).toBeLessThanOrEqual(32);
  }

  test('while the gate is shut nothing is captured, and afterwards numbers go on while time has passed', async () => {
    const all = await scene();
    answer(all);
    const { recording, a, legA } = all;
    const [{ rtp: sink }] = all.srs;
    a.send(rtp(1), legA.local.rtp);
    await sink.packetsReach(1);
    const shutAtMs = await recording.setGate(false);
    expect(Math.abs(shutAtMs - Date.now())).toBeLessThan(60_000);
    for (let i = 2; i < 12; i++) {
      a.send(rtp(i), legA.local.rtp);
    }
    await eventually(() => legA.counters().packetsReceived === 11, 'the paused packets');
    const pausedAtMs = performance.now();
    await eventually(() => performance.now() - pausedAtMs >= 200, 'the pause has lasted');
    await recording.setGate(true);
    a.send(rtp(12), legA.local.rtp);
    const packets = await sink.packetsReach(2);
    expect(payloads(packets)).toEqual(payloads([rtp(1), rtp(12)]));
    expect(steps(packets)).toEqual([1]);
    const [before, after] = packets.map(packet => parse(packet).timestamp);
    const passedMs = (((after ?? 0) - (before ?? 0)) >>> 0) / 8;
    expect(passedMs).toBeGreaterThanOrEqual(200);
    expect(passedMs).toBeLessThan(8000);
    await sentReach(recording, 0, 2);
    expect(recording.report().streams[0]).toMatchObject({ packetsCaptured: 2 });
  });

  test('a recording that begins with the gate shut captures nothing until it opens', async () => {
    const all = await scene({}, {}, false);
    answer(all);
    all.a.send(rtp(1), all.legA.local.rtp);
    await all.b.packetsReach(1);
    await all.recording.setGate(true);
    all.a.send(rtp(2), all.legA.local.rtp);
    expect(payloads(await all.srs[0].rtp.packetsReach(1))).toEqual(payloads([rtp(2)]));
  });

  test('rules that a recording is opened with hold from its first packet on', async () => {
    const all = await scene();
    const strict = await all.call.openRecording({
      recordingId: 'strict',
      network: 'lo',
      gateOpen: true,
      streams: [
        {
          label: '1',
          sourceLegId: 'a',
          formats: [PCMU, DTMF],
          rules: { keep: null, transcodeTo: null, dtmf: 'drop', comfortNoise: 'pass' },
        },
      ],
    });
    all.a.send(rtp(1, { ssrc: 1, payloadType: DTMF.payloadType }), all.legA.local.rtp);
    all.a.send(rtp(2, { ssrc: 1 }), all.legA.local.rtp);
    await waitUntil(
      () => all.recording.report().streams[0]?.packetsCaptured === 2,
      'the recording without rules has captured both',
    );
    // The worker counts one recording after the other: it has counted both when it carries out the next command.
    await inForce(all.call);
    expect(strict.report().streams[0]?.packetsCaptured).toBe(1);
  });

  test('another SSRC and another source leg continue the stream', async () => {
    const all = await scene();
    answer(all);
    const { recording, a, b, legA, legB, call } = all;
    a.send(rtp(10, { ssrc: 1 }), legA.local.rtp);
    a.send(rtp(11, { ssrc: 1 }), legA.local.rtp);
    a.send(rtp(5000, { ssrc: 7, timestamp: 99 }), legA.local.rtp);
    await all.srs[0].rtp.packetsReach(3);
    recording.setSource('1', 'b', [PCMU]);
    await inForce(call);
    b.send(rtp(40_000, { ssrc: 8, timestamp: 4_000_000_000 }), legB.local.rtp);
    a.send(rtp(5001, { ssrc: 7 }), legA.local.rtp);
    const packets = await all.srs[0].rtp.packetsReach(4);
    await eventually(() => legA.counters().packetsReceived === 4, 'the packet of the old source');
    expect(steps(packets)).toEqual([1, 1, 1]);
    expect(new Set(packets.map(packet => parse(packet).ssrc)).size).toBe(1);
    const [first, , , last] = packets.map(packet => parse(packet).timestamp);
    expect(((last ?? 0) - (first ?? 0)) >>> 0).toBeLessThan(8 * 8000);
    expect(all.srs[0].rtp.packets).toHaveLength(4);
    expect(thrownCode(() => recording.setSource('9', 'b', []))).toBe(
      'REC_ERR_MEDIA_UNKNOWN_STREAM',
    );
  });

  test('what the ring cannot hold is counted as overflowed, and the newest survives', async () => {
    const all = await scene({ ringBytes: 10_000 });
    const ringHolds = Math.floor(10_000 / 192);
    for (let i = 0; i < 100; i++) {
      all.a.send(rtp(i), all.legA.local.rtp);
    }
    await all.b.packetsReach(100);
    const overflowed = (): number => all.recording.report().streams[0]?.packetsOverflowed ?? 0;
    await eventually(() => all.recording.report().streams[0]?.packetsCaptured === 100, 'captured');
    expect(overflowed()).toBeGreaterThanOrEqual(100 - ringHolds);
    const survivors = 100 - overflowed();
    expect(all.recording.report().streams[0]?.packetsPending).toBe(survivors);
    answer(all);
    const packets = await all.srs[0].rtp.packetsReach(survivors);
    expect(payloads(packets)).toEqual(
      payloads(Array.from({ length: survivors }, (_, i) => rtp(100 - survivors + i))),
    );
    expect(plane.counters().recordingOverflow).toBe(overflowed());
  });

  test('formats that the SRS did not accept are counted, not sent, and leave no gap', async () => {
    const all = await scene();
    answer(all, [PCMU]);
    for (let i = 0; i < 6; i++) {
      all.a.send(rtp(i, { payloadType: i === 2 || i === 3 ? 101 : 0 }), all.legA.local.rtp);
    }
    const packets = await all.srs[0].rtp.packetsReach(4);
    expect(packets.map(packet => parse(packet).payloadType)).toEqual([0, 0, 0, 0]);
    expect(steps(packets)).toEqual([1, 1, 1]);
    await all.b.packetsReach(6);
    await sentReach(all.recording, 0, 4);
    expect(all.recording.report().streams[0]).toMatchObject({
      packetsCaptured: 6,
      packetsSent: 4,
      packetsUnaccepted: 2,
    });
  });

  test('a refused stream is dropped while the other one is recorded', async () => {
    const all = await scene();
    all.a.send(rtp(1), all.legA.local.rtp);
    all.b.send(rtp(1), all.legB.local.rtp);
    await eventually(
      () => all.recording.report().streams.every(stream => stream.packetsPending === 1),
      'one packet waits in each ring',
    );
    all.recording.setRemotes([all.srs[0].rtp.remote(), null]);
    await all.srs[0].rtp.packetsReach(1);
    expect(all.recording.report().streams[1]).toMatchObject({
      packetsPending: 0,
      packetsUnaccepted: 1,
      packetsSent: 0,
    });
  });

  test('an SRS that does not receive yet keeps the ring waiting', async () => {
    const all = await scene();
    all.recording.setRemotes(all.srs.map(pair => pair.rtp.remote({ receives: false })));
    all.a.send(rtp(1), all.legA.local.rtp);
    await eventually(() => all.recording.report().streams[0]?.packetsPending === 1, 'it waits');
    answer(all);
    expect(await all.srs[0].rtp.packetsReach(1)).toHaveLength(1);
  });

  test('the SRS gets SR with CNAME soon after the first packet, its RR is told, and BYE ends the stream', async () => {
    const told = firstCall<[string, string, ReceiverReport]>('receiverReport');
    const all = await scene({}, { receiverReport: told.handler });
    answer(all);
    const [one] = all.recording.streams;
    const [{ rtcp }] = all.srs;
    all.a.send(rtp(1), all.legA.local.rtp);
    const [captured] = await all.srs[0].rtp.packetsReach(1);
    const [sr] = await rtcp.reportsReach(1);
    expect(sr?.readUInt8(1)).toBe(200);
    expect(sr?.readUInt32BE(4)).toBe(one?.ssrc);
    const ntpMs = ((sr?.readUInt32BE(8) ?? 0) - 2_208_988_800) * 1000;
    expect(Math.abs(ntpMs - Date.now())).toBeLessThan(10_000);
    const ahead = ((sr?.readUInt32BE(16) ?? 0) - parse(captured ?? Buffer.alloc(12)).timestamp) | 0;
    expect(ahead).toBeGreaterThanOrEqual(0);
    expect(ahead).toBeLessThan(8000 * 8);
    expect(sr?.readUInt32BE(20)).toBe(1);
    expect(sr?.readUInt32BE(24)).toBe(160);
    expect(sr?.subarray(28).includes(Buffer.from(one?.cname ?? 'none'))).toBe(true);

    rtcp.send(receiverReport(one?.ssrc ?? 0), one?.local.rtcp ?? { host: '', port: 0 });
    const report = { fractionLost: 0.25, packetsLost: -2, jitterMs: 10 };
    expect(await told.called).toEqual(['r', '1', report]);
    expect(all.recording.report().streams[0]?.lastReceiverReport).toEqual(report);

    await all.recording.close({ drainMs: 1000 });
    const reports = await rtcp.reportsReach(2);
    const last = reports.at(-1) ?? Buffer.alloc(8);
    expect(last.subarray(-8)).toEqual(
      Buffer.concat([Buffer.from([0x81, 203, 0, 1]), last.subarray(4, 8)]),
    );
  });

  function receiverReport(ssrc: number): Buffer {
    const bytes = Buffer.alloc(512);
    const length = writeCompound(new DataView(bytes.buffer, bytes.byteOffset), 0, {
      ssrc: 77,
      sender: null,
      block: {
        ssrc,
        fractionLost: 64,
        packetsLost: -2,
        extendedHighest: 1,
        jitter: 80,
        lastSenderReport: 0,
        delaySinceLastSenderReport: 0,
      },
      cname: Buffer.from('srs'),
      bye: false,
    });
    return bytes.subarray(0, length);
  }

  test('with rtcp-mux the SRS hears and is heard on the RTP port', async () => {
    const told = firstCall<[string, string, ReceiverReport]>('receiverReport');
    const all = await scene({}, { receiverReport: told.handler });
    all.recording.setRemotes(all.srs.map(pair => pair.rtp.remote({ rtcpMux: true })));
    all.a.send(rtp(1), all.legA.local.rtp);
    const [{ rtp: sink, rtcp }] = all.srs;
    const [sr] = await sink.reportsReach(1);
    expect(sr?.readUInt8(1)).toBe(200);
    const [one] = all.recording.streams;
    sink.send(receiverReport(one?.ssrc ?? 0), one?.local.rtp ?? { host: '', port: 0 });
    expect((await told.called)[1]).toBe('1');
    expect(rtcp.received).toHaveLength(0);
  });

  test('legs get SR and RR, on their own port or muxed', async () => {
    const all = await scene();
    const pair = await UdpPeer.openPair();
    peers.push(pair.rtp, pair.rtcp);
    all.legA.setRemote(pair.rtp.remote());
    all.legB.setRemote(all.b.remote({ rtcpMux: true }));
    await inForce(all.call);
    for (let i = 0; i < 10; i++) {
      pair.rtp.send(rtp(i * 2, { ssrc: 5 }), all.legA.local.rtp);
      all.b.send(rtp(i, { ssrc: 6 }), all.legB.local.rtp);
    }
    const [toA] = await pair.rtcp.reportsReach(1);
    const [toB] = await all.b.reportsReach(1);
    for (const [report, heard, source, lost] of [
      [toA, pair.rtp, 5, 9],
      [toB, all.b, 6, 0],
    ] as const) {
      expect(report?.subarray(0, 2)).toEqual(Buffer.from([0x81, 200]));
      expect(report?.readUInt32BE(4)).toBe(parse(heard.packets[0] ?? Buffer.alloc(12)).ssrc);
      expect(report?.readUInt32BE(20)).toBe(10);
      expect(report?.readUInt32BE(28)).toBe(source);
      expect((report?.readUInt32BE(32) ?? 0) & 0xff_ffff).toBe(lost);
    }
    expect(pair.rtp.reports).toHaveLength(0);
  });

  test('a recorder that is not there is reported by ICMP, and the call goes on', async () => {
    const unreachable = firstCall<[string, string]>('recordingUnreachable');
    const all = await scene({}, { recordingUnreachable: unreachable.handler });
    const gone = await UdpPeer.openPair();
    all.recording.setRemotes([gone.rtp.remote(), null]);
    gone.rtp.close();
    gone.rtcp.close();
    await inForce(all.call);
    for (let i = 0; i < 20; i++) {
      all.a.send(rtp(i), all.legA.local.rtp);
    }
    expect(await unreachable.called).toEqual(['r', '1']);
    await all.b.packetsReach(20);
  });

  test('closing sends what waits, for a bounded time, even when the answer comes only then', async () => {
    const all = await scene();
    for (let i = 0; i < 5; i++) {
      all.a.send(rtp(i), all.legA.local.rtp);
    }
    await eventually(() => all.recording.report().streams[0]?.packetsPending === 5, 'five wait');
    const closing = all.recording.close({ drainMs: 5000 });
    answer(all);
    const final = await closing;
    expect(final.streams[0]).toMatchObject({ packetsSent: 5, packetsPending: 0 });
    expect(await all.srs[0].rtp.packetsReach(5)).toHaveLength(5);
    expect(await all.recording.close({ drainMs: 0 })).toEqual(final);
    await expect(all.recording.setGate(true)).rejects.toMatchObject({
      code: 'REC_ERR_MEDIA_CLOSED',
    });
    expect(plane.counters().openRecordings).toBe(0);
  });

  test('closing without an answer gives up at the deadline and says what was not sent', async () => {
    const all = await scene();
    all.a.send(rtp(1), all.legA.local.rtp);
    await eventually(() => all.recording.report().streams[0]?.packetsPending === 1, 'one waits');
    const final = await all.recording.close({ drainMs: 50 });
    expect(final.streams[0]).toMatchObject({
      packetsCaptured: 1,
      packetsSent: 0,
      packetsPending: 1,
    });
  });
});
