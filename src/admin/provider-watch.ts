import { type Clock } from '#core';

import { type Metrics } from '../observability';
import { type ProviderView } from './operations';

interface State {
  openRecordings: number;
  lastSuccessAtMs: number | null;
  lastFailureAtMs: number | null;
  lastFailure: string | null;
}

/** How the providers do, seen from what is measured anyway. */
export class ProviderWatch {
  readonly #targets: () => Readonly<Record<string, readonly string[]>>;
  readonly #isDead: (uri: string) => boolean;
  readonly #clock: Clock;
  readonly #states = new Map<string, State>();

  /**
   * @param targets of every configured provider, as they are now
   * @param isDead whether a target is known not to answer
   */
  constructor(
    targets: () => Readonly<Record<string, readonly string[]>>,
    isDead: (uri: string) => boolean,
    clock: Clock,
  ) {
    this.#targets = targets;
    this.#isDead = isDead;
    this.#clock = clock;
  }

  /** Listens to `metrics`; what is measured goes there unchanged. */
  watching<M extends Metrics>(metrics: M): M {
    return {
      ...metrics,
      recordingStarted: (provider: string) => {
        this.#of(provider).openRecordings += 1;
        metrics.recordingStarted(provider);
      },
      recordingEnded: (provider: string, verdict: string) => {
        this.#of(provider).openRecordings -= 1;
        metrics.recordingEnded(provider, verdict);
      },
      observeSrsSetup: (provider: string, seconds: number) => {
        this.#of(provider).lastSuccessAtMs = this.#clock.wallNowMs();
        metrics.observeSrsSetup(provider, seconds);
      },
      srsFailure: (provider: string, reason: string) => {
        const state = this.#of(provider);
        state.lastFailureAtMs = this.#clock.wallNowMs();
        state.lastFailure = reason;
        metrics.srsFailure(provider, reason);
      },
    };
  }

  views(): readonly ProviderView[] {
    return Object.entries(this.#targets()).map(([providerId, targets]) => {
      const state = this.#of(providerId);
      const deadTargets = targets.filter(this.#isDead);
      const isDown = targets.length > 0 && deadTargets.length === targets.length;
      return { providerId, targets, deadTargets, state: isDown ? 'down' : judge(state), ...state };
    });
  }

  #of(provider: string): State {
    let state = this.#states.get(provider);
    if (state === undefined) {
      state = {
        openRecordings: 0,
        lastSuccessAtMs: null,
        lastFailureAtMs: null,
        lastFailure: null,
      };
      this.#states.set(provider, state);
    }
    return state;
  }
}

function judge({ lastSuccessAtMs, lastFailureAtMs }: State): ProviderView['state'] {
  if (lastSuccessAtMs === null && lastFailureAtMs === null) {
    return 'unknown';
  }
  return (lastFailureAtMs ?? -Infinity) >= (lastSuccessAtMs ?? -Infinity) ? 'down' : 'up';
}
