import { type PayloadFormat, type RemoteStream } from '#core';
import {
  decodeG711,
  decodeG722,
  encodeG711,
  encodeG722,
  type MediaCall,
  type MediaCallEvents,
  type MediaLeg,
  type MediaPlane,
  type MediaRecording,
  type NoticeSound,
} from '#media';
import { toneLevelDbfs } from '../../src/lab/audio/goertzel';
import { inForce, openPlane, parse, rtp, steps, UdpPeer } from './media-support';

const SPEECH_HZ = 440;
const TONE_HZ = 1400;
const TONE: NoticeSound = {
  kind: 'tone',
  frequencyHz: TONE_HZ,
  durationMs: 200,
  levelDbm0: -20,
  rampMs: 10,
};
/** −20 dBm0, as a full-scale sine is +3.14 dBm0. */
const TONE_DBFS = -23.1;

interface Codec {
  readonly format: PayloadFormat;
  /** Samples a second of what is encoded. */
  readonly sampleRateHz: number;
  encode(samples: Int16Array): Uint8Array;
  decode(payload: Uint8Array): Int16Array;
}

const codecs: Record<string, Codec> = {
  PCMU: {
    format: { payloadType: 0, encoding: 'PCMU', clockRateHz: 8000, channels: 1 },
    sampleRateHz: 8000,
    encode: samples => encodeG711('PCMU', samples),
    decode: payload => decodeG711('PCMU', payload),
  },
  PCMA: {
    format: { payloadType: 8, encoding: 'PCMA', clockRateHz: 8000, channels: 1 },
    sampleRateHz: 8000,
    encode: samples => encodeG711('PCMA', samples),
    decode: payload => decodeG711('PCMA', payload),
  },
  'L16/16000': {
    format: { payloadType: 97, encoding: 'L16', clockRateHz: 16_000, channels: 1 },
    sampleRateHz: 16_000,
    encode: samples => new Uint8Array(Buffer.from(samples.buffer.slice(0)).swap16()),
    decode: payload => {
      const swapped = Buffer.from(payload).swap16();
      return new Int16Array(
        swapped.buffer.slice(swapped.byteOffset, swapped.byteOffset + swapped.length),
      );
    },
  },
  G722: {
    format: { payloadType: 9, encoding: 'G722', clockRateHz: 8000, channels: 1 },
    sampleRateHz: 16_000,
    encode: encodeG722,
    decode: decodeG722,
  },
};

const EVENTS: PayloadFormat = {
  payloadType: 101,
  encoding: 'TELEPHONE-EVENT',
  clockRateHz: 8000,
  channels: 1,
};

/** Packets of a talker who says one tone, from a sequence number on. */
function speech(codec: Codec, packets: number, from = 0, packetMs = 20): Buffer[] {
  const samples = Int16Array.from(
    { length: (packets * packetMs * codec.sampleRateHz) / 1000 },
    (_, i) => 4000 * Math.sin((2 * Math.PI * SPEECH_HZ * i) / codec.sampleRateHz),
  );
  const bytes = codec.encode(samples);
  const perPacket = bytes.length / packets;
  const units = (packetMs * codec.format.clockRateHz) / 1000;
  return Array.from({ length: packets }, (_, i) =>
    rtp(from + i, {
      timestamp: (from + i) * units,
      payloadType: codec.format.payloadType,
      payload: Buffer.from(bytes.subarray(i * perPacket, (i + 1) * perPacket)),
    }),
  );
}

/** What a listener hears. */
function heard(codec: Codec, packets: readonly Buffer[]): Int16Array {
  return codec.decode(Buffer.concat(packets.map(packet => parse(packet).payload)));
}

function level(
  samples: Int16Array,
  hz: number,
  rateHz: number,
  fromMs = 0,
  toMs = Infinity,
): number {
  const from = Math.round((fromMs * rateHz) / 1000);
  const to = Math.min(samples.length, (toMs * rateHz) / 1000);
  return toneLevelDbfs(samples.subarray(from, to), hz, rateHz);
}

/** Distances of timestamps of packets in a row. */
function timeSteps(packets: readonly Buffer[]): number[] {
  return packets
    .slice(1)
    .map((packet, i) => (packet.readUInt32BE(4) - (packets[i]?.readUInt32BE(4) ?? 0)) >>> 0);
}

