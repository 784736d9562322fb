import { PCMA, PCMU } from '#core';
import { decodeG722, encodeG722, type MediaCall, type MediaLeg, type MediaRecording } from '#media';

import {
  DTMF,
  eventually,
  G722,
  inForce,
  L16,
  mediaStage,
  parse,
  rtp,
  type RtpParts,
  steps,
  timestampSteps,
  type UdpPeer,
} from './media-support';

const PACKET_MS = 20;

interface Scene {
  readonly call: MediaCall;
  readonly recording: MediaRecording;
  readonly srs: readonly [UdpPeer, UdpPeer];
  readonly legs: readonly [MediaLeg, MediaLeg];
  readonly phones: readonly [UdpPeer, UdpPeer];
}

/** Digital silence, as octets of the payload. */
const CODES: Readonly<Record<string, number>> = { PCMU: 0xff, PCMA: 0xd5, L16: 0 };

function isSilent(packet: Buffer, encoding: string): boolean {
  return packet.subarray(12).every(octet => octet === CODES[encoding]);
}

/**
 * Timestamps go on from packet to packet. Only at the first packet of silence they may jump, by as much as the phone was held
 * up before the pause; the worker's tests have the seam.
 */
function expectUnbroken(packets: readonly Buffer[], firstOfSilence: number, units: number): void {
  const inside = timestampSteps(packets);
  const [seam = units] = inside.splice(firstOfSilence - 1, 1);
  expect(seam).toBeGreaterThanOrEqual(units);
  expect(new Set(inside)).toEqual(new Set([units]));
}

