import fc from 'fast-check';
import { decodeG711, encodeG711, G711_SILENCE, type G711Encoding } from '#media';

const ALL_CODES = Uint8Array.from({ length: 256 }, (_, code) => code);
const LAWS: G711Encoding[] = ['PCMU', 'PCMA'];

/** Half the widest quantisation step of a law at a magnitude: the steps double per segment. */
function widestError(law: G711Encoding, sample: number): number {
  const magnitude = Math.abs(sample);
  return law === 'PCMU' ? Math.max(8, (magnitude + 132) / 16) : Math.max(16, magnitude / 16);
}

describe.each(LAWS)('G.711 %s', law => {
  test('every code word survives decoding and encoding, except the second zero of PCMU', () => {
    const codes = encodeG711(law, decodeG711(law, ALL_CODES));
    for (let code = 0; code < 256; code++) {
      // PCMU has two zeros, 0x7f and 0xff; linear PCM has one.
      const expected = law === 'PCMU' && code === 0x7f ? 0xff : code;
      expect([code, codes[code]]).toEqual([code, expected]);
    }
  });

  test('the decoded values grow strictly with the code within each sign', () => {
    const flip = law === 'PCMU' ? 0xff : 0xd5;
    const positive = ALL_CODES.slice(0, 128).map(rank => rank ^ flip);
    const values = [...decodeG711(law, positive)];
    expect(values).toEqual([...new Set(values)].sort((a, b) => a - b));
  });

  test('the negative half mirrors the positive half', () => {
    const values = decodeG711(law, ALL_CODES);
    for (let code = 0; code < 128; code++) {
      expect((values[code] ?? NaN) + (values[code | 0x80] ?? NaN)).toBe(0);
    }
  });

  test('encoding keeps every sample within half a step', () => {
    fc.assert(
      fc.property(fc.integer({ min: -32_000, max: 32_000 }), sample => {
        const [decoded] = decodeG711(law, encodeG711(law, Int16Array.of(sample)));
        expect(Math.abs((decoded ?? NaN) - sample)).toBeLessThanOrEqual(widestError(law, sample));
      }),
      { numRuns: 1000 },
    );
  });

  test('silence is the code word of zero', () => {
    expect(encodeG711(law, Int16Array.of(0))[0]).toBe(G711_SILENCE[law]);
  });

  test('a target that is too short is refused', () => {
    expect(() => decodeG711(law, ALL_CODES, new Int16Array(255))).toThrow(RangeError);
    expect(() => encodeG711(law, new Int16Array(2), new Uint8Array(1))).toThrow(RangeError);
  });
});

test.each([
  // Reference points of ITU-T G.711 tables 1 and 2, scaled to 16 bit.
  ['PCMU', 0x80, 32_124],
  ['PCMU', 0x00, -32_124],
  ['PCMU', 0xff, 0],
  ['PCMU', 0xf0, 120],
  ['PCMU', 0xef, 132],
  ['PCMA', 0xaa, 32_256],
  ['PCMA', 0x2a, -32_256],
  ['PCMA', 0xd5, 8],
  ['PCMA', 0x55, -8],
] as const)('%s code word 0x%s decodes to %i', (law, code, linear) => {
  expect(decodeG711(law, Uint8Array.of(code))[0]).toBe(linear);
});

test.each([
  ['PCMU', 32_767, 0x80],
  ['PCMU', -32_768, 0x00],
  ['PCMA', 32_767, 0xaa],
  ['PCMA', -32_768, 0x2a],
  ['PCMA', -1, 0x55],
] as const)('%s encodes %i to full scale or the nearest step', (law, linear, code) => {
  expect(encodeG711(law, Int16Array.of(linear))[0]).toBe(code);
});
