import { GatherPause } from '../../../../media/io/linux/gather-pause';

/** Rounds of so many packets each, every so many ms, for a tenth of a second. @returns the pause after the last one. */
function pauseAfter(packetsPerRound: number, intervalMs: number, last = packetsPerRound): number {
  const pause = new GatherPause();
  for (let nowMs = 1; nowMs < 100; nowMs += intervalMs) {
    pause.after(packetsPerRound, nowMs);
  }
  return pause.after(last, 100);
}

describe('the rest between two rounds', () => {
  test('gathers about a dozen packets while they come densely', () => {
    // 60 packets per ms.
    expect(pauseAfter(6, 0.1)).toBeGreaterThan(150);
    expect(pauseAfter(6, 0.1)).toBeLessThan(250);
  });

  test('never lasts longer than 0.4 ms', () => {
    // 10 packets per ms: a dozen would take 1.2 ms.
    expect(pauseAfter(1, 0.1)).toBe(400);
  });

  test('is left out where the next packet is far away', () => {
    // 2 packets per ms.
    expect(pauseAfter(1, 0.5)).toBe(0);
    expect(new GatherPause().after(1, 1)).toBe(0);
  });

  test('is left out by a loop that is behind', () => {
    expect(pauseAfter(6, 0.1, 12)).toBe(0);
    expect(pauseAfter(6, 0.1, 100)).toBe(0);
  });

  test('ends with the traffic', () => {
    const pause = new GatherPause();
    for (let nowMs = 1; nowMs < 100; nowMs += 0.1) {
      pause.after(6, nowMs);
    }
    pause.after(0, 120);
    expect(pause.after(1, 141)).toBe(0);
  });
});