describe.each(['linux', 'dgram'] as const)('pauses that are filled with silence on %s', backend => {
  const stage = mediaStage(backend);

  async function scene(format = PCMU): Promise<Scene> {
    const plane = await stage.plane();
    const phones = [await stage.peer(), await stage.peer()] as const;
    const srs = [await stage.peer(), await stage.peer()] as const;
    const call = plane.openCall({ callId: 'call' }, {});
    const legs = [
      await call.openLeg({ legId: 'a', network: 'lo' }),
      await call.openLeg({ legId: 'b', network: 'lo' }),
    ] as const;
    legs.forEach((leg, i) => leg.setRemote(phones[i]!.remote({ formats: [format, DTMF] })));
    call.connect('a', 'b');
    const recording = await call.openRecording({
      recordingId: 'r',
      network: 'lo',
      gateOpen: true,
      streams: ['a', 'b'].map((sourceLegId, i) => ({
        label: String(i + 1),
        sourceLegId,
        formats: [],
      })),
    });
    recording.setRemotes(srs.map(peer => peer.remote({ formats: [format, DTMF] })));
    await inForce(call);
    return { call, recording, srs, legs, phones };
  }

  /** Both parties talk at the pace of a phone from now on. @returns how to end it, and how many packets each has sent. */
  function talk(
    { legs, phones }: Scene,
    parts: (n: number) => Partial<RtpParts> = () => ({}),
  ): { stop: () => void; sent: () => number } {
    const startMs = performance.now();
    let sent = 0;
    const timer = setInterval(() => {
      for (; sent * PACKET_MS <= performance.now() - startMs; sent++) {
        phones.forEach((phone, i) => {
          phone.send(rtp(sent, { ssrc: i + 1, ...parts(sent) }), legs[i]!.local.rtp);
        });
      }
    }, 5);
    return { stop: () => clearInterval(timer), sent: () => sent };
  }

  async function whilePaused({ recording }: Scene, ms: number): Promise<void> {
    await recording.setGate(false, { fillsSilence: true });
    const atMs = performance.now();
    await eventually(() => performance.now() - atMs >= ms, 'the pause has lasted');
  }

  test('both streams go on, 50 packets a second, without a seam, and nothing live is among them', async () => {
    const all = await scene();
    const talking = talk(all);
    await eventually(() => talking.sent() >= 30, 'speech');
    await whilePaused(all, 1000);
    // A key that is pressed during the pause, and released after it.
    const press = (packets: number): void => {
      all.phones[0].send(
        rtp(60_000 + packets, {
          ssrc: 7,
          payloadType: 101,
          timestamp: 0,
          payload: Buffer.from([5, packets === 0 ? 10 : 0x8a, 3, 0x20]),
        }),
        all.legs[0].local.rtp,
      );
    };
    press(0);
    await all.phones[1].until(
      () => all.phones[1].packets.some(packet => parse(packet).payloadType === 101),
      'the key',
    );
    await all.recording.setGate(true);
    press(1);
    const before = talking.sent();
    await eventually(() => talking.sent() >= before + 30, 'more speech');
    talking.stop();
    await eventually(
      () => all.recording.report().streams.every(stream => stream.packetsPending === 0),
      'everything is sent',
    );
    for (const [i, sink] of all.srs.entries()) {
      const report = all.recording.report().streams[i]!;
      const packets = await sink.packetsReach(report.packetsSent);
      expect(new Set(steps(packets))).toEqual(new Set([1]));
      expect(packets.every(packet => parse(packet).payloadType === 0)).toBe(true);
      const silent = packets.map(packet => isSilent(packet, 'PCMU'));
      const [first, last] = [silent.indexOf(true), silent.lastIndexOf(true)];
      // One stretch, between speech and speech.
      expect(silent.slice(first, last + 1).every(Boolean)).toBe(true);
      expect(first).toBeGreaterThan(20);
      expect(last).toBeLessThan(silent.length - 20);
      expect(last + 1 - first).toBe(report.packetsOfSilence);
      // 1 s, and what the machine took longer; the ends are within a packet or two.
      const silentMs = sink.received[last + 1]!.atMs - sink.received[first]!.atMs;
      expect(Math.abs((last + 1 - first) * PACKET_MS - silentMs)).toBeLessThan(100);
      expect(report.packetsOfSilence).toBeGreaterThanOrEqual(48);
      // Speech, silence and speech touch, but for the resumed source's own place in time.
      expectUnbroken(packets.slice(0, last + 1), first, 160);
      const [resumed, ...speech] = timestampSteps(packets.slice(last));
      expect(new Set(speech)).toEqual(new Set([160]));
      expect(resumed).toBeGreaterThanOrEqual(160);
      expect(resumed).toBeLessThanOrEqual(10 * 160);
      expect(report.packetsCaptured + report.packetsOfSilence).toBe(report.packetsSent);
    }
  });

  test.each([
    ['PCMA', PCMA, 160, 160],
    ['L16', L16, 640, 320],
  ] as const)('the silence of %s', async (encoding, format, bytes, units) => {
    const all = await scene(format);
    const payload = Buffer.alloc(bytes, 0x5a);
    const { payloadType } = format;
    const talking = talk(all, n => ({ payloadType, payload, timestamp: n * units }));
    await eventually(() => talking.sent() >= 10, 'speech');
    await whilePaused(all, 300);
    talking.stop();
    const packets = all.srs[0].packets;
    const silent = packets.filter(packet => isSilent(packet, encoding));
    expect(silent.length).toBeGreaterThanOrEqual(13);
    expect(silent.every(packet => packet.length === 12 + bytes)).toBe(true);
    expect(silent.every(packet => parse(packet).payloadType === payloadType)).toBe(true);
    expectUnbroken(packets, packets.indexOf(silent[0]!), units);
  });

  test('the silence of G.722 is heard as such behind speech', async () => {
    const all = await scene(G722);
    const codes = encodeG722(
      Int16Array.from({ length: 320 * 200 }, (_, n) => Math.round(9000 * Math.sin(n / 4))),
    );
    const talking = talk(all, n => ({
      payloadType: 9,
      payload: Buffer.from(codes.subarray((n % 200) * 160, (n % 200) * 160 + 160)),
    }));
    await eventually(() => talking.sent() >= 20, 'speech');
    await whilePaused(all, 400);
    talking.stop();
    const heard = decodeG722(Buffer.concat(all.srs[0].packets.map(packet => packet.subarray(12))));
    const captured = all.recording.report().streams[0]!.packetsCaptured;
    const loudest = (from: number, to: number): number =>
      heard.subarray(from * 320, to * 320).reduce((most, x) => Math.max(most, Math.abs(x)), 0);
    expect(loudest(2, captured)).toBeGreaterThan(7000);
    expect(loudest(captured + 3, captured + 15)).toBeLessThan(100);
  });

  test('a stream that nothing came from is filled as well, in what the SRS wants most', async () => {
    const all = await scene();
    await whilePaused(all, 200);
    for (const sink of all.srs) {
      const packets = await sink.packetsReach(8);
      expect(packets.every(packet => isSilent(packet, 'PCMU'))).toBe(true);
      expect(new Set(timestampSteps(packets))).toEqual(new Set([160]));
    }
  });

  test('a stream that the SRS does not receive now is not filled: nothing piles up for it', async () => {
    const all = await scene();
    all.recording.setRemotes(
      all.srs.map((peer, i) => peer.remote({ formats: [PCMU, DTMF], receives: i === 0 })),
    );
    await whilePaused(all, 200);
    await all.srs[0].packetsReach(8);
    expect(all.recording.report().streams[1]).toMatchObject({
      packetsOfSilence: 0,
      packetsPending: 0,
    });
  });

  test('the next SRS gets what preceded the pause, and then silence', async () => {
    const all = await scene();
    const talking = talk(all);
    await eventually(() => talking.sent() >= 20, 'speech');
    await whilePaused(all, 300);
    const next = [await stage.peer(), await stage.peer()] as const;
    await all.recording.rewind(0);
    all.recording.setRemotes(next.map(peer => peer.remote({ formats: [PCMU, DTMF] })));
    await eventually(
      () => all.recording.report().streams.every(stream => stream.packetsOfSilence > 60),
      'the pause goes on',
    );
    talking.stop();
    for (const [i, sink] of next.entries()) {
      const packets = await sink.packetsReach(60);
      const silent = packets.map(packet => isSilent(packet, 'PCMU'));
      const first = silent.indexOf(true);
      expect(first).toBe(all.recording.report().streams[i]!.packetsCaptured);
      expect(silent.slice(first).every(Boolean)).toBe(true);
      expect(new Set(steps(packets))).toEqual(new Set([1]));
      expectUnbroken(packets, first, 160);
    }
  });

  test('a pause that is filled no longer, and a recording that closes, fall silent', async () => {
    const all = await scene();
    await whilePaused(all, 100);
    await all.recording.setGate(false);
    const sent = all.recording.report().streams[0]!.packetsOfSilence;
    expect(sent).toBeGreaterThan(0);
    const atMs = performance.now();
    await eventually(() => performance.now() - atMs >= 150, 'some time');
    expect(all.recording.report().streams[0]!.packetsOfSilence).toBe(sent);
    await all.recording.setGate(false, { fillsSilence: true });
    const final = await all.recording.close({ drainMs: 500 });
    expect(final.streams[0]).toMatchObject({ packetsPending: 0 });
  });
});
