import { type Clock, errorMessage, type Logger, withDeadline } from '#core';
import { type InfoFacts, type InfoVerdict } from '../ports';

/** An INFO whose owner has not decided in this time is the other side's business. */
const VERDICT_DEADLINE_MS = 3_000;
/** INFOs of one leg that wait for their verdicts; more are relayed as they come. */
const MAX_WAITING = 32;

export interface InfoVerdictsOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly ask: (info: InfoFacts) => InfoVerdict | Promise<InfoVerdict>;
}

/** Asks the owner of a call about the INFOs of one leg and keeps their order (digits must not overtake one another). */
export class InfoVerdicts {
  readonly #options: InfoVerdictsOptions;
  #tail: Promise<void> = Promise.resolve();
  #waiting = 0;

  constructor(options: InfoVerdictsOptions) {
    this.#options = options;
  }

  /** `done` is called exactly once, at once when nothing has to be waited for. */
  judge(info: InfoFacts, done: (verdict: InfoVerdict) => void): void {
    const asked = this.#ask(info);
    if (this.#waiting >= MAX_WAITING || (this.#waiting === 0 && !(asked instanceof Promise))) {
      done(asked instanceof Promise ? 'relay' : asked);
      return;
    }
    this.#waiting++;
    const verdict = this.#settled(asked);
    this.#tail = this.#tail.then(async () => {
      const settled = await verdict;
      this.#waiting--;
      try {
        done(settled);
      } catch (error) {
        this.#options.logger.error('an INFO could not be handled', { error: errorMessage(error) });
      }
    });
  }

  #ask(info: InfoFacts): InfoVerdict | Promise<InfoVerdict> {
    try {
      return this.#options.ask(info);
    } catch (error) {
      this.#failed(error);
      return 'relay';
    }
  }

  async #settled(asked: InfoVerdict | Promise<InfoVerdict>): Promise<InfoVerdict> {
    try {
      return await withDeadline(
        this.#options.clock,
        Promise.resolve(asked),
        VERDICT_DEADLINE_MS,
        () => new Error('nobody has decided about an INFO'),
      );
    } catch (error) {
      this.#failed(error);
      return 'relay';
    }
  }

  #failed(error: unknown): void {
    this.#options.logger.error('the owner of a call failed', {
      what: 'infoReceived',
      error: errorMessage(error),
    });
  }
}
