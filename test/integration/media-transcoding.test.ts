import { PCMA, PCMU } from '#core';
import {
  decodeG711,
  encodeG722,
  type MediaCall,
  type MediaRecording,
  type RecordingStreamRules,
} from '#media';
import {
  DTMF,
  eventually,
  G722,
  inForce,
  L16,
  mediaStage,
  parse,
  rtp,
  steps,
  timestampSteps,
  type UdpPeer,
} from './media-support';

const NOISE = { payloadType: 13, encoding: 'CN', clockRateHz: 8000, channels: 1 };
const TONE_HZ = 1000;
const AMPLITUDE = 8000;
const PACKETS = 30;

const TO_PCMU: RecordingStreamRules = {
  keep: ['PCMU'],
  transcodeTo: PCMU,
  dtmf: 'drop',
  comfortNoise: 'drop',
};

function tone(rateHz: number, samples: number): Int16Array {
  return Int16Array.from({ length: samples }, (_, n) =>
    Math.round(AMPLITUDE * Math.sin((2 * Math.PI * TONE_HZ * n) / rateHz)),
  );
}

/** The tone as G.722, in packets of 20 ms. */
function g722Packets(count = PACKETS): Buffer[] {
  const codes = encodeG722(tone(16_000, count * 320));
  return Array.from({ length: count }, (_, n) =>
    rtp(n, { payloadType: 9, payload: Buffer.from(codes.subarray(n * 160, (n + 1) * 160)) }),
  );
}

/** The tone as L16 at 16 kHz, in packets of 20 ms. */
function l16Packets(count = PACKETS): Buffer[] {
  const bytes = Buffer.from(tone(16_000, count * 320).buffer).swap16();
  return Array.from({ length: count }, (_, n) =>
    rtp(n, {
      payloadType: 97,
      timestamp: n * 320,
      payload: bytes.subarray(n * 640, (n + 1) * 640),
    }),
  );
}

/** How far the level of the tone in recorded packets is from what was sent, dB. Their beginning is left out. */
function levelErrorDb(packets: readonly Buffer[], law: 'PCMU' | 'PCMA'): number {
  const samples = decodeG711(law, Buffer.concat(packets.slice(5).map(each => each.subarray(12))));
  let re = 0;
  let im = 0;
  samples.forEach((sample, n) => {
    re += sample * Math.cos((2 * Math.PI * TONE_HZ * n) / 8000);
    im += sample * Math.sin((2 * Math.PI * TONE_HZ * n) / 8000);
  });
  return Math.abs(20 * Math.log10((2 * Math.hypot(re, im)) / samples.length / AMPLITUDE));
}

