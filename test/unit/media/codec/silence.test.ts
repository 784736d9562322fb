import { decodeG722, encodeG722, G722BandDecoder } from '#media';

import { KIND_G722, kindOf } from '../../../../media/codec/payload-kinds';
import { canBeSilent, silenceOf, unitsOf } from '../../../../media/codec/silence';

function format(
  encoding: string,
  clockRateHz = 8000,
  channels = 1,
): Parameters<typeof canBeSilent>[0] {
  return { payloadType: 97, encoding, clockRateHz, channels };
}

function silence(encoding: string, rateHz = 8000): NonNullable<ReturnType<typeof silenceOf>> {
  const made = silenceOf(kindOf(format(encoding)), 97, rateHz);
  if (made === null) {
    throw new Error('no silence');
  }
  return made;
}

describe('the silence of a codec', () => {
  test.each([
    ['PCMU', 0xff],
    ['PCMA', 0xd5],
  ])('%s: 160 octets of its smallest code word', (encoding, code) => {
    expect(silence(encoding)).toMatchObject({ payloadType: 97, rateHz: 8000, units: 160 });
    expect([...payload(silence(encoding))]).toEqual(Array(160).fill(code));
  });

  test.each([
    [8000, 160],
    [16_000, 320],
    [32_000, 640],
    [44_100, 441],
    [48_000, 480],
  ])('L16 at %i Hz: zeros in packets that fit', (rateHz, units) => {
    const made = silence('L16', rateHz);
    expect(made.units).toBe(units);
    expect([...payload(made)]).toEqual(Array(2 * units).fill(0));
    expect(unitsOf(made.kind, made.payloadBytes)).toBe(units);
  });

  test('G.722: silent at once for who heard what the decoder has heard', () => {
    const speech = Int16Array.from({ length: 3200 }, (_, n) =>
      Math.round(12_000 * Math.sin(n / 5)),
    );
    const codes = encodeG722(speech);
    const heard = new G722BandDecoder();
    heard.decode(codes, 0, codes.length, new Int16Array(2 * codes.length));

    const going = silenceOf(KIND_G722, 9, 8000, heard);
    const after = Buffer.concat([codes, payload(going!), payload(going!)]);
    const samples = decodeG722(after);
    expect(loudest(samples.subarray(2800, 3200))).toBeGreaterThan(10_000);
    // The filters of the decoder ring on for a moment.
    expect(loudest(samples.subarray(3200 + 160))).toBeLessThan(100);
    expect(loudest(samples.subarray(3200 + 320))).toBeLessThan(10);
    expect(going?.units).toBe(160);
  });

  test('G.722 without anything before', () => {
    const made = silence('G722');
    expect(loudest(decodeG722(Buffer.concat([payload(made), payload(made)])))).toBeLessThan(10);
  });

  test.each([
    format('OPUS', 48_000),
    format('G729'),
    format('L16', 12_345),
    format('PCMU', 8000, 2),
  ])(
    'is not made where it is not known: $encoding at $clockRateHz Hz, $channels channels',
    unknown => {
      expect(canBeSilent(unknown)).toBe(false);
      expect(silenceOf(kindOf(unknown), 97, unknown.clockRateHz)).toBeNull();
    },
  );
});

function loudest(samples: Int16Array): number {
  return samples.reduce((most, sample) => Math.max(most, Math.abs(sample)), 0);
}

function payload(made: NonNullable<ReturnType<typeof silenceOf>>): Buffer {
  const bytes = Buffer.alloc(made.payloadBytes, 0x11);
  made.write(bytes, 0);
  return bytes;
}
