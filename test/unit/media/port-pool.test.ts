import { type Clock } from '#core';
import { PortPool } from '../../../media/port-pool';

/** A clock that moves when told. */
function fakeClock(): Clock & { advance(ms: number): void } {
  let nowMs = 1000;
  return {
    wallNowMs: () => nowMs,
    monotonicMs: () => nowMs,
    setTimer: () => ({ cancel: () => undefined }),
    advance: ms => {
      nowMs += ms;
    },
  };
}

function pool(
  portMin: number,
  portMax: number,
  quarantineMs = 100,
  random = 0,
): {
  pool: PortPool;
  clock: ReturnType<typeof fakeClock>;
} {
  const clock = fakeClock();
  const options = { portMin, portMax, quarantineMs, clock, random: () => random };
  return { pool: new PortPool(options), clock };
}

test.each([
  [10_000, 10_005, [10_000, 10_002, 10_004]],
  [10_001, 10_006, [10_002, 10_004]],
  [10_000, 10_000, []],
  [10_001, 10_002, []],
  [65_534, 65_535, [65_534]],
])('the range %i–%i has the even RTP ports %j', (portMin, portMax, expected) => {
  const { pool: ports } = pool(portMin, portMax);
  const got: number[] = [];
  for (let pair = ports.acquire(); pair !== null; pair = ports.acquire()) {
    got.push(ports.rtpPort(pair));
  }
  expect(got).toEqual(expected);
  expect(ports.portsInUse).toBe(2 * expected.length);
});

test('pairs are handed out round robin from a random start', () => {
  const { pool: ports } = pool(10_000, 10_009, 0, 0.6);
  expect([0, 1, 2, 3, 4].map(() => ports.rtpPort(ports.acquire() ?? -1))).toEqual([
    10_006, 10_008, 10_000, 10_002, 10_004,
  ]);
});

test('an ended pair rests before it is handed out again, and then comes last', () => {
  const { pool: ports, clock } = pool(10_000, 10_003);
  const first = ports.acquire() ?? -1;
  ports.release(first);
  const second = ports.acquire();
  expect(second).not.toBe(first);
  expect(ports.acquire()).toBeNull();
  expect(ports.portsInUse).toBe(4);
  clock.advance(99);
  expect(ports.acquire()).toBeNull();
  clock.advance(1);
  expect(ports.portsInUse).toBe(2);
  expect(ports.acquire()).toBe(first);
});

test('a busy pair is left alone for longer, without holding back rested ones', () => {
  const { pool: ports, clock } = pool(10_000, 10_003);
  const busy = ports.acquire() ?? -1;
  const ended = ports.acquire() ?? -1;
  ports.markBusy(busy);
  ports.release(ended);
  clock.advance(100);
  expect(ports.acquire()).toBe(ended);
  expect(ports.acquire()).toBeNull();
  clock.advance(5000);
  expect(ports.acquire()).toBe(busy);
});
