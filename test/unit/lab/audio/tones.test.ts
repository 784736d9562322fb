import { toneLevelDbfs } from '../../../../src/lab/audio/goertzel';
import {
  amplified,
  dbfsOfDbm0,
  levelDbfs,
  mix,
  pcmOf,
  silence,
  take,
} from '../../../../src/lab/audio/pcm';
import { resampleTo8k } from '../../../../src/lab/audio/resample';
import { tone } from '../../../../src/lab/audio/tone';
import { detectTone, scanTones, soundSpans } from '../../../../src/lab/audio/tone-detector';
import { voice } from '../../../../src/lab/audio/voice';

describe('tone()', () => {
  it.each([-3, -12, -26.5])('has the level that was asked for (%p dBFS)', level => {
    const samples = take(tone({ hz: 1000, levelDbfs: level, rampMs: 0 }), 8000);
    expect(levelDbfs(samples)).toBeCloseTo(level, 1);
  });

  it('starts and ends softly and is silent afterwards', () => {
    const samples = take(tone({ hz: 1000, levelDbfs: 0, durationMs: 100, rampMs: 10 }), 1600);
    expect(Math.max(...samples.subarray(0, 8).map(Math.abs))).toBeLessThan(800);
    expect(Math.max(...samples.subarray(792, 800).map(Math.abs))).toBeLessThan(800);
    expect(samples.subarray(800).every(sample => sample === 0)).toBe(true);
  });

  it('gives the same samples whatever the size of the reads', () => {
    const source = tone({ hz: 440.5 });
    const part = new Int16Array(160);
    source.read(3200, part);
    expect([...part]).toEqual([...take(source, 3360).subarray(3200)]);
  });

  it.each([0, -5, 4000, NaN])('refuses %p Hz', hz => {
    expect(() => tone({ hz })).toThrow(RangeError);
  });

  it('knows dBm0', () => {
    expect(dbfsOfDbm0(-10)).toBeCloseTo(-13.15, 2);
  });
});

describe('toneLevelDbfs()', () => {
  it.each([300, 1000, 1400.3, 3300])('measures a sine of %p Hz within 0.2 dB', hz => {
    const samples = take(tone({ hz, levelDbfs: -20, rampMs: 0 }), 800);
    expect(toneLevelDbfs(samples, hz)).toBeGreaterThan(-20.2);
    expect(toneLevelDbfs(samples, hz)).toBeLessThan(-19.8);
  });

  it('hardly sees a sine that is 50 Hz away', () => {
    const samples = take(tone({ hz: 1000, levelDbfs: -10, rampMs: 0 }), 800);
    expect(toneLevelDbfs(samples, 1050)).toBeLessThan(-45);
  });

  it('gives the floor for silence and for nothing', () => {
    expect(toneLevelDbfs(new Int16Array(800), 1000)).toBe(-120);
    expect(toneLevelDbfs(new Int16Array(0), 1000)).toBe(-120);
  });

  it('finds a weak tone under a loud one', () => {
    const both = mix(tone({ hz: 700, levelDbfs: -6 }), tone({ hz: 1400, levelDbfs: -50 }));
    expect(toneLevelDbfs(take(both, 1600).subarray(400), 1400)).toBeCloseTo(-50, 0);
  });
});

describe('detectTone()', () => {
  const candidates = [400, 500, 600, 1400];

  it('names the only tone', () => {
    const reading = detectTone(take(tone({ hz: 500 }), 800), candidates);
    expect(reading).toMatchObject({ hz: 500, isAlone: true, present: [500] });
  });

  it('names every tone of a mixture, strongest first, and says that none is alone', () => {
    const source = mix(tone({ hz: 600, levelDbfs: -20 }), tone({ hz: 400, levelDbfs: -15 }));
    expect(detectTone(take(source, 800), candidates)).toMatchObject({
      hz: 400,
      isAlone: false,
      present: [400, 600],
    });
  });

  it('says null for silence', () => {
    expect(detectTone(take(silence, 800), candidates)).toMatchObject({ hz: null, isAlone: false });
  });

  it('says null when there is nothing to look for', () => {
    expect(detectTone(take(tone({ hz: 500 }), 800), [])).toMatchObject({ hz: null });
  });
});

