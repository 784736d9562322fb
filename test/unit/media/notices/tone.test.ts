import { resample } from '#media';
import { renderTone } from '../../../../media/notices/tone';
import { toneLevelDbfs } from '../../../../src/lab/audio/goertzel';

const TONE = { frequencyHz: 1400, durationMs: 200, levelDbm0: -20, rampMs: 10 };

/** The strongest of what a window holds between two frequencies, dBFS. */
function strongest(samples: Int16Array, fromHz: number, toHz: number): number {
  let most = -Infinity;
  for (let hz = fromHz; hz <= toHz; hz += 20) {
    most = Math.max(most, toneLevelDbfs(samples, hz));
  }
  return most;
}

/** The tone with silence around it, and what is in 40 ms around its edges. */
function edges(rampMs: number): Int16Array[] {
  const padded = new Int16Array(3200);
  padded.set(renderTone({ ...TONE, rampMs }, 8000), 800);
  return [800, 2400].map(edge => padded.subarray(edge - 160, edge + 160));
}

test('a tone has its level, its length and nothing else', () => {
  const samples = renderTone(TONE, 8000);
  expect(samples).toHaveLength(1600);
  expect(toneLevelDbfs(samples.subarray(200, 1400), 1400)).toBeCloseTo(-23.14, 1);
  expect(strongest(samples, 100, 1200)).toBeLessThan(-80);
  expect(strongest(samples, 1600, 3800)).toBeLessThan(-80);
});

test('its edges do not click: half a kilohertz away there is 25 dB less than at an edge without a ramp', () => {
  for (const [i, soft] of edges(10).entries()) {
    const hard = edges(0)[i] ?? soft;
    for (const [fromHz, toHz] of [
      [200, 800],
      [2000, 3800],
    ] as const) {
      expect(strongest(hard, fromHz, toHz) - strongest(soft, fromHz, toHz)).toBeGreaterThan(25);
    }
    expect(strongest(soft, 2000, 3800)).toBeLessThan(-75);
  }
});

test('ramps of half its length are the most that fit', () => {
  const samples = renderTone({ ...TONE, durationMs: 20, rampMs: 10 }, 8000);
  expect(Math.abs(samples[0] ?? 1)).toBeLessThan(5);
  expect(Math.abs(samples[159] ?? 1)).toBeLessThan(50);
});

test.each([
  [16_000, 8000],
  [22_050, 16_000],
  [44_100, 8000],
  [8000, 48_000],
])('a tone resampled from %i to %i Hz keeps its level and has no images', (fromHz, toHz) => {
  const tone = renderTone({ ...TONE, frequencyHz: 1000, durationMs: 500, levelDbm0: -10 }, fromHz);
  const out = resample(tone, fromHz, toHz);
  expect(out).toHaveLength(Math.floor((tone.length * toHz) / fromHz));
  const middle = out.subarray(out.length >> 2, 3 * (out.length >> 2));
  expect(toneLevelDbfs(middle, 1000, toHz)).toBeCloseTo(-13.14, 1);
  for (const image of [3000, 7000, 9000, 15_000].filter(hz => hz < toHz / 2)) {
    expect(toneLevelDbfs(middle, image, toHz)).toBeLessThan(-70);
  }
});