describe.each(['linux', 'dgram'] as const)('notices on %s', backend => {
  let plane: MediaPlane;
  let peers: UdpPeer[];

  beforeEach(async () => {
    peers = [];
    plane = await openPlane(backend);
  });

  afterEach(async () => {
    peers.forEach(peer => peer.close());
    await plane.close();
  });

  async function peer(): Promise<UdpPeer> {
    const opened = await UdpPeer.open();
    peers.push(opened);
    return opened;
  }

  interface Scene {
    call: MediaCall;
    a: UdpPeer;
    b: UdpPeer;
    srs: UdpPeer;
    legA: MediaLeg;
    legB: MediaLeg;
    recording: MediaRecording;
  }

  /** A talks to B, and what A says is recorded. */
  async function scene(
    codec: Codec,
    events: MediaCallEvents = {},
    remoteOfB: Partial<RemoteStream> = {},
  ): Promise<Scene> {
    const [a, b, srs] = [await peer(), await peer(), await peer()];
    const call = plane.openCall({ callId: 'call' }, events);
    const legA = await call.openLeg({ legId: 'a', network: 'lo' });
    const legB = await call.openLeg({ legId: 'b', network: 'lo' });
    const formats = [codec.format, EVENTS];
    legA.setRemote(a.remote({ formats }));
    legB.setRemote(b.remote({ formats, ...remoteOfB }));
    call.connect('a', 'b');
    const recording = await call.openRecording({
      recordingId: 'r',
      network: 'lo',
      streams: [{ label: '1', sourceLegId: 'a', formats }],
      gateOpen: true,
    });
    recording.setRemotes([srs.remote({ formats, sends: false })]);
    await inForce(call);
    return { call, a, b, srs, legA, legB, recording };
  }

  test.each(Object.keys(codecs))(
    'a tone is heard beside speech, and recorded nowhere (%s)',
    async name => {
      const codec = codecs[name];
      if (codec === undefined) {
        throw new Error('no codec');
      }
      const { call, a, b, srs, legA } = await scene(codec);
      const packets = speech(codec, 75);
      packets.slice(0, 10).forEach(packet => a.send(packet, legA.local.rtp));
      await b.packetsReach(10);
      const playing = call.playNotice({ noticeId: 'n', legIds: ['b'], sound: TONE, duckDb: 6 });
      await inForce(call);
      packets.slice(10).forEach(packet => a.send(packet, legA.local.rtp));
      const report = await playing.done;
      expect(report.legs).toEqual([{ legId: 'b', outcome: 'played' }]);
      const toB = await b.packetsReach(75);
      const toSrs = await srs.packetsReach(75);

      const rateHz = codec.sampleRateHz;
      const live = heard(codec, toB);
      // 200 ms of tone begin with the first packet; G.722 follows the stream for 100 ms before.
      const startMs = name === 'G722' ? 300 : 200;
      expect(level(live, TONE_HZ, rateHz, startMs + 40, startMs + 160)).toBeCloseTo(TONE_DBFS, 0);
      expect(level(live, SPEECH_HZ, rateHz, startMs + 40, startMs + 160)).toBeCloseTo(-18.3 - 6, 0);
      expect(level(live, TONE_HZ, rateHz, startMs - 150, startMs - 5)).toBeLessThan(-65);
      expect(level(live, TONE_HZ, rateHz, startMs + 210, startMs + 400)).toBeLessThan(-65);
      expect(level(live, SPEECH_HZ, rateHz, startMs + 250, startMs + 400)).toBeCloseTo(-18.3, 0);
      expect(new Set(steps(toB))).toEqual(new Set([1]));
      expect(new Set(timeSteps(toB)).size).toBe(1);
      expect(new Set(toB.map(packet => parse(packet).ssrc)).size).toBe(1);

      toSrs.forEach((packet, i) => {
        expect(parse(packet).payload.equals(parse(packets[i] ?? packet).payload)).toBe(true);
      });
      const before = toB.slice(0, 10).concat(toB.slice(-5));
      const said = packets.slice(0, 10).concat(packets.slice(-5));
      expect(before.map(packet => parse(packet).payload.toString('hex'))).toEqual(
        said.map(packet => parse(packet).payload.toString('hex')),
      );
    },
  );
});