describe('scanTones()', () => {
  it('shows when one tone takes over from another', () => {
    const samples = new Int16Array(3200);
    samples.set(take(tone({ hz: 400 }), 1600), 0);
    samples.set(take(tone({ hz: 600 }), 1600), 1600);
    expect(scanTones(samples, [400, 600]).map(({ startMs, hz }) => [startMs, hz])).toEqual([
      [0, 400],
      [100, 400],
      [200, 600],
      [300, 600],
    ]);
  });

  it('leaves an incomplete window out', () => {
    expect(scanTones(new Int16Array(1599), [400])).toHaveLength(1);
  });

  it('refuses windows of no length', () => {
    expect(() => scanTones(new Int16Array(100), [400], { windowMs: 0 })).toThrow(RangeError);
  });
});

describe('soundSpans()', () => {
  it('lists where something is heard', () => {
    const samples = new Int16Array(8000);
    samples.set(take(tone({ hz: 400 }), 1600), 1600);
    samples.set(take(tone({ hz: 400 }), 800), 4800);
    expect(soundSpans(samples)).toEqual([
      [200, 400],
      [600, 700],
    ]);
  });
});

describe('sources', () => {
  it('end in silence unless they loop', () => {
    const samples = Int16Array.of(1, 2, 3);
    expect([...take(pcmOf(samples), 5)]).toEqual([1, 2, 3, 0, 0]);
    expect([...take(pcmOf(samples, { loop: true }), 5)]).toEqual([1, 2, 3, 1, 2]);
    expect([...take(pcmOf(new Int16Array(0), { loop: true }), 2)]).toEqual([0, 0]);
  });

  it('saturate instead of wrapping when they are mixed or amplified', () => {
    const loud = pcmOf(Int16Array.of(30000, -30000));
    expect([...take(mix(loud, loud), 2)]).toEqual([32767, -32768]);
    expect([...take(amplified(loud, 6), 2)]).toEqual([32767, -32768]);
  });
});

describe('voice()', () => {
  const low = take(voice({ pitchHz: 110, levelDbfs: -10 }), 24000);

  it('is heard, breathes and does not clip', () => {
    expect(levelDbfs(low)).toBeGreaterThan(-35);
    expect(Math.max(...low.map(Math.abs))).toBeLessThanOrEqual(Math.ceil(32767 * 10 ** (-10 / 20)));
    expect(soundSpans(low, { windowMs: 50 }).length).toBeGreaterThan(1);
  });

  it('is the same each time and differs between parties', () => {
    expect([...take(voice({ pitchHz: 110, levelDbfs: -10 }), 800)]).toEqual([
      ...low.subarray(0, 800),
    ]);
    expect([...take(voice({ pitchHz: 220, levelDbfs: -10 }), 800)]).not.toEqual([
      ...low.subarray(0, 800),
    ]);
  });
});

describe('resampleTo8k()', () => {
  it.each([16000, 44100, 48000])('keeps a tone at its frequency and level from %p Hz', rateHz => {
    const samples = Int16Array.from({ length: rateHz }, (_, n) =>
      Math.round(10000 * Math.sin((2 * Math.PI * 1000 * n) / rateHz)),
    );
    const converted = resampleTo8k(samples, rateHz);
    expect(converted).toHaveLength(8000);
    expect(toneLevelDbfs(converted.subarray(1000, 5000), 1000)).toBeCloseTo(-10.3, 1);
  });

  it('removes what 8 kHz cannot carry', () => {
    const samples = Int16Array.from({ length: 48000 }, (_, n) =>
      Math.round(10000 * Math.sin((2 * Math.PI * 6000 * n) / 48000)),
    );
    expect(levelDbfs(resampleTo8k(samples, 48000).subarray(100, 7900))).toBeLessThan(-50);
  });
});
