import { type AgentLimits } from '../limits';
import { type AppPort } from './app-port';

/** Why something new is turned away: too much of it, this thread is late, or the application is. */
export type ShedReason = 'dialogs' | 'transactions' | 'delay' | 'application';

/** What it looks at. */
export interface Load {
  readonly dialogs: number;
  readonly transactions: number;
  /** How late this thread is, ms. */
  readonly delayMs: number;
  /** An application is so far behind that nothing new may come at all. */
  readonly isHeldUp: boolean;
}

/**
 * Load shedding: whether something new may come in. What belongs to calls in progress is never asked about,
 * so they are unharmed; whoever is turned away hears so at once (503 with Retry-After).
 */
export class Admission {
  readonly #limits: AgentLimits;
  readonly #load: () => Load;
  readonly #counts: Record<ShedReason, number> = {
    dialogs: 0,
    transactions: 0,
    delay: 0,
    application: 0,
  };

  constructor(limits: AgentLimits, load: () => Load) {
    this.#limits = limits;
    this.#load = load;
  }

  /** @returns why a new request may not come in; null: it may */
  refusal(method: string, app: AppPort | null): ShedReason | null {
    const reason = this.#judge(method, app);
    if (reason !== null) {
      this.#counts[reason]++;
    }
    return reason;
  }

  counts(): Readonly<Record<ShedReason, number>> {
    return { ...this.#counts };
  }

  #judge(method: string, app: AppPort | null): ShedReason | null {
    const { dialogs, transactions, delayMs, isHeldUp } = this.#load();
    if (isHeldUp) {
      return 'application';
    }
    if (method !== 'INVITE') {
      return null;
    }
    if (dialogs >= this.#limits.dialogs) {
      return 'dialogs';
    }
    if (transactions > this.#limits.shedTransactions) {
      return 'transactions';
    }
    if (delayMs > this.#limits.shedDelayMs) {
      return 'delay';
    }
    return app?.isBusy === true ? 'application' : null;
  }
}
