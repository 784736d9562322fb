import { ReceptionStats } from '../../../../media/rtp/reception';

/** Receives packets of one source with these numbers, 20 ms apart. */
function receive(stats: ReceptionStats, sequences: readonly number[], ssrc = 1): void {
  sequences.forEach((sequence, i) => {
    stats.update(ssrc, sequence & 0xffff, i * 160, 8000, i * 20);
  });
}

test('loss is what is expected minus what came, over the wrap', () => {
  const stats = new ReceptionStats();
  receive(stats, [65_533, 65_534, 1, 2]);
  expect(stats.packetsLost).toBe(2);
  expect(stats.extendedHighest).toBe(0x1_0002);
});

test('a late packet is no longer lost, a doubled one counts against loss', () => {
  const stats = new ReceptionStats();
  receive(stats, [1, 3, 2]);
  expect(stats.packetsLost).toBe(0);
  receive(stats, [3]);
  expect(stats.packetsLost).toBe(-1);
});

test('the loss of an earlier source stays counted', () => {
  const stats = new ReceptionStats();
  receive(stats, [1, 3], 1);
  receive(stats, [900, 903], 2);
  expect(stats.packetsLost).toBe(3);
  expect(stats.ssrc).toBe(2);
});

test('a restart of the numbering is no loss of thousands', () => {
  const stats = new ReceptionStats();
  receive(stats, [1, 2, 30_000, 30_001]);
  expect(stats.packetsLost).toBe(0);
});

test('the fraction is of the interval since the last report', () => {
  const stats = new ReceptionStats();
  receive(stats, [0, 1, 3]);
  expect(stats.takeFractionLost()).toBe(64);
  receive(stats, [4, 5]);
  expect(stats.takeFractionLost()).toBe(0);
  expect(stats.takeFractionLost()).toBe(0);
});

test('only what changes the loss says so', () => {
  const stats = new ReceptionStats();
  expect(stats.update(1, 10, 0, 8000, 0)).toBe(true);
  expect(stats.update(1, 11, 160, 8000, 20)).toBe(false);
  expect(stats.update(1, 13, 480, 8000, 60)).toBe(true);
});

test('jitter is zero for an even stream and smoothed for an uneven one', () => {
  const even = new ReceptionStats();
  receive(even, [1, 2, 3, 4]);
  expect(even.jitter).toBe(0);
  const uneven = new ReceptionStats();
  uneven.update(1, 1, 0, 8000, 0);
  // 10 ms late: 80 units, of which a sixteenth counts (RFC 3550 §A.8).
  uneven.update(1, 2, 160, 8000, 30);
  expect(uneven.jitter).toBe(5);
});
