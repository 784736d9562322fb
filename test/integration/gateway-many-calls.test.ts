import {
  detectTone,
  type PcmSource,
  pcmOf,
  readWav,
  type Recording,
  soundSpans,
  take,
  tone,
} from '../../src/lab';
import {
  type AnsweredCall,
  type GatewayBench,
  hangUp,
  openGatewayBench,
  placeCall,
  talkFor,
} from '../support/gateway-bench';

const SEQUENTIAL = 200;
const SIMULTANEOUS = 50;
/** Tones of a call are its own; 25 Hz apart, told apart by a window of 200 ms and more. */
const FIRST_HZ = 300;
const STEP_HZ = 30;
const SAMPLES_PER_MS = 8;
const CANDIDATES = Array.from({ length: 2 * SIMULTANEOUS }, (_, n) => FIRST_HZ + n * STEP_HZ);

interface Pair {
  readonly callerHz: number;
  readonly calleeHz: number;
}

/** The tones of call number `n`; neighbours in time never share one. */
function tonesOf(n: number): Pair {
  return {
    callerHz: CANDIDATES[(2 * n) % CANDIDATES.length]!,
    calleeHz: CANDIDATES[(2 * n + 1) % CANDIDATES.length]!,
  };
}

/** One second of the tone, made once: a hundred phones must leave the processor to the gateway. */
const say = (hz: number): PcmSource =>
  pcmOf(take(tone({ hz, levelDbfs: -12, rampMs: 0 }), 8000), { loop: true });

/** Call `n` is from caller<n> to callee<n>; the caller is the recorded party. */
async function callNumber(bench: GatewayBench, n: number): Promise<AnsweredCall> {
  const { callerHz, calleeHz } = tonesOf(n);
  const caller = await bench.phone('caller', `caller${n}`, say(callerHz));
  const callee = await bench.phone('callee', `callee${n}`, say(calleeHz));
  return placeCall(bench, caller, callee, { ringMs: 20 });
}

/** Label 1 carries the caller's tone and label 2 the callee's, and neither any other call's. */
function expectOwnTones(recording: Recording): void {
  const n = Number(/caller(\d+)@/.exec(JSON.stringify(recording.view))?.[1]);
  const { callerHz, calleeHz } = tonesOf(n);
  const { channels } = readWav(recording.wavPath);
  const heard = channels.map(samples => {
    const { hz, present } = detectTone(middleOf(samples), CANDIDATES, { thresholdDbfs: -36 });
    return { hz, others: present.filter(other => other !== hz) };
  });
  expect({ n, heard }).toEqual({
    n,
    heard: [
      { hz: callerHz, others: [] },
      { hz: calleeHz, others: [] },
    ],
  });
}

/** At most 240 ms from the middle of the longest stretch of sound: a busy machine makes phones stutter. */
function middleOf(samples: Int16Array): Int16Array {
  const [startMs, endMs] = soundSpans(samples).reduce<[number, number]>(
    (longest, span) => (span[1] - span[0] > longest[1] - longest[0] ? span : longest),
    [0, 0],
  );
  const middle = ((startMs + endMs) / 2) * SAMPLES_PER_MS;
  const half = Math.min(960, ((endMs - startMs) / 2) * SAMPLES_PER_MS);
  return samples.subarray(middle - half, middle + half);
}

describe('many recorded calls', () => {
  let bench: GatewayBench;

  beforeAll(async () => {
    const users = Array.from(
      { length: Math.max(SEQUENTIAL, SIMULTANEOUS) },
      (_, n) => `caller${n}`,
    );
    bench = await openGatewayBench({ recordedUsers: users });
  });

  afterAll(async () => {
    await bench.close();
  });

  test(`${SIMULTANEOUS} calls at a time leave ${SIMULTANEOUS} recordings, each with its own tones in the right channels`, async () => {
    const calls = await Promise.all(
      Array.from({ length: SIMULTANEOUS }, (_, n) => callNumber(bench, n)),
    );
    await Promise.all(calls.map(call => talkFor(call, 50)));
    await Promise.all(calls.map(hangUp));
    const ledger = await bench.waitForLedger(SIMULTANEOUS, 30_000);
    expect(ledger.map(({ verdict }) => verdict)).toEqual(Array(SIMULTANEOUS).fill('recorded'));
    expect(bench.srs.recordings).toHaveLength(SIMULTANEOUS);
    bench.srs.recordings.forEach(expectOwnTones);
    await bench.expectNothingOpen();
  }, 120_000);

  test(`${SEQUENTIAL} calls one after the other leave as many recordings more, and nothing open`, async () => {
    const before = bench.srs.recordings.length;
    for (let n = 0; n < SEQUENTIAL; n += 1) {
      const call = await callNumber(bench, n);
      await talkFor(call, 15);
      await hangUp(call);
    }
    const ledger = await bench.waitForLedger(before + SEQUENTIAL, 30_000);
    expect(ledger.filter(({ verdict }) => verdict !== 'recorded')).toEqual([]);
    const recordings = bench.srs.recordings.slice(before);
    expect(recordings).toHaveLength(SEQUENTIAL);
    recordings.forEach(expectOwnTones);
    await bench.expectNothingOpen();
    expect(bench.srs.counters).toMatchObject({ dialogs: 0 });
  }, 400_000);
});
