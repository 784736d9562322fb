import { PCMU } from '#core';
import { payloadKindTable } from '../../../../media/codec/payload-kinds';
import { memoryOf, type PacketIo } from '../../../../media/io/packet-io';
import { renderTone } from '../../../../media/notices/tone';
import { clockRateTable } from '../../../../media/rtp/payload-types';
import { StreamRewriter } from '../../../../media/rtp/rewriter';
import { type LegSender } from '../../../../media/worker/leg-sender';
import { LegServices } from '../../../../media/worker/leg-services';
import { type LegState } from '../../../../media/worker/leg-state';
import { type WorkerEvent } from '../../../../media/worker/protocol';
import { type Recorder } from '../../../../media/worker/recorder';

const TONE_MS = 400;
const TONE = { frequencyHz: 1400, durationMs: TONE_MS, levelDbm0: -20, rampMs: 10 };
/** From which on a fresh leg's silence is filled: at once. */
const PACKET_MS = 20;

class Bench {
  nowMs = 1000;
  readonly sent: { leg: LegState; atMs: number }[] = [];
  readonly events: WorkerEvent[] = [];
  /** How often a leg's state was looked at. */
  looks = 0;
  readonly services: LegServices;
  readonly #received = memoryOf(new ArrayBuffer(2048), 0, 2048, 0);
  #sequence = 0;

  constructor() {
    const io = { allocate: (bytes: number) => memoryOf(new ArrayBuffer(bytes), 0, bytes, 0) };
    const sender = { send: (leg: LegState) => void this.sent.push({ leg, atMs: this.nowMs }) };
    this.services = new LegServices(
      io as unknown as PacketIo,
      new Float64Array(64),
      sender as unknown as LegSender,
      {} as unknown as Recorder,
      event => this.events.push(event),
      this,
    );
    this.services.sounds.define('tone', 8000, renderTone(TONE, 8000));
  }

  leg(slot: number): LegState {
    const look = (): void => {
      this.looks++;
    };
    return {
      slot,
      output: new StreamRewriter({
        ssrc: slot,
        firstSequence: 0,
        firstTimestamp: 0,
        maxSlipMs: 0,
        splitsAtClockChange: false,
      }),
      formats: [PCMU],
      kinds: payloadKindTable([PCMU]),
      clockRates: clockRateTable([PCMU]),
      packetMs: PACKET_MS,
      receives: true,
      rtpLatch: { destination: { isSet: true } },
      peer: null,
      taps: [],
      mixer: null,
      events: null,
      meter: null,
      duePlace: -1,
      get isSignalled() {
        look();
        return true;
      },
    } as unknown as LegState;
  }

  play(leg: LegState, duckDb = 0): void {
    this.services.play(leg, {
      kind: 'play-notice',
      slot: leg.slot,
      number: 1,
      soundId: 'tone',
      duckDb,
      durationMs: TONE_MS,
    });
  }

