import { HeaderList } from '../../../../../sip/engine/message';
import {
  answerSessionExpires,
  readMinSe,
  readSessionExpires,
  SessionTimer,
} from '../../../../../sip/engine/dialog';
import { FakeClock } from '../fake-clock';

describe('Session-Expires', () => {
  test.each([
    ['90', { intervalS: 90, refresher: null }],
    ['1800;refresher=uac', { intervalS: 1800, refresher: 'uac' }],
    [' 1800 ; Refresher = UAS ;x=y', { intervalS: 1800, refresher: 'uas' }],
    ['1800;refresher=both', { intervalS: 1800, refresher: null }],
    ['0', 'bad'],
    ['', 'bad'],
    ['-5', 'bad'],
    ['99999999999', 'bad'],
  ])('%j is read', (text, expected) => {
    expect(readSessionExpires(HeaderList.of(['x', text]))).toEqual(expected);
  });

  test('and Min-SE may be missing', () => {
    expect(readSessionExpires(new HeaderList())).toBeNull();
    expect(readMinSe(new HeaderList())).toBeNull();
    expect(readMinSe(HeaderList.of(['Min-SE', '120;a=b']))).toBe(120);
  });
});

/** RFC 4028 §9, table 2. */
test.each([
  ['uac', true, 'uac'],
  ['uas', true, 'uas'],
  [null, true, 'uac'],
  [null, false, 'uas'],
  ['uac', false, 'uas'],
] as const)('a refresher of %s, support %s, becomes %s', (refresher, supports, expected) => {
  expect(answerSessionExpires({ intervalS: 200, refresher }, null, supports)).toEqual({
    intervalS: 200,
    refresher: expected,
  });
});

test('the application may shorten an interval and never lengthen it', () => {
  const asked = { intervalS: 200, refresher: null };
  const answer = (intervalS: number): number | undefined =>
    answerSessionExpires(asked, { intervalS, refresher: null }, true)?.intervalS;
  expect(answer(100)).toBe(100);
  expect(answer(300)).toBe(200);
});

describe('a session timer', () => {
  function start(
    intervalS: number,
    weRefresh: boolean,
  ): { clock: FakeClock; told: string[]; timer: SessionTimer } {
    const clock = new FakeClock();
    const told: string[] = [];
    const timer = new SessionTimer({
      clock,
      onRefresh: () => told.push(`refresh at ${clock.monotonicMs() / 1000}`),
      onExpired: () => told.push(`expired at ${clock.monotonicMs() / 1000}`),
    });
    timer.start({ intervalS, weRefresh });
    return { clock, told, timer };
  }

  test('refreshes at half of the interval and ends a third or 32 s before its end', () => {
    const short = start(90, true);
    short.clock.advance(90_000);
    expect(short.told).toEqual(['refresh at 45', 'expired at 60']);
    const long = start(1800, false);
    long.clock.advance(1_800_000);
    expect(long.told).toEqual(['expired at 1768']);
  });

  test('begins anew with each refresh, and a stopped one is silent', () => {
    const { clock, told, timer } = start(90, true);
    clock.advance(50_000);
    timer.start({ intervalS: 90, weRefresh: true });
    clock.advance(50_000);
    timer.stop();
    clock.advance(500_000);
    expect(told).toEqual(['refresh at 45', 'refresh at 95']);
    expect(clock.timerCount).toBe(0);
  });

  test('tries again ever closer to the end, a bounded number of times', () => {
    const { clock, told, timer } = start(90, true);
    const retried = new SessionTimer({
      clock,
      onRefresh: () => {
        told.push('try');
        retried.retry();
      },
      onExpired: () => told.push('end'),
    });
    timer.stop();
    retried.start({ intervalS: 90, weRefresh: true });
    clock.advance(100_000);
    expect(told.at(-1)).toBe('end');
    expect(told.length).toBeLessThan(90);
    expect(clock.timerCount).toBe(0);
  });

  test('takes intervals that are longer than a timer of Node', () => {
    const { clock, told } = start(0x7fff_ffff, false);
    clock.advance(1_000_000);
    expect(told).toEqual([]);
  });
});
