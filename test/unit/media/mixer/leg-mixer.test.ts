import { type PayloadFormat, PCMA, PCMU } from '#core';
import { decodeG711, decodeG722, encodeG711, encodeG722 } from '#media';
import { splitBands } from '../../../../media/codec/g722';
import { payloadKindTable } from '../../../../media/codec/payload-kinds';
import { memoryOf } from '../../../../media/io/packet-io';
import { GOES_BESIDE, GOES_ON, IS_TOO_LATE, LegMixer } from '../../../../media/mixer/leg-mixer';
import { mixerBuffers } from '../../../../media/mixer/mixer-host';
import { type QueuedNotice } from '../../../../media/mixer/notice-queue';
import { SoundStore, SUB_BANDS } from '../../../../media/notices/sound-store';
import { renderTone } from '../../../../media/notices/tone';
import { type NoticeOutcome } from '../../../../media/ports';
import { clockRateTable } from '../../../../media/rtp/payload-types';
import { StreamRewriter } from '../../../../media/rtp/rewriter';
import { type LegState } from '../../../../media/worker/leg-state';
import { levelDbfs } from '../../../../src/lab/audio/pcm';
import { toneLevelDbfs } from '../../../../src/lab/audio/goertzel';

const OPUS: PayloadFormat = {
  payloadType: 96,
  encoding: 'OPUS',
  clockRateHz: 48_000,
  channels: 2,
};
const EVENT: PayloadFormat = {
  payloadType: 101,
  encoding: 'TELEPHONE-EVENT',
  clockRateHz: 8000,
  channels: 1,
};
const CN: PayloadFormat = { payloadType: 13, encoding: 'CN', clockRateHz: 8000, channels: 1 };
const TONE = { frequencyHz: 1400, durationMs: 200, levelDbm0: -20, rampMs: 10 };
const SSRC = 77;

/** What went toward the leg. */
interface Sent {
  readonly payloadType: number;
  readonly marker: boolean;
  readonly sequence: number;
  readonly timestamp: number;
  readonly payload: Buffer;
  readonly atMs: number;
}

/** A leg that hears a talker through a mixer, in a time of its own. */
class Bench {
  readonly sent: Sent[] = [];
  readonly ended: [number, NoticeOutcome][] = [];
  readonly output = new StreamRewriter({
    ssrc: 5,
    firstSequence: 100,
    firstTimestamp: 1000,
    maxSlipMs: 0,
    splitsAtClockChange: false,
  });
  readonly leg: LegState;
  readonly mixer: LegMixer;
  nowMs = 0;
  #sequence = 500;
  readonly #received = memoryOf(new ArrayBuffer(2048), 0, 2048, 0);

  constructor(formats: readonly PayloadFormat[], parts: Partial<LegState> = {}) {
    // Only what a mixer looks at.
    this.leg = {
      output: this.output,
      formats,
      kinds: payloadKindTable(formats),
      clockRates: clockRateTable(formats),
      packetMs: 0,
      receives: true,
      isSignalled: true,
      rtpLatch: { destination: { isSet: true } },
      peer: null,
      ...parts,
    } as unknown as LegState;
    const sounds = new SoundStore();
    sounds.define('tone', 8000, renderTone(TONE, 8000));
    sounds.define('tone', SUB_BANDS, splitBands(renderTone(TONE, 16_000)));
    this.mixer = new LegMixer(this.leg, {
      ...mixerBuffers(memoryOf(new ArrayBuffer(2048), 0, 2048, 0)),
      clock: this,
      sounds,
      send: (_leg, memory, at, length) => {
        this.#keep(Buffer.from(memory.bytes.slice(at, at + length)));
      },
      ended: (_leg, notice, outcome) => this.ended.push([notice.number, outcome]),
    });
  }

