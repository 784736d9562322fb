import { type Clock, withDeadline } from '#core';
import { LabError } from './errors';

/** People who wait until something is so. Whoever changes anything calls `check()`. */
export class Waiters {
  readonly #clock: Clock;
  #waiting: { isSo: () => boolean; resolve: () => void; reject: (error: Error) => void }[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * Resolves as soon as `isSo()` is true; what it throws is the rejection.
   * @throws LabError `REC_ERR_LAB_TIMEOUT` after `deadlineMs`.
   */
  async until(isSo: () => boolean, deadlineMs: number, what: string): Promise<void> {
    if (isSo()) {
      return;
    }
    const entry = {
      isSo,
      resolve: (): void => undefined,
      reject: (_error: Error): void => undefined,
    };
    const settled = new Promise<void>((resolve, reject) => {
      entry.resolve = resolve;
      entry.reject = reject;
    });
    this.#waiting.push(entry);
    try {
      await withDeadline(
        this.#clock,
        settled,
        deadlineMs,
        () => new LabError('REC_ERR_LAB_TIMEOUT', `waited ${deadlineMs} ms in vain: ${what}`),
      );
    } finally {
      this.#waiting = this.#waiting.filter(other => other !== entry);
    }
  }

  /** Looks whether somebody has waited long enough. Cheap when nobody waits. */
  check(): void {
    for (const entry of this.#waiting) {
      try {
        if (entry.isSo()) {
          entry.resolve();
        }
      } catch (error) {
        entry.reject(error instanceof Error ? error : new Error(String(error)));
      }
    }
  }
}
