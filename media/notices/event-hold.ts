import { type DtmfHoldRule } from '../ports';
import { type TelephoneEvent } from './event-receiver';

/** So many events are held or wait to be sent at most; the next one lets all go. */
const MAX_HELD = 32;

/**
 * Which telephone events of a leg are held back, and which of them wait to be sent after all. Order is kept: while
 * older ones wait, newer ones line up behind them.
 */
export class EventHold {
  #rule: DtmfHoldRule | null = null;
  /** Ended, and nobody has decided yet. */
  #held: TelephoneEvent[] = [];
  /** To be sent. */
  #waiting: TelephoneEvent[] = [];
  /** Still being pressed, and held. */
  #pressed: TelephoneEvent | null = null;
  #pressedFate: 'undecided' | 'relay' | 'drop' = 'undecided';
  #deadlineMs = Infinity;

  setRule(rule: DtmfHoldRule | null): void {
    this.#rule = rule;
    if (rule === null) {
      this.release('relay');
    }
  }

  /** A key was pressed: decides whether it is held. */
  begin(event: TelephoneEvent): void {
    const mayBeginCode =
      this.#rule !== null && event.digit !== null && this.#rule.digits.includes(event.digit);
    const isUndecided = this.#deadlineMs !== Infinity;
    event.isHeld = mayBeginCode || isUndecided || this.#waiting.length > 0;
    if (!event.isHeld) {
      return;
    }
    this.#pressed = event;
    this.#pressedFate = mayBeginCode || isUndecided ? 'undecided' : 'relay';
    if (this.#pressedFate === 'undecided' && !isUndecided) {
      this.#deadlineMs = event.startedAtMs + (this.#rule?.maxHoldMs ?? 0);
    }
  }

  /** A key was let go. */
  end(event: TelephoneEvent): void {
    if (this.#pressed !== event) {
      return;
    }
    this.#pressed = null;
    if (this.#pressedFate === 'relay') {
      this.#waiting.push(event);
    } else if (this.#pressedFate === 'undecided') {
      this.#held.push(event);
    }
    if (this.#held.length + this.#waiting.length > MAX_HELD) {
      this.release('relay');
      this.#waiting.splice(0, this.#waiting.length - MAX_HELD);
    }
  }

  release(action: 'relay' | 'drop'): void {
    this.#deadlineMs = Infinity;
    if (action === 'relay') {
      this.#waiting.push(...this.#held);
    }
    this.#held = [];
    const pressed = this.#pressed;
    if (pressed === null || this.#pressedFate !== 'undecided') {
      return;
    }
    this.#pressedFate = action;
    if (action === 'relay' && this.#waiting.length === 0) {
      // Nothing is ahead of it: what is left of it passes as it comes.
      pressed.isHeld = false;
      this.#pressed = null;
    }
  }

  /** Lets go of what was held for too long. @returns when it wants to be asked again, monotonic ms. */
  service(nowMs: number): number {
    if (nowMs >= this.#deadlineMs) {
      this.release('relay');
    }
    return this.#deadlineMs;
  }

  /** The next event to send; it stays until {@link sent}. */
  get next(): TelephoneEvent | null {
    return this.#waiting[0] ?? null;
  }

  sent(): void {
    this.#waiting.shift();
  }
}
