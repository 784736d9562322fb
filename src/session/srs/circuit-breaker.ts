/**
 * Whether one SRS is worth asking, from what came of asking it before.
 *
 * ```text
 *            failed (threshold times in a row)
 *   closed ───────────────────────────────────▶ open ◀─────────┐
 *     ▲                                          │ cooled down │ failed
 *     │ succeeded                                ▼             │
 *     └────────────────────────────────────── half-open ───────┘
 * ```
 *
 * Pure: time is handed in, in monotonic milliseconds.
 */
export interface BreakerState {
  readonly phase: 'closed' | 'open' | 'half-open';
  /** Failures in a row. */
  readonly failures: number;
  /** Open: when one more attempt may be made. */
  readonly retryAtMs: number;
}

export interface BreakerRules {
  /** Failures in a row that open a closed breaker. */
  readonly threshold: number;
  /** The first pause of an open breaker, ms; doubled at each further failure. */
  readonly coolDownMs: number;
  /** The longest pause, ms. */
  readonly maxCoolDownMs: number;
}

export const BREAKER_CLOSED: BreakerState = { phase: 'closed', failures: 0, retryAtMs: 0 };

/** Asking it has worked. */
export function breakerSucceeded(): BreakerState {
  return BREAKER_CLOSED;
}

/** Asking it has failed. */
export function breakerFailed(
  state: BreakerState,
  nowMs: number,
  rules: BreakerRules,
): BreakerState {
  const failures = state.failures + 1;
  if (state.phase === 'closed' && failures < rules.threshold) {
    return { ...state, failures };
  }
  const doublings = Math.min(16, Math.max(0, failures - rules.threshold));
  const pauseMs = Math.min(rules.maxCoolDownMs, rules.coolDownMs * 2 ** doublings);
  return { phase: 'open', failures, retryAtMs: nowMs + pauseMs };
}

/** An open breaker whose pause is over lets one attempt through and waits for its outcome. */
export function breakerTick(state: BreakerState, nowMs: number): BreakerState {
  return state.phase === 'open' && nowMs >= state.retryAtMs
    ? { ...state, phase: 'half-open' }
    : state;
}
