import { type PayloadFormat, PCMU, type RemoteStream } from '#core';
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
import {
  eventually,
  inForce,
  openPlane,
  parse,
  rtp,
  steps,
  thrownCode,
  timestampSteps,
  UdpPeer,
} from './media-support';

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
    format: PCMU,
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

function codecNamed(name: string): Codec {
  const codec = codecs[name];
  if (codec === undefined) {
    throw new Error(`no codec ${name}`);
  }
  return codec;
}

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
      const codec = codecNamed(name);
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
      expect(new Set(timestampSteps(toB)).size).toBe(1);
      expect(new Set(toB.map(packet => parse(packet).ssrc)).size).toBe(1);

      toSrs.forEach((packet, i) => {
        expect(parse(packet).payload.equals(parse(packets[i] ?? packet).payload)).toBe(true);
      });
      // G.722 is given back later, in a pause of speech.
      const after = name === 'G722' ? 0 : 5;
      const before = toB.slice(0, 10).concat(toB.slice(75 - after));
      const said = packets.slice(0, 10).concat(packets.slice(75 - after));
      expect(before.map(packet => parse(packet).payload.toString('hex'))).toEqual(
        said.map(packet => parse(packet).payload.toString('hex')),
      );
    },
  );

  test('without a talker the tone comes by itself, and speech follows without a seam', async () => {
    const codec = codecNamed('PCMU');
    const { call, a, b, srs, legA, recording } = await scene(codec);
    const playing = call.playNotice({ noticeId: 'n', legIds: ['b'], sound: TONE, duckDb: 6 });
    const report = await playing.done;
    expect(report.legs).toEqual([{ legId: 'b', outcome: 'played' }]);
    expect((report.endedAtMs ?? 0) - (report.startedAtMs ?? 0)).toBeGreaterThan(150);
    speech(codec, 10).forEach(packet => a.send(packet, legA.local.rtp));
    const toB = await b.packetsReach(20);
    expect(new Set(steps(toB))).toEqual(new Set([1]));
    expect(new Set(timestampSteps(toB.slice(0, 10)))).toEqual(new Set([160]));
    expect(new Set(toB.map(packet => parse(packet).ssrc)).size).toBe(1);
    const live = heard(codec, toB);
    expect(level(live, TONE_HZ, 8000, 40, 160)).toBeCloseTo(TONE_DBFS, 0);
    expect(level(live, SPEECH_HZ, 8000, 240, 380)).toBeCloseTo(-18.3, 0);
    // Nothing but what A said is recorded.
    const recorded = heard(codec, await srs.packetsReach(10));
    expect(level(recorded, TONE_HZ, 8000)).toBeLessThan(TONE_DBFS - 40);
    expect(recording.report().streams[0]?.packetsCaptured).toBe(10);
  });

  test('nothing goes toward a leg that does not receive, nor to one that is gone', async () => {
    const codec = codecNamed('PCMU');
    const { call, b } = await scene(codec, {}, { receives: false });
    const playing = call.playNotice({ noticeId: 'n', legIds: ['b', 'x'], sound: TONE, duckDb: 0 });
    expect(await playing.done).toEqual({
      startedAtMs: null,
      endedAtMs: null,
      legs: [
        { legId: 'b', outcome: 'not-receiving' },
        { legId: 'x', outcome: 'no-stream' },
      ],
    });
    expect(b.packets).toHaveLength(0);
  });

  test('a prompt plays, the next one waits, and a hang-up ends both', async () => {
    const codec = codecNamed('PCMU');
    const { call, b, a } = await scene(codec);
    const samples = Int16Array.from(
      { length: 16_000 * 5 },
      (_, i) => 8000 * Math.sin((2 * Math.PI * 700 * i) / 16_000),
    );
    plane.definePrompt('en/start', { samples, sampleRateHz: 16_000 });
    const sound = { kind: 'prompt', promptId: 'en/start' } as const;
    const first = call.playNotice({ noticeId: '1', legIds: ['a', 'b'], sound, duckDb: 6 });
    const second = call.playNotice({ noticeId: '2', legIds: ['b'], sound, duckDb: 6 });
    const toB = await b.packetsReach(10);
    await a.packetsReach(10);
    await call.close();
    const report = await first.done;
    expect(report.legs.map(({ outcome }) => outcome)).toEqual(['cut', 'cut']);
    expect(report.startedAtMs).not.toBeNull();
    expect((await second.done).legs).toEqual([{ legId: 'b', outcome: 'cut' }]);
    expect((await second.done).startedAtMs).toBeNull();
    expect(level(heard(codec, toB), 700, 8000, 20, 180)).toBeCloseTo(-12.2, 0);
  });

  test('what cannot be played is refused by name', async () => {
    const call = plane.openCall({ callId: 'call' }, {});
    const play = (sound: NoticeSound) => () =>
      call.playNotice({ noticeId: 'n', legIds: [], sound, duckDb: 0 });
    expect(thrownCode(play({ kind: 'prompt', promptId: 'xx/none' }))).toBe('REC_ERR_MEDIA_NOTICE');
    expect(thrownCode(play({ ...TONE, frequencyHz: 9000 }))).toBe('REC_ERR_MEDIA_NOTICE');
    expect(await play(TONE)().done).toEqual({ startedAtMs: null, endedAtMs: null, legs: [] });
    await call.close();
  });

  /** A key press of 60 ms: three packets, and the end twice more. */
  function keyPress(sequence: number, timestamp: number, code: number): Buffer[] {
    return [160, 320, 480, 480, 480].map((units, i) =>
      rtp(sequence + i, {
        timestamp,
        marker: i === 0,
        payloadType: EVENTS.payloadType,
        payload: Buffer.from([code, i < 2 ? 10 : 0x8a, units >> 8, units & 0xff]),
      }),
    );
  }

  function events(packets: readonly Buffer[]): string[] {
    return packets
      .map(parse)
      .filter(({ payloadType }) => payloadType === EVENTS.payloadType)
      .map(({ payload }) => payload.toString('hex'));
  }

  test('key presses are told once each, and reach the other party and the recording', async () => {
    const codec = codecNamed('PCMU');
    const pressed: string[] = [];
    const { a, b, srs, legA } = await scene(codec, {
      dtmfReceived: (legId, { digit, durationMs }) =>
        pressed.push(`${legId} ${digit} ${durationMs}`),
    });
    const packets = [...keyPress(0, 0, 10), ...keyPress(5, 800, 4)];
    packets.forEach(packet => a.send(packet, legA.local.rtp));
    expect(events(await b.packetsReach(10))).toEqual(events(packets));
    expect(events(await srs.packetsReach(10))).toEqual(events(packets));
    await eventually(() => pressed.length >= 2, 'two key presses');
    expect(pressed).toEqual(['a * 60', 'a 4 60']);
  });

  test('held keys reach nobody until they are released; a code that was one never does', async () => {
    const codec = codecNamed('PCMU');
    let pressed = 0;
    const { call, a, b, srs, legA } = await scene(codec, { dtmfReceived: () => pressed++ });
    legA.holdDtmf({ digits: '*', maxHoldMs: 60_000 });
    await inForce(call);
    const [before, after] = [speech(codec, 5), speech(codec, 5, 10)];
    before.forEach(packet => a.send(packet, legA.local.rtp));
    keyPress(5, 800, 10).forEach(packet => a.send(packet, legA.local.rtp));
    after.forEach(packet => a.send(packet, legA.local.rtp));
    await eventually(() => pressed === 1, 'the key press');
    // Neither is a gap left where they were.
    const toB = await b.packetsReach(10);
    expect(events(toB)).toEqual([]);
    expect(new Set(steps(toB))).toEqual(new Set([1]));
    legA.releaseDtmf('relay');
    const wanted = ['0a0a00a0', '0a0a0140', '0a8a01e0', '0a8a01e0', '0a8a01e0'];
    const all = await b.packetsReach(15);
    expect(events(all)).toEqual(wanted);
    expect(new Set(steps(all))).toEqual(new Set([1]));
    expect(events(await srs.packetsReach(15))).toEqual(wanted);

    keyPress(15, 4000, 10).forEach(packet => a.send(packet, legA.local.rtp));
    await eventually(() => pressed === 2, 'the second key press');
    legA.releaseDtmf('drop');
    await inForce(call);
    keyPress(20, 5600, 7).forEach(packet => a.send(packet, legA.local.rtp));
    expect(events(await b.packetsReach(20)).slice(5)).toEqual(events(keyPress(20, 5600, 7)));
  });

  test('keys that were held while a recording was paused never reach it', async () => {
    const codec = codecNamed('PCMU');
    let pressed = 0;
    const { a, b, srs, legA, recording } = await scene(codec, { dtmfReceived: () => pressed++ });
    await recording.setGate(false);
    legA.holdDtmf({ digits: '*', maxHoldMs: 60_000 });
    a.send(speech(codec, 1)[0] ?? Buffer.alloc(0), legA.local.rtp);
    keyPress(1, 160, 10).forEach(packet => a.send(packet, legA.local.rtp));
    await eventually(() => pressed === 1, 'the key press');
    await recording.setGate(true);
    legA.releaseDtmf('relay');
    expect(events(await b.packetsReach(6))).toHaveLength(5);
    speech(codec, 3, 10).forEach(packet => a.send(packet, legA.local.rtp));
    expect(events(await srs.packetsReach(3))).toEqual([]);
    expect(recording.report().streams[0]?.packetsCaptured).toBe(3);
  });

  test('levels are measured while somebody watches', async () => {
    const codec = codecNamed('G722');
    const { call, a, b, legA } = await scene(codec);
    const levelOf = (legId: string): number | null | undefined =>
      call.levels().find(leg => leg.legId === legId)?.dbfs;
    expect([levelOf('a'), levelOf('b'), levelOf('x')]).toEqual([null, null, undefined]);
    call.watchLevels(true);
    await inForce(call);
    speech(codec, 5).forEach(packet => a.send(packet, legA.local.rtp));
    await b.packetsReach(5);
    await eventually(() => typeof levelOf('a') === 'number', 'a level');
    expect(levelOf('a')).toBeGreaterThan(-24);
    expect(levelOf('a')).toBeLessThan(-14);
    expect(levelOf('b')).toBeNull();
  });
});