  play(number = 1): QueuedNotice {
    const notice: QueuedNotice = {
      number,
      soundId: 'tone',
      duckGain: 0.5,
      durationMs: TONE.durationMs,
      startedAtMs: null,
      deadlineMs: Infinity,
      isStopping: false,
    };
    this.mixer.play(notice);
    return notice;
  }

  /** One packet of the talker, as the packet loop treats it. @returns what the mixer said. */
  live(timestamp: number, payload: Uint8Array, payloadType = 0, ssrc = SSRC): number {
    const { bytes, view } = this.#received;
    bytes.fill(0, 0, 12);
    bytes[0] = 0x80;
    bytes[1] = payloadType;
    bytes.set(payload, 12);
    const length = 12 + payload.length;
    const { nowMs, output } = this;
    const verdict = this.mixer.onLivePacket(this.#received, 0, length, ssrc, timestamp);
    const sequence = this.#sequence++;
    if (verdict === IS_TOO_LATE) {
      return verdict;
    }
    if (verdict === GOES_BESIDE) {
      output.interject();
    } else {
      output.map(ssrc, sequence, timestamp, 8000, nowMs);
    }
    output.stamp(view, 0);
    this.#keep(Buffer.from(bytes.slice(0, length)));
    return verdict;
  }

  /** Lets time pass, with a round of the loop in every millisecond. */
  pass(ms: number): void {
    for (const untilMs = this.nowMs + ms; this.nowMs < untilMs;) {
      this.nowMs++;
      this.mixer.service();
    }
  }

  /** What the listener heard, of the payload types 0 and 8. */
  heard(from = 0): Int16Array {
    return Int16Array.from(
      this.sent
        .slice(from)
        .flatMap(({ payload, payloadType }) => [
          ...decodeG711(payloadType === 8 ? 'PCMA' : 'PCMU', payload),
        ]),
    );
  }

  #keep(packet: Buffer): void {
    this.sent.push({
      payloadType: packet.readUInt8(1) & 0x7f,
      marker: packet.readUInt8(1) >= 0x80,
      sequence: packet.readUInt16BE(2),
      timestamp: packet.readUInt32BE(4),
      payload: packet.subarray(12),
      atMs: this.nowMs,
    });
  }
}

const silence = (ms: number): Uint8Array => encodeG711('PCMU', new Int16Array(8 * ms));

function differences(values: readonly number[]): Set<number> {
  return new Set(values.slice(1).map((value, i) => value - (values[i] ?? 0)));
}

/** Neither a gap nor a jump, in numbers and in time. */
function expectSeamless(sent: readonly Sent[], units = 160): void {
  expect(differences(sent.map(({ sequence }) => sequence))).toEqual(new Set([1]));
  expect(differences(sent.map(({ timestamp }) => timestamp))).toEqual(new Set([units]));
}

test.each([10, 20, 30, 40, 60])('a tone goes into live packets of %i ms, whole', packetMs => {
  const bench = new Bench([PCMU]);
  bench.play();
  for (let i = 0; i < 600 / packetMs; i++) {
    bench.live(i * packetMs * 8, silence(packetMs));
    bench.pass(packetMs);
  }
  expect(bench.ended).toEqual([[1, 'played']]);
  expect(bench.mixer.isIdle).toBe(true);
  expect(bench.sent).toHaveLength(600 / packetMs);
  expectSeamless(bench.sent, packetMs * 8);
  const heard = bench.heard();
  expect(toneLevelDbfs(heard.subarray(240, 1360), 1400)).toBeCloseTo(-23.1, 0);
  expect(toneLevelDbfs(heard.subarray(1700), 1400)).toBeLessThan(-70);
});

