import { trimSilence } from '../../../../src/prompts/freeswitch/trim';

const RATE = 8000;

/** Silence, a tone, a pause, a tone, silence; ms each. */
function clip(...ms: number[]): Int16Array {
  return Int16Array.from(
    ms.flatMap((each, part) =>
      Array.from({ length: (each * RATE) / 1000 }, (_, n) =>
        part % 2 === 0 ? (n % 3) - 1 : Math.round(5000 * Math.sin(n / 2)),
      ),
    ),
  );
}

describe('the silence around a prompt', () => {
  test('is cut off but for a moment; silence within stays', () => {
    const trimmed = trimSilence({ samples: clip(500, 200, 400, 200, 900), sampleRateHz: RATE });
    expect((trimmed!.samples.length * 1000) / RATE).toBeCloseTo(60 + 800 + 120, -1);
  });

  test('what has none stays as it is', () => {
    const samples = clip(0, 300);
    expect(trimSilence({ samples, sampleRateHz: RATE })!.samples).toHaveLength(samples.length);
  });

  test.each([
    ['nothing', new Int16Array(0)],
    ['noise below −50 dBFS', clip(800)],
  ])('%s is no prompt', (_, samples) => {
    expect(trimSilence({ samples, sampleRateHz: RATE })).toBeNull();
  });
});
