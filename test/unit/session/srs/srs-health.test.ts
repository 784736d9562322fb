import { SrsHealth } from '../../../../src/session/srs/srs-health';
import { orderTargets, type SrsTarget } from '../../../../src/session/srs/srs-target';
import { ManualClock } from '../../../support/manual-clock';

const target = (uri: string, priority: number, weight = 1): SrsTarget => ({
  uri,
  priority,
  weight,
});
const uris = (targets: readonly SrsTarget[]): string => targets.map(({ uri }) => uri).join('');

describe('the order of targets', () => {
  test.each([
    [0, 'abcd'],
    [0.3, 'bacd'],
    [0.99, 'bacd'],
  ])('is by priority, then drawn by weight (RFC 2782): %d gives %s', (mark, expected) => {
    const targets = [target('d', 9), target('b', 1, 3), target('a', 1, 1), target('c', 2)];
    const sorted = [...targets].sort((one, other) => one.uri.localeCompare(other.uri));
    expect(uris(orderTargets(sorted, () => mark))).toBe(expected);
  });

  test('draws those of weight 0 last', () => {
    expect(uris(orderTargets([target('z', 1, 0), target('a', 1, 1)], () => 0))).toBe('az');
  });

  test('shares by weight', () => {
    let mark = 0;
    const first = Array.from({ length: 100 }, () => {
      mark += 0.01;
      return orderTargets([target('a', 1, 3), target('b', 1, 1)], () => mark - 0.005)[0]?.uri;
    });
    expect(first.filter(uri => uri === 'a')).toHaveLength(75);
  });
});

describe('the health of SRSs', () => {
  const three = [target('a', 1), target('b', 2), target('c', 3)];

  function health(pings: readonly boolean[] = []): {
    health: SrsHealth;
    clock: ManualClock;
    asked: string[];
  } {
    const clock = new ManualClock();
    const asked: string[] = [];
    const answers = [...pings];
    const made = new SrsHealth({
      clock,
      ping: uri => {
        asked.push(uri);
        return Promise.resolve(answers.shift() ?? true);
      },
    });
    return { health: made, clock, asked };
  }

  test('puts one that is known dead last, and leaves none out', () => {
    const { health: each } = health();
    each.failed('a');
    expect(uris(each.order(three))).toBe('bca');
    each.failed('b');
    each.failed('c');
    expect(uris(each.order(three))).toBe('abc');
  });

  test('gives a dead one its turn again when it has cooled down, and trusts it after a success', () => {
    const { health: each, clock } = health();
    each.failed('a');
    clock.advance(2_000);
    expect(uris(each.order(three))).toBe('abc');
    each.failed('a');
    clock.advance(2_000);
    expect(each.isDead('a')).toBe(true);
    each.succeeded('a');
    expect(each.views()).toEqual([{ uri: 'a', phase: 'closed', failures: 0 }]);
  });

  test('asks watched ones at their interval until it is closed', async () => {
    const { health: each, clock, asked } = health([false, true]);
    each.watch('a', 1_000);
    clock.advance(1_000);
    await Promise.resolve();
    await Promise.resolve();
    expect(each.isDead('a')).toBe(true);
    clock.advance(1_000);
    await Promise.resolve();
    await Promise.resolve();
    expect([asked.length, each.isDead('a')]).toEqual([2, false]);
    each.close();
    expect(clock.runningTimers).toBe(0);
  });
});