test('where nobody ever talked the tone comes by itself, at once, and begins a talkspurt', () => {
  const bench = new Bench([OPUS, PCMA, PCMU]);
  bench.play();
  bench.pass(500);
  expect(bench.sent).toHaveLength(10);
  expect(bench.sent[0]).toMatchObject({ payloadType: 8, marker: true, atMs: 1 });
  expect(bench.sent.slice(1).every(({ marker }) => !marker)).toBe(true);
  expectSeamless(bench.sent);
  expect(differences(bench.sent.map(({ atMs }) => atMs))).toEqual(new Set([20]));
  expect(toneLevelDbfs(bench.heard().subarray(240, 1360), 1400)).toBeCloseTo(-23.1, 0);
});

test('a talker who falls silent is followed after two packet times, and has no seam on coming back', () => {
  const bench = new Bench([PCMU]);
  bench.play();
  bench.live(0, silence(20));
  bench.pass(20);
  bench.live(160, silence(20));
  bench.pass(45);
  // Two packets make up for the time that was waited.
  expect(bench.sent).toHaveLength(4);
  bench.pass(20);
  expect(bench.sent).toHaveLength(5);
  bench.live(720, silence(20));
  bench.pass(20);
  bench.live(880, silence(20));
  expect(bench.sent).toHaveLength(7);
  expectSeamless(bench.sent);
});

test('what comes too late for its place is left out, and no delay adds up', () => {
  const bench = new Bench([PCMU]);
  bench.play();
  bench.live(0, silence(20));
  bench.pass(105);
  const filled = bench.sent.length;
  expect(filled).toBe(6);
  const verdicts = [1, 2, 3, 4, 5, 6, 7].map(i => bench.live(i * 160, silence(20)));
  expect(verdicts).toEqual([...new Array<number>(5).fill(IS_TOO_LATE), GOES_ON, GOES_ON]);
  expectSeamless(bench.sent);
});

test('a talker who was late is waited for: the same lateness costs no words again', () => {
  const bench = new Bench([PCMU]);
  [1, 2, 3].forEach(n => bench.play(n));
  const burstAfter = (ms: number, first: number): number[] => {
    bench.pass(ms);
    return [0, 1, 2].map(i => bench.live((first + i) * 160, silence(20)));
  };
  bench.live(0, silence(20));
  expect(burstAfter(55, 1)).toEqual([IS_TOO_LATE, IS_TOO_LATE, GOES_ON]);
  expect(burstAfter(55, 4)).toEqual([GOES_ON, GOES_ON, GOES_ON]);
  expect(burstAfter(58, 7)).toEqual([GOES_ON, GOES_ON, GOES_ON]);
  expect(bench.sent).toHaveLength(10);
  expectSeamless(bench.sent);
  // Whoever is silent after that is followed all the same, and without a gap.
  bench.pass(80);
  expect(bench.sent.length).toBeGreaterThan(12);
  expectSeamless(bench.sent);
});

test('a talker whose timestamps stood still in silence is heard all the same', () => {
  const bench = new Bench([PCMU]);
  for (let n = 1; n <= 5; n++) {
    bench.play(n);
  }
  bench.live(0, silence(20));
  bench.pass(800);
  expect(bench.live(160, silence(20))).toBe(GOES_ON);
});

test('comfort noise and key presses pass as they are', () => {
  const bench = new Bench([PCMU, EVENT, CN]);
  bench.play();
  bench.live(0, silence(20));
  bench.pass(60);
  const noise = Uint8Array.of(0x40);
  expect(bench.live(480, noise, 13)).toBe(GOES_BESIDE);
  bench.pass(20);
  const event = Uint8Array.of(5, 10, 0, 160);
  expect(bench.live(800, event, 101)).toBe(GOES_ON);
  // A key press stands for the talker's audio: nothing is made beside it.
  const before = bench.sent.length;
  bench.pass(44);
  expect(bench.sent).toHaveLength(before);
  expect(bench.sent.find(({ payloadType }) => payloadType === 13)?.payload).toEqual(
    Buffer.from(noise),
  );
  expect(bench.sent.find(({ payloadType }) => payloadType === 101)?.payload).toEqual(
    Buffer.from(event),
  );
  bench.pass(500);
  expect(bench.ended).toEqual([[1, 'played']]);
  expect(differences(bench.sent.map(({ sequence }) => sequence))).toEqual(new Set([1]));
  const times = bench.sent.map(({ timestamp }) => timestamp);
  expect(times).toEqual([...times].sort((a, b) => a - b));
});

