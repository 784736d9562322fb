import fc from 'fast-check';
import { type CompoundReport, MAX_RTCP_BYTES, writeCompound } from '../../../../media/rtcp/build';
import { ntpFraction, ntpMiddle, ntpSeconds, toDlsr } from '../../../../media/rtcp/ntp';
import { MAX_REPORT_BLOCKS, parseRtcp } from '../../../../media/rtcp/parse';

const BLOCK = {
  ssrc: 0x0102_0304,
  fractionLost: 0x40,
  packetsLost: -2,
  extendedHighest: 0x0001_0002,
  jitter: 7,
  lastSenderReport: 0x1111_2222,
  delaySinceLastSenderReport: 0x0001_8000,
};

const SENDER = { wallMs: 500, timestamp: 0xdead_beef, packets: 3, octets: 2 ** 32 + 480 };

function write(parts: Partial<CompoundReport>): Buffer {
  const bytes = Buffer.alloc(MAX_RTCP_BYTES, 0xee);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const length = writeCompound(view, 0, {
    ssrc: 0xcafe_babe,
    sender: null,
    block: null,
    cname: Buffer.from('ab'),
    bye: false,
    ...parts,
  });
  return bytes.subarray(0, length);
}

function parse(bytes: Uint8Array): ReturnType<typeof parseRtcp> {
  return parseRtcp(new DataView(bytes.buffer, bytes.byteOffset, bytes.length), 0, bytes.length);
}

test('SR with a block, SDES and BYE are written byte for byte', () => {
  const expected = [
    // SR: V=2, one block, 12 words follow; SSRC; NTP 1970 + 0.5 s; RTP time; packets; octets modulo 2^32
    '81c8000c cafebabe 83aa7e80 80000000 deadbeef 00000003 000001e0',
    // block: SSRC, fraction 64/256, −2 lost, highest, jitter, LSR, DLSR
    '01020304 40fffffe 00010002 00000007 11112222 00018000',
    // SDES: one chunk, CNAME of two bytes, end of list and padding
    '81ca0003 cafebabe 01026162 00000000',
    // BYE
    '81cb0001 cafebabe',
  ];
  const written = write({ sender: SENDER, block: BLOCK, bye: true });
  expect(written.toString('hex')).toBe(expected.join('').replaceAll(' ', ''));
});

test('RR without a block is written byte for byte', () => {
  expect(write({ cname: Buffer.from('abc') }).toString('hex')).toBe(
    ['80c90001cafebabe', '81ca0003cafebabe', '0103616263', '000000'].join(''),
  );
});

test.each([0, 1, 2, 3, 4, 254, 255, 300])('a CNAME of %i bytes keeps the words whole', length => {
  const written = write({ cname: Buffer.alloc(length, 0x61) });
  expect(written.length % 4).toBe(0);
  expect(parse(written)).not.toBeNull();
  // The list ends with a zero octet at least.
  expect(written.at(-1)).toBe(0);
});

test('what was written is read again', () => {
  const parsed = parse(write({ sender: SENDER, block: BLOCK, bye: true }));
  expect(parsed).toEqual({
    senderSsrc: 0xcafe_babe,
    senderReport: { ssrc: 0xcafe_babe, ntpMiddle: 0x7e80_8000 },
    blocks: [BLOCK],
    byes: [0xcafe_babe],
  });
});

test('every truncation is malformed or ends between packets', () => {
  const whole = write({ sender: SENDER, block: BLOCK, bye: true });
  const boundaries = [52, 68];
  for (let length = 0; length < whole.length; length++) {
    const parsed = parse(whole.subarray(0, length));
    expect([length, parsed !== null]).toEqual([length, boundaries.includes(length)]);
  }
});

test.each([
  ['version 1', '40c90001cafebabe'],
  ['a count that its length cannot hold', '9fc90001cafebabe'],
  ['an SR without sender info', '80c80001cafebabe'],
  ['a BYE with more sources than words', '82cb0001cafebabe'],
  ['an RTP payload type', '80000001cafebabe'],
  ['a second packet of three bytes', '80c90001cafebabe81ca00'],
  ['a length beyond the datagram', '80c9ffffcafebabe'],
])('%s is malformed', (_name, hex) => {
  expect(parse(Buffer.from(hex, 'hex'))).toBeNull();
});

test('unknown packet types in a compound are skipped', () => {
  const parsed = parse(Buffer.from('80c90001cafebabe' + '81cd000200000001000000ff', 'hex'));
  expect(parsed).toMatchObject({ senderSsrc: 0xcafe_babe, blocks: [] });
});

test('the number of kept blocks is bounded', () => {
  const rr = Buffer.alloc(8 + 31 * 24);
  rr.writeUInt16BE(0x9fc9, 0);
  rr.writeUInt16BE(rr.length / 4 - 1, 2);
  const parsed = parse(Buffer.concat([rr, rr, rr]));
  expect(parsed?.blocks).toHaveLength(MAX_REPORT_BLOCKS);
});

test('any bytes are read without an error', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), bytes => {
      bytes[0] = ((bytes[0] ?? 0) & 0x3f) | 0x80;
      const parsed = parse(bytes);
      expect(parsed === null || parsed.blocks.length <= MAX_REPORT_BLOCKS).toBe(true);
    }),
    { numRuns: 1000 },
  );
});

test('NTP time counts from 1900 in seconds and fractions', () => {
  expect(ntpSeconds(0)).toBe(2_208_988_800);
  expect(ntpFraction(1250)).toBe(0x4000_0000);
  // The era ends in February 2036; the seconds wrap.
  expect(ntpSeconds(Date.UTC(2036, 1, 7, 6, 28, 16))).toBe(0);
  expect(ntpMiddle(0x1234_5678, 0x9abc_def0)).toBe(0x5678_9abc);
  expect(toDlsr(1500)).toBe(0x1_8000);
  expect(toDlsr(-5)).toBe(0);
});
