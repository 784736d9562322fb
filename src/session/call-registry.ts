import { type Clock } from '#core';

import { type RecordedCall } from './recorded-call';

/** The calls in progress; what a drain waits for and an orderly stop hangs up. */
export class CallRegistry {
  readonly #calls = new Map<string, RecordedCall>();
  #waiters: (() => void)[] = [];

  get size(): number {
    return this.#calls.size;
  }

  /** Holds the call until it and its recordings are finished. */
  add(callId: string, call: RecordedCall): void {
    this.#calls.set(callId, call);
    void call.finished.then(() => {
      this.#calls.delete(callId);
      if (this.#calls.size === 0) {
        this.#waiters.forEach(wake => wake());
        this.#waiters = [];
      }
    });
  }

  /** Resolves when no call is left. */
  empty(): Promise<void> {
    return this.#calls.size === 0
      ? Promise.resolve()
      : new Promise(resolve => this.#waiters.push(resolve));
  }

  /** Ends every call and waits for them, but no longer than `deadlineMs`. @returns how many are left. */
  async hangUpAll(status: number, text: string, clock: Clock, deadlineMs: number): Promise<number> {
    for (const call of this.#calls.values()) {
      void call.hangUp(status, text);
    }
    await new Promise<void>(resolve => {
      const timer = clock.setTimer(deadlineMs, resolve);
      void this.empty().then(() => {
        timer.cancel();
        resolve();
      });
    });
    return this.#calls.size;
  }
}
