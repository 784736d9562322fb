import { type Clock, type LogFields, type Logger } from '#core';

const INTERVAL_MS = 10_000;

/** Writes at most one warning in ten seconds: whoever can cause them must not fill the log. */
export class LimitedWarning {
  readonly #clock: Clock;
  readonly #logger: Logger;
  #nextMs = 0;
  #suppressed = 0;

  constructor(clock: Clock, logger: Logger) {
    this.#clock = clock;
    this.#logger = logger;
  }

  warn(message: string, fields: LogFields): void {
    const nowMs = this.#clock.monotonicMs();
    if (nowMs < this.#nextMs) {
      this.#suppressed++;
      return;
    }
    this.#nextMs = nowMs + INTERVAL_MS;
    this.#logger.warn(message, { ...fields, suppressed: this.#suppressed });
    this.#suppressed = 0;
  }
}
