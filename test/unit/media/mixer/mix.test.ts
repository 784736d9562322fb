import { gainOfDb, type MixGains, mixFrames } from '../../../../media/mixer/mix';

function gains(parts: Partial<MixGains> = {}): MixGains {
  return { live: 1, liveTarget: 1, sound: 1, soundTarget: 1, ...parts };
}

test('the sum saturates at both ends, at 16 bits or at less', () => {
  const values = Int16Array.of(30_000, -30_000, 100, -100);
  const sound = Int16Array.of(10_000, -10_000, 50, -50);
  mixFrames(values, 4, 1, sound, 0, gains(), 1, 32_767);
  expect([...values]).toEqual([32_767, -32_768, 150, -150]);
  const bands = Int16Array.of(16_000, -16_000);
  mixFrames(bands, 1, 2, Int16Array.of(16_000, -16_000), 0, gains(), 1, 16_383);
  expect([...bands]).toEqual([16_383, -16_384]);
});

test('a sound that ends within the packet leaves the rest to speech', () => {
  const values = Int16Array.of(1, 2, 3, 4);
  mixFrames(values, 4, 1, Int16Array.of(9, 10, 20), 1, gains(), 1, 32_767);
  expect([...values]).toEqual([11, 22, 3, 4]);
});

test('gains move by a step per frame, both values of a pair alike, and stop at their targets', () => {
  const values = new Int16Array(8).fill(1000);
  const moving = gains({ liveTarget: 0.5, sound: 1, soundTarget: 0 });
  mixFrames(values, 4, 2, new Int16Array(8).fill(100), 0, moving, 0.25, 16_383);
  expect([...values]).toEqual([825, 825, 550, 550, 525, 525, 500, 500]);
  expect(moving).toMatchObject({ live: 0.5, sound: 0 });
});

test('decibels are those of amplitudes', () => {
  expect(gainOfDb(0)).toBe(1);
  expect(gainOfDb(-6)).toBeCloseTo(0.501, 3);
});
