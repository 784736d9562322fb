import { type SipResponse } from '#sip/engine';

import { IdleWatch } from '../../../../src/lab/srs/idle-watch';
import { SessionTimers } from '../../../../src/lab/srs/session-timers';
import { ManualClock } from '../support/manual-clock';

interface Bench {
  readonly clock: ManualClock;
  readonly timers: SessionTimers;
  readonly watch: IdleWatch;
  readonly asked: () => number;
  readonly gone: () => number;
}

function bench(answer: () => Promise<number>): Bench {
  const clock = new ManualClock();
  const timers = new SessionTimers(clock);
  let [asked, gone] = [0, 0];
  const watch = new IdleWatch({
    clock,
    timers,
    idleTimeoutMs: 1000,
    ask: async () => {
      asked += 1;
      return { status: await answer() } as SipResponse;
    },
    gone: () => {
      gone += 1;
      timers.cancel();
      return Promise.resolve();
    },
  });
  watch.watch();
  return { clock, timers, watch, asked: () => asked, gone: () => gone };
}

/** Lets everything run that waits for nothing but the event loop. */
function settled(): Promise<void> {
  return new Promise(resolve => {
    setImmediate(resolve);
  });
}

test('nobody is asked for a sign of life while there are some', () => {
  const { clock, watch, asked } = bench(() => Promise.resolve(200));
  for (let n = 0; n < 5; n++) {
    clock.advance(900);
    watch.noteActivity();
  }
  clock.advance(999);
  expect(asked()).toBe(0);
  clock.advance(1);
  expect(asked()).toBe(1);
});

test('one that answers is asked again after a while', async () => {
  const { clock, asked, gone } = bench(() => Promise.resolve(405));
  clock.advance(1000);
  await settled();
  clock.advance(1000);
  await settled();
  expect([asked(), gone()]).toEqual([2, 0]);
});

test.each([
  ['knows nothing of the session', () => Promise.resolve(481)],
  ['does not answer', () => Promise.resolve(408)],
  ['cannot be reached', () => Promise.reject(new Error('no connection'))],
])('one that %s is gone, and is not asked any more', async (_what, answer) => {
  const { clock, timers, asked, gone } = bench(answer);
  clock.advance(1000);
  await settled();
  clock.advance(10_000);
  await settled();
  expect([asked(), gone(), clock.pending]).toEqual([1, 1, 0]);
  // What is over does nothing later.
  timers.later(1, () => {
    throw new Error('it is over');
  });
  clock.advance(10);
});
