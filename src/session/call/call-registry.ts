import { type Clock } from '#core';

import { EventHub } from '../event-hub';
import {
  type CallView,
  type ControlAnswer,
  type ControlRequest,
  type RecordingEventListener,
} from '../live-view';
import { type ParticipantsOutcome } from '../parties/call-participants';
import { type PartyDescription } from '../parties/party-description';
import { type RecordedCall } from './recorded-call';

/** The calls in progress: what a drain waits for, an orderly stop hangs up, and an API looks at and controls. */
export class CallRegistry {
  /** Where calls tell what happens to them. */
  readonly events: EventHub;
  readonly #calls = new Map<string, RecordedCall>();
  #waiters: (() => void)[] = [];

  constructor(events: EventHub = new EventHub()) {
    this.events = events;
  }

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

  /** Every call in progress, oldest first. Costs per call: do not ask per packet. */
  views(): readonly CallView[] {
    return [...this.#calls.values()].map(call => call.view());
  }

  /** null: there is no such call (any more). */
  view(callId: string): CallView | null {
    return this.#calls.get(callId)?.view() ?? null;
  }

  /** An authorised client controls recordings of a call. Never rejects; an unknown call is `refused-unknown`. */
  control(callId: string, request: ControlRequest): Promise<ControlAnswer> {
    const call = this.#calls.get(callId);
    return Promise.resolve(call?.control(request) ?? { outcome: 'refused-unknown' });
  }

  /**
   * A switch says who is on the other side of a recorded party now: all of them.
   * @param userId the recorded party; null: every one of the call.
   */
  setParticipants(
    callId: string,
    participants: readonly PartyDescription[],
    userId: string | null,
  ): ParticipantsOutcome {
    return this.#calls.get(callId)?.setParticipants(participants, userId) ?? 'refused-unknown';
  }

  /** Measures what the parties of a call send, while somebody watches. No effect for an unknown call. */
  watchLevels(callId: string, on: boolean): void {
    this.#calls.get(callId)?.watchLevels(on);
  }

  /** Tells everything that happens to calls and recordings. @returns how to stop listening. */
  onEvent(listener: RecordingEventListener): () => void {
    return this.events.listen(listener);
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
