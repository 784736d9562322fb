import { type G711Encoding, G711_TABLES } from '../../../../media/codec/g711';
import {
  DuckedLaws,
  gainOfDb,
  type MixGains,
  mixFrames,
  mixG711,
} from '../../../../media/mixer/mix';

function gains(parts: Partial<MixGains> = {}): MixGains {
  return { live: 1, liveTarget: 1, sound: 1, soundTarget: 1, step: 1, ...parts };
}

test('the sum saturates at both ends, at 16 bits or at less', () => {
  const values = Int16Array.of(30_000, -30_000, 100, -100);
  const sound = Int16Array.of(10_000, -10_000, 50, -50);
  mixFrames(values, 4, 1, sound, 0, gains(), 32_767);
  expect([...values]).toEqual([32_767, -32_768, 150, -150]);
  const bands = Int16Array.of(16_000, -16_000);
  mixFrames(bands, 1, 2, Int16Array.of(16_000, -16_000), 0, gains(), 16_383);
  expect([...bands]).toEqual([16_383, -16_384]);
});

test('a sound that ends within the packet leaves the rest to speech', () => {
  const values = Int16Array.of(1, 2, 3, 4);
  mixFrames(values, 4, 1, Int16Array.of(9, 10, 20), 1, gains(), 32_767);
  expect([...values]).toEqual([11, 22, 3, 4]);
});

test('gains move by a step per frame, both values of a pair alike, and stop at their targets', () => {
  const values = new Int16Array(8).fill(1000);
  const moving = gains({ liveTarget: 0.5, sound: 1, soundTarget: 0, step: 0.25 });
  mixFrames(values, 4, 2, new Int16Array(8).fill(100), 0, moving, 16_383);
  expect([...values]).toEqual([825, 825, 550, 550, 525, 525, 500, 500]);
  expect(moving).toMatchObject({ live: 0.5, sound: 0 });
});

test('decibels are those of amplitudes', () => {
  expect(gainOfDb(0)).toBe(1);
  expect(gainOfDb(-6)).toBeCloseTo(0.501, 3);
});

test.each<[G711Encoding, number]>([
  ['PCMU', 1],
  ['PCMU', gainOfDb(-12)],
  ['PCMA', 1],
  ['PCMA', gainOfDb(-7.3)],
])('code words of %s at a gain of %d are mixed to what samples would be', (law, gain) => {
  const { decode, encode } = G711_TABLES[law];
  // Every code word beside sounds from one end of the scale to the other.
  for (const offset of [0, 3, 17_000, -17_000, 32_767, -32_768]) {
    const codes = Uint8Array.from({ length: 258 }, (_, i) => i);
    const sound = Int16Array.from({ length: 260 }, (_, i) =>
      Math.max(-32_768, Math.min(32_767, offset + 13 * i - 1600)),
    );
    const values = Int16Array.from(codes, code => decode[code]!);
    mixFrames(values, 258, 1, sound, 2, gains({ live: gain, liveTarget: gain }), 32_767);
    const table = new DuckedLaws().find(law, decode, gain);
    // The first two code words are not part of it.
    const padded = Uint8Array.from([7, 9, ...codes]);
    mixG711(padded, 2, 258, table, encode, sound, 2);
    expect([...padded]).toEqual([7, 9, ...Array.from(values, value => encode[value & 0xffff]!)]);
  }
});

test('tables of gains are kept, and not without bound', () => {
  const laws = new DuckedLaws();
  const { decode } = G711_TABLES.PCMU;
  const first = laws.find('PCMU', decode, 0.5);
  expect(laws.find('PCMU', decode, 0.5)).toBe(first);
  expect(laws.find('PCMU', decode, 1)).toBe(decode);
  for (let i = 1; i <= 64; i++) {
    laws.find('PCMU', decode, i / 1000);
  }
  expect(laws.find('PCMU', decode, 0.5)).not.toBe(first);
});
