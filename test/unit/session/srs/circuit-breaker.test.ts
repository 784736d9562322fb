import {
  BREAKER_CLOSED,
  breakerFailed,
  type BreakerRules,
  type BreakerState,
  breakerSucceeded,
  breakerTick,
} from '../../../../src/session/srs/circuit-breaker';

const RULES: BreakerRules = { threshold: 2, coolDownMs: 1_000, maxCoolDownMs: 5_000 };
const OPEN: BreakerState = { phase: 'open', failures: 2, retryAtMs: 1_000 };
const HALF_OPEN: BreakerState = { ...OPEN, phase: 'half-open' };

describe('a circuit breaker', () => {
  test.each([
    ['closed fails once', BREAKER_CLOSED, { phase: 'closed', failures: 1 }],
    [
      'closed fails once too often',
      { ...BREAKER_CLOSED, failures: 1 },
      { phase: 'open', retryAtMs: 1_500 },
    ],
    ['half-open fails', HALF_OPEN, { phase: 'open', failures: 3, retryAtMs: 2_500 }],
    ['open fails', OPEN, { phase: 'open', failures: 3, retryAtMs: 2_500 }],
  ] as const)('that is %s', (_name, state, expected) => {
    expect(breakerFailed(state, 500, RULES)).toMatchObject(expected);
  });

  test('pauses twice as long each time, up to a bound', () => {
    let state = BREAKER_CLOSED;
    const pauses = Array.from({ length: 7 }, () => {
      state = breakerFailed(state, 0, RULES);
      return state.retryAtMs;
    });
    expect(pauses).toEqual([0, 1_000, 2_000, 4_000, 5_000, 5_000, 5_000]);
  });

  test.each([
    [OPEN, 999, 'open'],
    [OPEN, 1_000, 'half-open'],
    [BREAKER_CLOSED, 9_999, 'closed'],
    [HALF_OPEN, 9_999, 'half-open'],
  ] as const)('%j at %d ms is %s', (state, nowMs, phase) => {
    expect(breakerTick(state, nowMs).phase).toBe(phase);
  });

  test('closes with the first success', () => {
    expect(breakerSucceeded()).toEqual(BREAKER_CLOSED);
  });
});
