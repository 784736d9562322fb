import fc from 'fast-check';
import { StreamRewriter } from '../../../../media/rtp/rewriter';

const SSRC = 0xaaaa;

function rewriter(
  parts: { maxSlipMs?: number; splitsAtClockChange?: boolean } = {},
): StreamRewriter {
  return new StreamRewriter({
    ssrc: SSRC,
    firstSequence: 65_534,
    firstTimestamp: 0xffff_ff00,
    maxSlipMs: 3000,
    splitsAtClockChange: true,
    ...parts,
  });
}

/** Maps a packet and tells what came out, relative to the stream's beginning. */
function mapped(
  stream: StreamRewriter,
  packet: { ssrc?: number; seq: number; ts: number; hz?: number; atMs: number },
): [number, number] {
  stream.map(packet.ssrc ?? 1, packet.seq, packet.ts, packet.hz ?? 8000, packet.atMs);
  return [(stream.sequence - 65_534) & 0xffff, (stream.timestamp - 0xffff_ff00) >>> 0];
}

test('the first packet gets the first numbers, and a run keeps its distances over every wrap', () => {
  const stream = rewriter();
  expect(mapped(stream, { seq: 65_530, ts: 0xffff_fff0, atMs: 0 })).toEqual([0, 0]);
  expect(mapped(stream, { seq: 65_531, ts: 144, atMs: 20 })).toEqual([1, 160]);
  expect(mapped(stream, { seq: 3, ts: 144 + 8 * 160, atMs: 180 })).toEqual([9, 1440]);
});

test('a late packet keeps its place and moves nothing', () => {
  const stream = rewriter();
  mapped(stream, { seq: 10, ts: 0, atMs: 0 });
  mapped(stream, { seq: 12, ts: 320, atMs: 40 });
  expect(mapped(stream, { seq: 11, ts: 160, atMs: 41 })).toEqual([1, 160]);
  expect(mapped(stream, { seq: 13, ts: 480, atMs: 60 })).toEqual([3, 480]);
});

test('another SSRC goes on with the next number, and with the time that has passed', () => {
  const stream = rewriter();
  mapped(stream, { seq: 10, ts: 0, atMs: 1000 });
  expect(mapped(stream, { ssrc: 2, seq: 40_000, ts: 123, atMs: 1500 })).toEqual([1, 4000]);
  expect(mapped(stream, { ssrc: 2, seq: 40_001, ts: 283, atMs: 1520 })).toEqual([2, 4160]);
});

test('a new run after a pause leaves no gap in numbers and all of the time', () => {
  const stream = rewriter();
  mapped(stream, { seq: 10, ts: 0, atMs: 0 });
  stream.startNewRun();
  expect(mapped(stream, { seq: 510, ts: 80_000, atMs: 10_000 })).toEqual([1, 80_000]);
});

test('a source that restarts its numbering is a new run', () => {
  const stream = rewriter();
  mapped(stream, { seq: 100, ts: 0, atMs: 0 });
  expect(mapped(stream, { seq: 30_000, ts: 160, atMs: 20 })).toEqual([1, 160]);
  expect(mapped(stream, { seq: 20_000, ts: 320, atMs: 40 })).toEqual([2, 320]);
});

test('two sources in the same instant never share a timestamp', () => {
  const stream = rewriter();
  mapped(stream, { ssrc: 1, seq: 1, ts: 0, atMs: 0 });
  expect(mapped(stream, { ssrc: 2, seq: 1, ts: 0, atMs: 0 })).toEqual([1, 1]);
});

test('timestamps that stood still during a silence are put right by arrival', () => {
  const stream = rewriter();
  mapped(stream, { seq: 1, ts: 0, atMs: 0 });
  expect(mapped(stream, { seq: 2, ts: 160, atMs: 60_000 })).toEqual([1, 480_000]);
});

test('timestamps that jump without time passing are put right too', () => {
  const stream = rewriter();
  mapped(stream, { seq: 1, ts: 0, atMs: 0 });
  expect(mapped(stream, { seq: 2, ts: 8_000_000, atMs: 20 })).toEqual([1, 160]);
});

test('a stream that believes its source passes jumps on', () => {
  const stream = rewriter({ maxSlipMs: 0 });
  mapped(stream, { seq: 1, ts: 0, atMs: 0 });
  expect(mapped(stream, { seq: 2, ts: 8_000_000, atMs: 20 })).toEqual([1, 8_000_000]);
});

test('a key that is held for long repeats its timestamp without a seam', () => {
  const stream = rewriter();
  mapped(stream, { seq: 0, ts: 0, atMs: 0 });
  for (let i = 1; i <= 250; i++) {
    expect(mapped(stream, { seq: i, ts: 160, atMs: 20 * i })).toEqual([i, 160]);
  }
  expect(mapped(stream, { seq: 251, ts: 251 * 160, atMs: 251 * 20 })).toEqual([251, 251 * 160]);
});

test('another clock rate of the same source goes on by time, where that is wanted', () => {
  const splitting = rewriter();
  mapped(splitting, { seq: 1, ts: 0, atMs: 0 });
  expect(mapped(splitting, { seq: 2, ts: 7, hz: 48_000, atMs: 100 })).toEqual([1, 4800]);
  const passing = rewriter({ splitsAtClockChange: false, maxSlipMs: 0 });
  mapped(passing, { seq: 1, ts: 0, atMs: 0 });
  expect(mapped(passing, { seq: 2, ts: 160, hz: 48_000, atMs: 100 })).toEqual([1, 160]);
});

test('an unknown clock rate keeps the stream’s', () => {
  const stream = rewriter();
  mapped(stream, { seq: 1, ts: 0, hz: 16_000, atMs: 0 });
  expect(mapped(stream, { seq: 2, ts: 320, hz: 0, atMs: 20 })).toEqual([1, 320]);
});

test('the pair for sender reports follows the least delayed packets, not the late ones', () => {
  const stream = rewriter();
  for (let i = 0; i < 100; i++) {
    const delayMs = i % 10 === 9 ? 80 : 5;
    mapped(stream, { seq: i, ts: i * 160, atMs: i * 20 + delayMs });
  }
  // At 2 s the source is at 16000 units, 5 ms of which are under way.
  const units = (stream.timestampAt(2000) - 0xffff_ff00) >>> 0;
  expect(Math.abs(units - (16_000 - 40))).toBeLessThanOrEqual(2);
});

test('whatever comes in, numbers within a run keep their distances', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 65_535 }),
      fc.array(fc.integer({ min: -50, max: 2000 }), { minLength: 1, maxLength: 50 }),
      (start, deltas) => {
        const stream = rewriter({ maxSlipMs: 0 });
        let highest = 0;
        mapped(stream, { seq: start, ts: 0, atMs: 0 });
        for (const delta of deltas) {
          const at = highest + delta;
          const [sequence] = mapped(stream, { seq: (start + at) & 0xffff, ts: 0, atMs: 1 });
          expect(sequence).toBe(at & 0xffff);
          highest = Math.max(highest, at);
        }
      },
    ),
    { numRuns: 300 },
  );
});

test('what is filled in begins where the last packet ends, however long that was', () => {
  const stream = rewriter();
  mapped(stream, { seq: 1, ts: 0, atMs: 0 });
  mapped(stream, { seq: 2, ts: 240, atMs: 30 });
  stream.fill(160, 8000, 60, true, 240);
  const first = stream.timestamp;
  stream.fill(160, 8000, 80, true, 240);
  expect((stream.timestamp - first) | 0).toBe(160);
  expect((first - (0xffff_ff00 | 0)) | 0).toBe(480);
});
