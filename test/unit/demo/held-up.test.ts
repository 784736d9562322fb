import { heldUpSpans, spanWithout, speaksUnder } from '../../../src/demo/proof/held-up';
import { ALICE } from '../../../src/demo/stage/places';
import { take, tone } from '../../../src/lab';

const ZERO_MS = 1_000_000;

/** Packets of 20 ms, except in the given span of the call, ms. */
function callWithout(fromMs: number, untilMs: number): Parameters<typeof heldUpSpans>[0] {
  const times = Array.from({ length: 150 }, (_, n) => n * 20);
  return {
    sentPackets: times
      .map(atMs => (atMs > fromMs && atMs < untilMs ? untilMs : atMs))
      .map(atMs => ({ wallMs: ZERO_MS + atMs, datagram: Buffer.alloc(0) })),
  };
}

/** Speech that is lowered, with a hole in it. */
function heard(holeFromMs: number, holeUntilMs: number): Int16Array {
  const samples = take(tone({ hz: ALICE.toneHz, levelDbfs: -24 }), 3000 * 8);
  samples.fill(0, holeFromMs * 8, holeUntilMs * 8);
  return samples;
}

function found(samples: Int16Array, call: ReturnType<typeof callWithout>): boolean {
  const speaker = { party: ALICE, call };
  return speaksUnder('x', { samples, fromMs: 0 }, speaker, [[500, 2500]], ZERO_MS).ok;
}

test('where a phone sends nothing for longer than two packets, it was held up', () => {
  expect(heldUpSpans(callWithout(-1, -1), ZERO_MS)).toEqual([]);
  expect(heldUpSpans(callWithout(1000, 1140), ZERO_MS)).toEqual([[1000, 1240]]);
});

test('holes are taken out of a span', () => {
  expect(spanWithout([0, 100], [])).toEqual([[0, 100]]);
  expect(
    spanWithout(
      [0, 100],
      [
        [-10, 5],
        [40, 60],
        [90, 200],
      ],
    ),
  ).toEqual([
    [5, 40],
    [60, 90],
  ]);
  expect(spanWithout([0, 100], [[-1, 101]])).toEqual([]);
});

test('a hole in what is heard counts, unless the phone itself left it', () => {
  expect(found(heard(0, 0), callWithout(-1, -1))).toBe(true);
  expect(found(heard(1000, 1140), callWithout(-1, -1))).toBe(false);
  expect(found(heard(1000, 1140), callWithout(1000, 1140))).toBe(true);
  // Elsewhere it does not excuse anything.
  expect(found(heard(1000, 1140), callWithout(1500, 1640))).toBe(false);
});

test('a phone that was held up most of the time proves nothing', () => {
  expect(found(heard(0, 0), callWithout(600, 2400))).toBe(false);
});
