import {
  firstHeardMs,
  isAbsent,
  isSilent,
  loudestDbfs,
  lostSeconds,
  missingMs,
  speaks,
  toneSpans,
} from '../../../src/demo/proof/ear';
import { ALICE, BOB } from '../../../src/demo/stage/places';
import { tone } from '../../../src/lab';

const RATE_PER_MS = 8;

/** The party's tone in each span of `lengthMs`, silence elsewhere. */
function speech(party: typeof ALICE, lengthMs: number, ...spans: [number, number][]): Int16Array {
  const samples = new Int16Array(lengthMs * RATE_PER_MS);
  for (const [fromMs, untilMs] of spans) {
    tone({ hz: party.toneHz, levelDbfs: -12 }).read(
      fromMs * RATE_PER_MS,
      samples.subarray(fromMs * RATE_PER_MS, untilMs * RATE_PER_MS),
    );
  }
  return samples;
}

describe('the checks by ear', () => {
  const whole = speech(ALICE, 3000, [200, 3000]);
  const gapped = speech(ALICE, 3000, [200, 1500], [1600, 3000]);

  test('a party that speaks all the time is there, one that pauses is not', () => {
    expect(speaks('x', whole, ALICE, [[200, 2900]]).ok).toBe(true);
    expect(speaks('x', gapped, ALICE, [[200, 2900]]).ok).toBe(false);
    expect(
      speaks('x', gapped, ALICE, [
        [200, 1500],
        [1600, 2900],
      ]).ok,
    ).toBe(true);
  });

  test('an empty span or a signal that ends too early proves nothing', () => {
    expect(speaks('x', whole, ALICE, [[500, 500]]).ok).toBe(false);
    expect(speaks('x', whole.subarray(0, 8000), ALICE, [[200, 2900]]).ok).toBe(false);
  });

  test('a single missing packet of 20 ms is noticed at its place', () => {
    const holed = speech(ALICE, 3000, [0, 1000], [1020, 3000]);
    expect(missingMs([holed], ALICE.toneHz, [0, 3000])).toBeGreaterThan(0);
    expect(missingMs([holed], ALICE.toneHz, [0, 1000])).toBe(0);
    expect(missingMs([holed], ALICE.toneHz, [1020, 3000])).toBe(0);
  });

  test('two recordings complete one another; what neither has is lost', () => {
    const first = speech(ALICE, 3000, [0, 1200]);
    const second = speech(ALICE, 3000, [1100, 3000]);
    const late = speech(ALICE, 3000, [1700, 3000]);
    expect(lostSeconds([first, second], ALICE, [0, 3000])).toMatchObject({
      seconds: 0,
      check: { ok: true },
    });
    const lost = lostSeconds([first, late], ALICE, [0, 3000]);
    expect(lost.check.ok).toBe(false);
    expect(lost.seconds).toBeGreaterThan(0.45);
    expect(lost.seconds).toBeLessThan(0.55);
  });

  test('the other party in a channel is noticed, a cut tone is not taken for it', () => {
    const bob = speech(BOB, 3000, [1000, 1200]);
    const both = whole.map((sample, index) => sample + (bob[index] ?? 0));
    expect(isAbsent('x', gapped, BOB).ok).toBe(true);
    expect(isAbsent('x', both, BOB).ok).toBe(false);
  });

  test('silence is silence, and one packet is not', () => {
    expect(isSilent('x', gapped, [1500, 1600]).ok).toBe(true);
    expect(isSilent('x', speech(ALICE, 3000, [1540, 1560]), [1500, 1600]).ok).toBe(false);
    expect(loudestDbfs(whole, [1000, 2000], ALICE.toneHz)).toBeCloseTo(-12, 0);
  });

  test('spans of a tone are found within a few ms', () => {
    const spans = toneSpans(gapped, ALICE.toneHz);
    expect(spans.flat().map(ms => Math.round(ms / 20) * 20)).toEqual([200, 1500, 1600, 3000]);
    expect(firstHeardMs(gapped, ALICE.toneHz)).toBeGreaterThan(190);
    expect(firstHeardMs(gapped, BOB.toneHz)).toBe(Infinity);
  });
});
