import fc from 'fast-check';
import { isContinuation, sequenceDelta, timestampDelta } from '../../../../media/rtp/sequence';

test.each([
  [1, 0, 1],
  [0, 65_535, 1],
  [65_535, 0, -1],
  [32_767, 0, 32_767],
  [32_768, 0, -32_768],
  [5, 5, 0],
])('sequence %i is ahead of %i by %i', (sequence, reference, expected) => {
  expect(sequenceDelta(sequence, reference)).toBe(expected);
});

test('a timestamp difference survives the wrap', () => {
  expect(timestampDelta(100, 0xffff_ffff)).toBe(101);
  expect(timestampDelta(0xffff_ffff, 100)).toBe(-101);
});

test('adding a distance and taking it again is the identity', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 65_535 }),
      fc.integer({ min: -32_768, max: 32_767 }),
      (reference, delta) => {
        expect(sequenceDelta((reference + delta) & 0xffff, reference)).toBe(delta);
      },
    ),
    { numRuns: 500 },
  );
});

test('a restart of the source is told from loss and from reordering', () => {
  expect([1, 2999, -99, 0].map(isContinuation)).toEqual([true, true, true, true]);
  expect([3000, -100, 20_000, -20_000].map(isContinuation)).toEqual([false, false, false, false]);
});