  /** The leg's talker says something. */
  talk(leg: LegState): void {
    const { bytes } = this.#received;
    bytes.fill(0xff, 0, 172);
    bytes[0] = 0x80;
    bytes[1] = 0;
    const sequence = this.#sequence++;
    leg.mixer?.onLivePacket(this.#received, 0, 172, 7, this.nowMs * 8);
    leg.output.map(7, sequence, this.nowMs * 8, 8000, this.nowMs);
  }

  press(leg: LegState): void {
    const { bytes } = this.#received;
    bytes.fill(0, 0, 16);
    bytes[0] = 0x80;
    bytes[1] = 101;
    this.services.eventsOf(leg).onPacket(bytes, 0, 16, 7, 1, this.nowMs);
  }

  /** Lets time pass in steps of 1 ms, as a loop does that sleeps until it is due. @returns how often it woke. */
  pass(ms: number, each: () => void = () => undefined): number {
    let rounds = 0;
    let nextMs = -Infinity;
    for (const untilMs = this.nowMs + ms; this.nowMs < untilMs; this.nowMs++) {
      each();
      if (this.nowMs >= nextMs) {
        rounds++;
        nextMs = this.services.service(this.nowMs);
      }
    }
    return rounds;
  }
}

describe('notices for legs whose talkers are silent', () => {
  test('each packet leaves when it is due, and only legs that are due are looked at', () => {
    const bench = new Bench();
    const legs = Array.from({ length: 40 }, (_, slot) => bench.leg(slot));
    for (const leg of legs) {
      bench.play(leg);
      bench.pass(3);
    }
    bench.looks = 0;
    bench.sent.length = 0;
    const rounds = bench.pass(200);
    for (const leg of legs) {
      const times = bench.sent.filter(({ leg: of }) => of === leg).map(({ atMs }) => atMs);
      expect(times).toHaveLength(200 / PACKET_MS);
      expect(times.map(atMs => atMs - (times[0] ?? 0))).toEqual(times.map((_, i) => i * PACKET_MS));
    }
    expect(rounds).toBeGreaterThan(150);
    // Before a packet, after it, and some once more ahead of their time: not all forty in each round.
    expect(bench.looks).toBeLessThan(3 * bench.sent.length);
  });

  test('the mixer goes when all was played, and then nothing is due', () => {
    const bench = new Bench();
    const leg = bench.leg(0);
    bench.play(leg, 6);
    bench.pass(TONE_MS + 200);
    expect(bench.events).toMatchObject([{ kind: 'notice-ended', slot: 0, outcome: 'played' }]);
    expect(leg.mixer).toBeNull();
    expect(bench.services.service(bench.nowMs)).toBe(Infinity);
  });
});

describe('notices for legs whose talkers talk', () => {
  test('nobody is woken more often than every few milliseconds, however many there are', () => {
    const bench = new Bench();
    const legs = Array.from({ length: 100 }, (_, slot) => bench.leg(slot));
    const talk = (): void =>
      legs
        .filter(({ slot }) => slot % PACKET_MS === bench.nowMs % PACKET_MS)
        .forEach(leg => bench.talk(leg));
    legs.forEach(leg => bench.play(leg));
    bench.pass(100, talk);
    bench.looks = 0;
    bench.sent.length = 0;
    const rounds = bench.pass(200, talk);
    expect(bench.sent).toHaveLength(0);
    expect(rounds).toBeLessThanOrEqual(200 / 5 + 1);
    // Each is looked at about every 25 to 45 ms.
    expect(bench.looks).toBeLessThan((100 * 200) / 20);
    bench.pass(TONE_MS, talk);
    expect(bench.events.map(event => 'outcome' in event && event.outcome)).toEqual(
      legs.map(() => 'played'),
    );
    expect(legs.every(({ mixer }) => mixer === null)).toBe(true);
  });

  test('one who falls silent is noticed in time', () => {
    const bench = new Bench();
    const leg = bench.leg(0);
    bench.play(leg);
    let isTalking = true;
    const talk = (): void => {
      if (isTalking && bench.nowMs % PACKET_MS === 0) {
        bench.talk(leg);
      }
    };
    bench.pass(100, talk);
    const lastMs = bench.nowMs - PACKET_MS;
    isTalking = false;
    bench.pass(60, talk);
    // Two packet times and 5 ms, then what was missed and what is due.
    expect(bench.sent.map(({ atMs }) => atMs - lastMs)).toEqual([45, 45, 60]);
  });

  test('a mixer that has turned the talker down stays until he is up again', () => {
    const bench = new Bench();
    const leg = bench.leg(0);
    bench.play(leg, 6);
    const talk = (): void => {
      if (bench.nowMs % PACKET_MS === 0) {
        bench.talk(leg);
      }
    };
    bench.pass(TONE_MS, talk);
    expect(bench.events).toHaveLength(1);
    expect(leg.mixer).not.toBeNull();
    bench.pass(200, talk);
    expect(leg.mixer).toBeNull();
  });
});

describe('what changes for a leg', () => {
  test('is looked at in the next round, and for no other leg', () => {
    const bench = new Bench();
    const [leg, other] = [bench.leg(0), bench.leg(1)] as const;
    bench.play(leg);
    bench.play(other);
    bench.pass(10);
    Object.assign(leg, { receives: false });
    bench.services.wake(leg);
    bench.services.service(bench.nowMs);
    expect(bench.events).toMatchObject([{ slot: 0, outcome: 'cut' }]);
    expect(other.mixer).not.toBeNull();
  });

  test('a notice that is stopped ends softly; a leg that goes takes its notices along', () => {
    const bench = new Bench();
    const [leg, other] = [bench.leg(0), bench.leg(1)] as const;
    bench.play(leg);
    bench.play(other);
    bench.pass(10);
    bench.services.stop(leg, 1);
    bench.services.close(other);
    bench.pass(40);
    expect(bench.events).toMatchObject([
      { slot: 1, outcome: 'cut' },
      { slot: 0, outcome: 'cut' },
    ]);
    expect(bench.services.service(bench.nowMs)).toBe(Infinity);
  });

  test('a leg without anything to serve is not waited for', () => {
    const bench = new Bench();
    bench.services.wake(bench.leg(0));
    expect(bench.services.service(bench.nowMs)).toBe(Infinity);
  });
});

test('a key press whose end is lost has ended after a while, beside a notice too', () => {
  const bench = new Bench();
  const leg = bench.leg(0);
  bench.play(leg);
  bench.press(leg);
  bench.pass(150);
  expect(bench.events).toEqual([]);
  bench.pass(100);
  expect(bench.events).toMatchObject([{ kind: 'dtmf', slot: 0 }]);
});