test('another payload type in the middle of a notice carries on where the first one was', () => {
  const bench = new Bench([PCMU, PCMA]);
  bench.play();
  for (let i = 0; i < 20; i++) {
    const isLate = i >= 5;
    const payload = encodeG711(isLate ? 'PCMA' : 'PCMU', new Int16Array(160));
    bench.live(i * 160, payload, isLate ? 8 : 0);
    bench.pass(20);
  }
  expect(bench.ended).toEqual([[1, 'played']]);
  expectSeamless(bench.sent);
  const heard = bench.heard();
  expect(toneLevelDbfs(heard.subarray(240, 1360), 1400)).toBeCloseTo(-23.1, 0);
});

test('notices wait for each other; stopping one is soft and leaves the next', () => {
  const bench = new Bench([PCMU]);
  [1, 2, 3].forEach(number => bench.play(number));
  bench.pass(101);
  bench.mixer.stop(1);
  bench.mixer.stop(3);
  expect(bench.ended).toEqual([[3, 'cut']]);
  bench.pass(400);
  expect(bench.ended).toEqual([
    [3, 'cut'],
    [1, 'cut'],
    [2, 'played'],
  ]);
  expectSeamless(bench.sent);
});

test('one notice after the other fills the queue, and more than that is refused', () => {
  const bench = new Bench([PCMU]);
  for (let number = 1; number <= 17; number++) {
    bench.play(number);
  }
  expect(bench.ended).toEqual([[17, 'cut']]);
  bench.mixer.close();
  expect(bench.ended).toHaveLength(17);
});

test.each<[string, readonly PayloadFormat[], Partial<LegState>, NoticeOutcome]>([
  ['a leg that does not receive', [PCMU], { receives: false }, 'not-receiving'],
  ['a leg whose address nobody knows yet', [PCMU], { isSignalled: false }, 'no-stream'],
  ['a leg without a codec for it', [OPUS], {}, 'codec'],
])('%s hears nothing, and the report says why', (_name, formats, parts, outcome) => {
  const bench = new Bench(formats, parts);
  bench.play();
  bench.pass(100);
  expect(bench.ended).toEqual([[1, outcome]]);
  expect(bench.sent).toEqual([]);
  expect(bench.mixer.isIdle).toBe(true);
});

test('a hold in the middle cuts the notice', () => {
  const bench = new Bench([PCMU]);
  bench.play();
  bench.pass(100);
  const sent = bench.sent.length;
  bench.leg.receives = false;
  bench.pass(100);
  expect(bench.ended).toEqual([[1, 'cut']]);
  expect(bench.sent).toHaveLength(sent);
});

test('a codec that cannot be mixed into passes untouched, and the notice is given up', () => {
  const bench = new Bench([PCMU, OPUS]);
  bench.play();
  const payload = Uint8Array.of(1, 2, 3, 4);
  for (let i = 0; i < 60; i++) {
    bench.live(i * 960, payload, 96);
    bench.pass(20);
  }
  expect(bench.ended).toEqual([[1, 'codec']]);
  expect(bench.sent.every(packet => packet.payload.equals(payload))).toBe(true);
});

test('endless key presses hold no notice up for ever', () => {
  const bench = new Bench([PCMU, EVENT]);
  bench.play();
  for (let i = 0; i < 300; i++) {
    bench.live(0, Uint8Array.of(5, 10, 0, 160), 101);
    bench.pass(20);
  }
  expect(bench.ended).toEqual([[1, 'cut']]);
});

