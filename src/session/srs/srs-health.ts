import { type Clock, type Timer } from '#core';

import {
  BREAKER_CLOSED,
  breakerFailed,
  type BreakerRules,
  type BreakerState,
  breakerSucceeded,
  breakerTick,
} from './circuit-breaker';
import { orderTargets, type SrsTarget } from './srs-target';

/** The health of one SRS, for metrics and people. */
export interface SrsHealthView {
  readonly uri: string;
  readonly phase: BreakerState['phase'];
  /** Failures in a row. */
  readonly failures: number;
}

export interface SrsHealthOptions {
  readonly clock: Clock;
  /** 0 (inclusive) to 1 (exclusive). */
  readonly random?: () => number;
  readonly rules?: BreakerRules;
  /** Sends OPTIONS to an SRS (RFC 3261 §11). Resolves to whether anything answered; never rejects. */
  readonly ping: (uri: string) => Promise<boolean>;
}

const DEFAULT_RULES: BreakerRules = { threshold: 1, coolDownMs: 2_000, maxCoolDownMs: 60_000 };

/**
 * What the gateway knows of all SRSs: results of invitations and of pings, one circuit breaker for each. A target known
 * dead is asked last, so that it costs a new recording nothing; pings find out when it is back.
 */
export class SrsHealth {
  readonly #options: SrsHealthOptions;
  readonly #rules: BreakerRules;
  readonly #states = new Map<string, BreakerState>();
  readonly #watched = new Map<string, Timer>();
  #isClosed = false;

  constructor(options: SrsHealthOptions) {
    this.#options = options;
    this.#rules = options.rules ?? DEFAULT_RULES;
  }

  /**
   * The order in which a new recording asks its provider's targets: by priority, then at random by weight (as RFC 2782
   * does), and those known dead last. None is left out: a recording that must be made is worth one more attempt.
   */
  order(targets: readonly SrsTarget[]): readonly SrsTarget[] {
    const { random = Math.random } = this.#options;
    const ordered = orderTargets(targets, random);
    const isDead = ({ uri }: SrsTarget): boolean => this.#stateOf(uri).phase === 'open';
    return [...ordered.filter(target => !isDead(target)), ...ordered.filter(isDead)];
  }

  /** Whether the next attempt at this SRS is known to be in vain. */
  isDead(uri: string): boolean {
    return this.#stateOf(uri).phase === 'open';
  }

  succeeded(uri: string): void {
    this.#states.set(uri, breakerSucceeded());
  }

  failed(uri: string): void {
    const { clock } = this.#options;
    this.#states.set(uri, breakerFailed(this.#stateOf(uri), clock.monotonicMs(), this.#rules));
  }

  /** From now on the SRS is pinged at this interval; 0 stops it. Ends with {@link close}. */
  watch(uri: string, intervalMs: number): void {
    this.#watched.get(uri)?.cancel();
    this.#watched.delete(uri);
    if (intervalMs > 0 && !this.#isClosed) {
      this.#watched.set(
        uri,
        this.#options.clock.setTimer(intervalMs, () => void this.#ping(uri, intervalMs)),
      );
    }
  }

  views(): readonly SrsHealthView[] {
    return [...this.#states.keys()].map(uri => {
      const { phase, failures } = this.#stateOf(uri);
      return { uri, phase, failures };
    });
  }

  close(): void {
    this.#isClosed = true;
    this.#watched.forEach(timer => timer.cancel());
    this.#watched.clear();
  }

  async #ping(uri: string, intervalMs: number): Promise<void> {
    if (await this.#options.ping(uri)) {
      this.succeeded(uri);
    } else {
      this.failed(uri);
    }
    if (this.#watched.has(uri)) {
      this.watch(uri, intervalMs);
    }
  }

  #stateOf(uri: string): BreakerState {
    const state = breakerTick(
      this.#states.get(uri) ?? BREAKER_CLOSED,
      this.#options.clock.monotonicMs(),
    );
    return state;
  }
}
