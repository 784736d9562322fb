import fc from 'fast-check';
import { isRtp, looksLikeRtcp, MAX_PACKET_BYTES } from '../../../../media/rtp/header';

/** A packet with the given first octet and length, zeros elsewhere. */
function packet(first: number, length: number, patch: Record<number, number> = {}): Uint8Array {
  const bytes = new Uint8Array(length);
  bytes[0] = first;
  Object.entries(patch).forEach(([at, value]) => {
    bytes[Number(at)] = value;
  });
  return bytes;
}

test.each([
  ['a bare header', packet(0x80, 12), true],
  ['the longest packet', packet(0x80, MAX_PACKET_BYTES), true],
  ['one byte too many', packet(0x80, MAX_PACKET_BYTES + 1), false],
  ['eleven bytes', packet(0x80, 11), false],
  ['nothing', packet(0x80, 1), false],
  ['version 0', packet(0x00, 12), false],
  ['version 1', packet(0x40, 12), false],
  ['version 3', packet(0xc0, 12), false],
  ['two CSRCs that fit', packet(0x82, 20), true],
  ['two CSRCs that do not', packet(0x82, 19), false],
  ['an empty header extension', packet(0x90, 16), true],
  ['an extension header that is cut off', packet(0x90, 15), false],
  ['an extension of two words that fits', packet(0x90, 24, { 15: 2 }), true],
  ['an extension of two words that is cut off', packet(0x90, 23, { 15: 2 }), false],
  ['an extension of 65535 words', packet(0x90, 100, { 14: 255, 15: 255 }), false],
  ['padding that fills the payload', packet(0xa0, 16, { 15: 4 }), true],
  ['padding beyond the payload', packet(0xa0, 16, { 15: 5 }), false],
  ['padding of zero bytes', packet(0xa0, 16), false],
])('%s is judged rightly', (_name, bytes, expected) => {
  expect(isRtp(bytes, 0, bytes.length)).toBe(expected);
});

test('any bytes at any place are judged without an error', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 80 }), fc.nat(16), (bytes, at) => {
      const length = Math.max(0, bytes.length - at);
      const isTaken = isRtp(bytes, at, length);
      expect(isTaken && length < 12).toBe(false);
    }),
    { numRuns: 500 },
  );
});

test('RTCP packet types are told from payload types on one port', () => {
  expect([191, 192, 200, 207, 223, 224, 0x80, 0].map(looksLikeRtcp)).toEqual([
    false,
    true,
    true,
    true,
    true,
    false,
    false,
    false,
  ]);
});