describe('G.722', () => {
  const G722: PayloadFormat = { payloadType: 9, encoding: 'G722', clockRateHz: 8000, channels: 1 };
  /** Two tones and some noise, in syllables with pauses between them. */
  const voice = Int16Array.from({ length: 16_000 * 2 }, (_, i) => {
    const t = (2 * Math.PI * i) / 16_000;
    const loudness = Math.max(0, Math.sin(2.5 * t));
    const noise = ((i * 7919) % 401) - 200;
    return (
      loudness * (3000 * Math.sin(440 * t) + 1500 * Math.sin(2300 * t) + 2 * noise) + noise / 20
    );
  });
  const codes = encodeG722(voice);
  const original = decodeG722(codes);

  /** 2 s of the talker, and a notice after 400 ms. */
  function conversation(): { bench: Bench; heard: Int16Array; firstMixed: number; last: number } {
    const bench = new Bench([G722]);
    for (let i = 0; i < 100; i++) {
      if (i === 20) {
        bench.play();
      }
      bench.live(i * 160, codes.subarray(i * 160, (i + 1) * 160), 9);
      bench.pass(20);
    }
    const heard = decodeG722(Buffer.concat(bench.sent.map(({ payload }) => payload)));
    const isChanged = bench.sent.map(
      ({ payload }, i) => !payload.equals(codes.subarray(i * 160, (i + 1) * 160)),
    );
    return { bench, heard, firstMixed: isChanged.indexOf(true), last: isChanged.lastIndexOf(true) };
  }

  /** What a window differs from the talker's own, dBFS. */
  function errorDbfs(heard: Int16Array, fromMs: number, toMs: number): number {
    const from = fromMs * 16;
    const to = toMs * 16;
    return levelDbfs(heard.slice(from, to).map((sample, i) => sample - (original[from + i] ?? 0)));
  }

  test('the stream is followed for 100 ms before it is taken over, and given back after', () => {
    const { bench, heard, firstMixed, last } = conversation();
    expect(firstMixed).toBe(25);
    expect(last).toBeLessThan(25 + 10 + 100);
    expect(bench.ended).toEqual([[1, 'played']]);
    expect(bench.mixer.isIdle).toBe(true);
    expectSeamless(bench.sent);
    expect(toneLevelDbfs(heard.subarray(530 * 16, 670 * 16), 1400, 16_000)).toBeCloseTo(-23.1, 0);
  });

  test('nothing clicks when it is given back: what differs is 25 dB below speech, and dies away', () => {
    const { heard, last } = conversation();
    expect(errorDbfs(heard, 0, 490)).toBeLessThan(-100);
    const givenBackMs = (last + 1) * 20;
    for (let fromMs = givenBackMs - 40; fromMs < givenBackMs + 200; fromMs += 20) {
      expect(errorDbfs(heard, fromMs, fromMs + 20)).toBeLessThan(-42);
    }
    expect(errorDbfs(heard, 1800, 1990)).toBeLessThan(-55);
  });

  test('a fresh listener gets the tone at once; one who heard speech before, after 100 ms of silence', () => {
    const fresh = new Bench([G722]);
    fresh.play();
    fresh.pass(400);
    expect(fresh.sent).toHaveLength(10);
    const bench = new Bench([G722]);
    for (let i = 0; i < 10; i++) {
      bench.live(i * 160, codes.subarray(i * 160, (i + 1) * 160), 9);
      bench.pass(20);
    }
    bench.pass(1000);
    bench.play();
    bench.pass(400);
    expect(bench.sent).toHaveLength(10 + 5 + 10);
    const heard = decodeG722(Buffer.concat(bench.sent.map(({ payload }) => payload)));
    expect(toneLevelDbfs(heard.subarray(330 * 16, 470 * 16), 1400, 16_000)).toBeCloseTo(-23.1, 0);
    expect(toneLevelDbfs(heard.subarray(240 * 16, 298 * 16), 1400, 16_000)).toBeLessThan(-60);
  });
});
