import { loudestDbfs, withoutSpeaker, withoutTone } from '../../../src/demo/proof/ear';
import { findPrompt, traceOf } from '../../../src/demo/proof/prompt-ear';
import { levelDbfs, mix, resampleTo8k, take, tone, toneLevelDbfs } from '../../../src/lab';
import { decodeG711, encodeG711, packagedPromptPath, readPromptFile } from '#media';

const HZ = 440;
const PER_MS = 8;

function promptOf(kind: string): Int16Array {
  const { samples, sampleRateHz } = readPromptFile(packagedPromptPath('en', kind));
  return resampleTo8k(samples, sampleRateHz);
}

const START = promptOf('start');

/** A speaker, and over it pieces of signals. */
function ear(
  lengthMs: number,
  ...parts: readonly [atMs: number, samples: Int16Array][]
): Int16Array {
  const heard = take(tone({ hz: HZ, levelDbfs: -24 }), lengthMs * PER_MS);
  for (const [atMs, samples] of parts) {
    samples.forEach(
      (value, i) => (heard[atMs * PER_MS + i] = (heard[atMs * PER_MS + i] ?? 0) + value),
    );
  }
  return heard;
}

const scaled = (samples: Int16Array, gain: number): Int16Array => samples.map(each => each * gain);

describe('a prompt in an ear', () => {
  test('is found where it stands, and what is left is the speaker', () => {
    const found = findPrompt(ear(4000, [1234, START]), START, HZ, [900, 1600]);
    expect(found?.span[0]).toBeCloseTo(1234, 0);
    expect(found?.likeness).toBeGreaterThan(0.9);
    expect(Math.abs((found?.gain ?? 0) - 1)).toBeLessThan(0.12);
    // The prompt itself has something at 440 Hz, by which the speaker seems to be gone for moments.
    const windows = Array.from({ length: 70 }, (_, n) =>
      found!.rest.subarray(n * 160, n * 160 + 160),
    );
    expect(Math.min(...windows.map(each => toneLevelDbfs(each, HZ)))).toBeGreaterThan(-26);
  });

  test('that is another one, or only a piece of it, is less like it', () => {
    const other = findPrompt(ear(4000, [1200, promptOf('stop')]), START, HZ, [900, 1600]);
    expect(other?.likeness).toBeLessThan(0.7);
    const piece = START.subarray(0, START.length / 3);
    expect(findPrompt(ear(4000, [1200, piece]), START, HZ, [900, 1600])?.likeness).toBeLessThan(
      0.8,
    );
    expect(findPrompt(ear(4000), START, HZ, [900, 1600])?.likeness).toBeLessThan(0.5);
    expect(findPrompt(ear(500), START, HZ, [900, 1600])).toBeNull();
  });

  test('is followed when the talk stood still in the middle', () => {
    const cut = 600 * PER_MS;
    const heard = ear(4000, [1200, START.subarray(0, cut)], [1950, START.subarray(cut)]);
    const found = findPrompt(heard, START, HZ, [900, 1600]);
    expect(found?.likeness).toBeGreaterThan(0.8);
    expect((found?.span[1] ?? 0) - (found?.span[0] ?? 0)).toBeCloseTo(
      START.length / PER_MS + 150,
      0,
    );
  });

  test('leaves the speaker missing where it is missing', () => {
    const heard = ear(4000, [1200, START]);
    const silent = heard.map((value, i) =>
      i >= 1700 * PER_MS && i < 1800 * PER_MS ? (START[i - 1200 * PER_MS] ?? 0) : value,
    );
    const rest = findPrompt(silent, START, HZ, [900, 1600])!.rest;
    expect(toneLevelDbfs(rest.subarray(510 * PER_MS, 590 * PER_MS), HZ)).toBeLessThan(-40);
  });
});

describe('a trace of a prompt', () => {
  const place = [1200, 2800] as const;
  const dB = (gain: number): number => 20 * Math.log10(Math.max(gain, 1e-6));

  test.each([-40, -50])('of %i dB is measured under a speaker', level => {
    const heard = ear(4000, [1230, scaled(START, 10 ** (level / 20))]);
    expect(Math.abs(dB(traceOf(heard, START, HZ, place)) - level)).toBeLessThan(3);
  });

  test.each([0, -20])('of %i dB, which cuts the speaker to pieces, is not underrated', level => {
    const heard = ear(4000, [1230, scaled(START, 10 ** (level / 20))]);
    expect(dB(traceOf(heard, START, HZ, place))).toBeGreaterThan(level - 3);
  });

  test('is far below where there is none, though the speaker begins and ends', () => {
    const heard = ear(4000);
    heard.fill(0, 1500 * PER_MS, 1633 * PER_MS);
    expect(dB(traceOf(heard, START, HZ, place))).toBeLessThan(-55);
  });

  test('proves nothing in a signal that is cut to pieces', () => {
    const heard = ear(4000);
    for (let at = 0; at < heard.length; at += 400) {
      heard.fill(0, at, at + 200);
    }
    expect(traceOf(heard, START, HZ, place)).toBe(1);
  });
});

test('a tone is taken out of a signal, and everything else stays', () => {
  const mixed = take(
    mix(tone({ hz: HZ, levelDbfs: -12 }), tone({ hz: 900, levelDbfs: -30 })),
    1600,
  );
  // Where the tones fade in there is nothing to be taken out cleanly.
  const rest = withoutTone(mixed, HZ).subarray(160);
  expect(levelDbfs(rest)).toBeCloseTo(-30, 0);
  expect(toneLevelDbfs(rest, HZ)).toBeLessThan(-60);
});

describe('a recording without its speaker', () => {
  const BEEP_HZ = 1400;
  /** Cut off in the midst of a word, and going on in the midst of one. */
  function cutRecording(cutAt: number): Int16Array {
    const samples = take(tone({ hz: HZ, levelDbfs: -12 }), 5000 * PER_MS);
    samples.fill(0, cutAt, 32_011);
    return decodeG711('PCMU', encodeG711('PCMU', samples));
  }
  const beepIn = (samples: Int16Array): number =>
    loudestDbfs(withoutSpeaker(samples, HZ).rest, [0, 5000], BEEP_HZ, 200);

  test.each([16_000, 16_003, 16_079, 16_081, 16_159])(
    'has nothing at the frequency of a beep, wherever it is cut (sample %i)',
    cutAt => {
      const samples = cutRecording(cutAt);
      // The cut alone has more than 40 dB below a beep of -23 dBFS, near enough.
      expect(loudestDbfs(samples, [0, 5000], BEEP_HZ, 200)).toBeGreaterThan(-70);
      expect(beepIn(samples)).toBeLessThan(-80);
    },
  );

  test('nor where a packet is missing, and the next one follows at once', () => {
    const whole = take(tone({ hz: HZ, levelDbfs: -12 }), 5000 * PER_MS);
    const samples = Int16Array.from([...whole.subarray(0, 16_043), ...whole.subarray(16_203)]);
    expect(beepIn(decodeG711('PCMU', encodeG711('PCMU', samples)))).toBeLessThan(-80);
  });

  test('shows a beep that is 37 dB down', () => {
    const samples = cutRecording(16_003);
    const beep = take(tone({ hz: BEEP_HZ, levelDbfs: -60 }), 200 * PER_MS);
    beep.forEach((value, i) => (samples[33_000 + i] = (samples[33_000 + i] ?? 0) + value));
    expect(beepIn(samples)).toBeGreaterThan(-63);
  });
});
