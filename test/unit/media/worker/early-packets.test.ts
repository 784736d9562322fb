import { type IoMemory, memoryOf } from '../../../../media/io/packet-io';
import { EarlyPackets } from '../../../../media/worker/early-packets';

const SOURCE_AT = 512;

function memory(): IoMemory {
  return memoryOf(new ArrayBuffer(4096), 0, 4096, 0);
}

/** Keeps packets of one byte (their number) from sources of the same number. */
function keep(early: EarlyPackets, number: number, atMs: number): void {
  const from = memory();
  from.bytes[0] = number;
  from.words[SOURCE_AT] = number;
  early.keep(from, 0, 1, SOURCE_AT, atMs);
}

function replayed(early: EarlyPackets, nowMs: number): number[][] {
  const to = memory();
  const seen: number[][] = [];
  early.replay(to, 64, SOURCE_AT, nowMs, (length, atMs) => {
    seen.push([to.bytes[64]!, to.words[SOURCE_AT]!, length, atMs]);
  });
  return seen;
}

describe('EarlyPackets', () => {
  test('hands packets over in order, with their sources and times, once', () => {
    const early = new EarlyPackets();
    keep(early, 1, 1000);
    keep(early, 2, 1020);
    expect(replayed(early, 1030)).toEqual([
      [1, 1, 1, 1000],
      [2, 2, 1, 1020],
    ]);
    expect(replayed(early, 1030)).toEqual([]);
  });

  test('leaves out what is older than 200 ms', () => {
    const early = new EarlyPackets();
    keep(early, 1, 1000);
    keep(early, 2, 1001);
    expect(replayed(early, 1201).map(([number]) => number)).toEqual([2]);
  });

  test('keeps the newest twenty', () => {
    const early = new EarlyPackets();
    for (let number = 1; number <= 30; number += 1) {
      keep(early, number, 1000);
    }
    expect(replayed(early, 1000).map(([number]) => number)).toEqual(
      Array.from({ length: 20 }, (_, n) => n + 11),
    );
  });
});
