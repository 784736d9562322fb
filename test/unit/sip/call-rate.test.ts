import { CallRate } from '../../../sip/call-rate';
import { ManualClock } from '../../support/manual-clock';

function admitted(rate: CallRate, attempts: number): number {
  return Array.from({ length: attempts }, () => rate.admit()).filter(each => each).length;
}

describe('the rate of new calls', () => {
  it('takes a burst of one second, then as many as time has passed for', () => {
    const clock = new ManualClock();
    const rate = new CallRate(clock, 10);
    expect(admitted(rate, 50)).toBe(10);
    clock.advance(300);
    expect(admitted(rate, 50)).toBe(3);
    clock.advance(60_000);
    expect(admitted(rate, 50)).toBe(10);
  });

  it('below one per second lets one pass from time to time', () => {
    const clock = new ManualClock();
    const rate = new CallRate(clock, 0.5);
    expect(admitted(rate, 3)).toBe(1);
    clock.advance(1_000);
    expect(admitted(rate, 3)).toBe(0);
    clock.advance(1_000);
    expect(admitted(rate, 3)).toBe(1);
  });

  it('without a limit takes everything', () => {
    const clock = new ManualClock();
    const rate = new CallRate(clock, Infinity);
    expect(admitted(rate, 1_000)).toBe(1_000);
    clock.advance(10);
    expect(admitted(rate, 1_000)).toBe(1_000);
  });
});