describe.each(['linux', 'dgram'] as const)('transcoding recordings on %s', backend => {
  const stage = mediaStage(backend);

  async function scene(formats: readonly (typeof PCMU)[]): Promise<{
    call: MediaCall;
    b: UdpPeer;
    srs: UdpPeer;
    recording: MediaRecording;
    send: (packets: readonly Buffer[], heard: number) => Promise<void>;
  }> {
    const plane = await stage.plane();
    const [a, b, srs] = [await stage.peer(), await stage.peer(), await stage.peer()];
    const call = plane.openCall({ callId: 'call' }, {});
    const legA = await call.openLeg({ legId: 'a', network: 'lo' });
    const legB = await call.openLeg({ legId: 'b', network: 'lo' });
    legA.setRemote(a.remote({ formats }));
    legB.setRemote(b.remote({ formats }));
    call.connect('a', 'b');
    const recording = await call.openRecording({
      recordingId: 'r',
      network: 'lo',
      gateOpen: true,
      streams: [{ label: '1', sourceLegId: 'a', formats: [] }],
    });
    const send = async (packets: readonly Buffer[], heard: number): Promise<void> => {
      packets.forEach(packet => a.send(packet, legA.local.rtp));
      await b.packetsReach(heard);
    };
    return { call, b, srs, recording, send };
  }

  it('records G.722 as PCMU: level, timestamps and numbers are right, and the call has its codec', async () => {
    const { call, b, srs, recording, send } = await scene([G722, DTMF]);
    recording.setRules('1', TO_PCMU);
    recording.setRemotes([srs.remote({ formats: [PCMU] })]);
    await inForce(call);

    await send(g722Packets(), PACKETS);
    const recorded = await srs.packetsReach(PACKETS);

    expect(b.packets.every(packet => parse(packet).payloadType === 9)).toBe(true);
    expect(recorded.every(packet => parse(packet).payloadType === 0)).toBe(true);
    expect(recorded.every(packet => packet.length === 172)).toBe(true);
    expect(new Set(recorded.map(packet => parse(packet).ssrc)).size).toBe(1);
    expect(steps(recorded)).toEqual(Array(PACKETS - 1).fill(1));
    expect(timestampSteps(recorded)).toEqual(Array(PACKETS - 1).fill(160));
    expect(levelErrorDb(recorded, 'PCMU')).toBeLessThan(0.5);
    expect(recording.report().streams[0]).toMatchObject({
      packetsTranscoded: PACKETS,
      packetsUnaccepted: 0,
      sentPayloadType: 0,
    });
  });

  it('records L16 at 16 kHz as PCMA, the law that the SRS has chosen', async () => {
    const { call, srs, recording, send } = await scene([L16]);
    recording.setRules('1', { ...TO_PCMU, keep: ['PCMU', 'PCMA'] });
    recording.setRemotes([srs.remote({ formats: [PCMA] })]);
    await inForce(call);

    await send(l16Packets(), PACKETS);
    const recorded = await srs.packetsReach(PACKETS);

    expect(recorded.every(packet => parse(packet).payloadType === 8)).toBe(true);
    expect(timestampSteps(recorded)).toEqual(Array(PACKETS - 1).fill(160));
    expect(levelErrorDb(recorded, 'PCMA')).toBeLessThan(0.5);
  });

  it('leaves key presses and comfort noise out without a gap in the numbers', async () => {
    const { call, srs, recording, send } = await scene([G722, DTMF, NOISE]);
    recording.setRules('1', TO_PCMU);
    recording.setRemotes([srs.remote({ formats: [PCMU] })]);
    await inForce(call);
    const packets = g722Packets(10);
    const event = Buffer.from([5, 10, 0, 160]);
    packets[3] = rtp(3, { payloadType: 101, payload: event });
    packets[4] = rtp(4, { payloadType: 13, payload: Buffer.from([60]) });

    await send(packets, 10);
    const recorded = await srs.packetsReach(8);

    expect(steps(recorded)).toEqual(Array(7).fill(1));
    expect(timestampSteps(recorded)).toEqual([160, 160, 480, 160, 160, 160, 160]);
    expect(recording.report().streams[0]).toMatchObject({
      packetsCaptured: 8,
      packetsUnaccepted: 0,
    });
  });

  it.each([
    ['G.722', G722, g722Packets, 160],
    ['L16', L16, l16Packets, 160],
  ] as const)(
    'delivers what was captured as %s before an SRS answered that takes only PCMU',
    async (_, format, packets, step) => {
      const { call, srs, recording, send } = await scene([format]);
      await send(packets(PACKETS).slice(0, 20), 20);
      recording.setRemotes([srs.remote({ formats: [PCMU] })]);
      await inForce(call);
      await srs.packetsReach(20);
      await send(packets(PACKETS).slice(20), PACKETS);
      const recorded = await srs.packetsReach(PACKETS);

      expect(recorded.every(packet => parse(packet).payloadType === 0)).toBe(true);
      expect(steps(recorded)).toEqual(Array(PACKETS - 1).fill(1));
      expect(timestampSteps(recorded).slice(0, 19)).toEqual(Array(19).fill(step));
      expect(levelErrorDb(recorded.slice(0, 20), 'PCMU')).toBeLessThan(0.5);
      expect(recording.report().streams[0]?.packetsUnaccepted).toBe(0);
    },
  );

  it('replays as PCMA to the next SRS what it had sent as PCMU to the first', async () => {
    const { call, srs, recording, send } = await scene([G722]);
    recording.setRules('1', { ...TO_PCMU, keep: ['PCMU', 'PCMA'] });
    recording.setRemotes([srs.remote({ formats: [PCMU] })]);
    await inForce(call);
    await send(g722Packets(), PACKETS);
    await srs.packetsReach(PACKETS);
    const next = await stage.peer();

    await recording.rewind(0);
    recording.setRemotes([next.remote({ formats: [PCMA] })]);
    const replayed = await next.packetsReach(PACKETS);

    expect(replayed.every(packet => parse(packet).payloadType === 8)).toBe(true);
    expect(steps(replayed)).toEqual(Array(PACKETS - 1).fill(1));
    expect(timestampSteps(replayed)).toEqual(Array(PACKETS - 1).fill(160));
    expect(levelErrorDb(replayed, 'PCMA')).toBeLessThan(0.5);
  });

  it('goes on by the clock after a pause, with numbers that show no loss', async () => {
    const { call, srs, recording, send } = await scene([L16]);
    recording.setRules('1', TO_PCMU);
    recording.setRemotes([srs.remote({ formats: [PCMU] })]);
    await inForce(call);
    const packets = l16Packets();
    await send(packets.slice(0, 10), 10);
    await srs.packetsReach(10);
    await recording.setGate(false);
    await send(packets.slice(10, 20), 20);
    await recording.setGate(true);
    await send(packets.slice(20), PACKETS);
    const recorded = await srs.packetsReach(20);

    expect(steps(recorded)).toEqual(Array(19).fill(1));
    const gaps = timestampSteps(recorded);
    expect(gaps.slice(0, 9)).toEqual(Array(9).fill(160));
    expect(gaps[9]).toBeGreaterThan(0);
    expect(gaps.slice(10)).toEqual(Array(9).fill(160));
    await eventually(
      () => recording.report().streams[0]?.packetsTranscoded === 20,
      'the packets of before and after the pause',
    );
  });
});
