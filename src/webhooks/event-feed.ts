import { type IdSource } from '#core';

/** Something that happened, as the outside is told: by webhooks and by the event stream. */
export interface GatewayEvent {
  /** Unique; those of one run of the gateway sort by the number behind the last dash. */
  readonly id: string;
  /** E.g. `recording.started`, `user.disabled`, `ledger.head`. */
  readonly kind: string;
  /** Milliseconds since the epoch. */
  readonly atMs: number;
  readonly data: Readonly<Record<string, unknown>>;
}

export type EventListener = (event: GatewayEvent) => void;

/** Newest events that somebody who was away can catch up on. */
const MAX_KEPT = 1000;

/** All events in order, with the newest ones kept for those who come back. */
export class EventFeed {
  readonly #run: string;
  readonly #kept: GatewayEvent[] = [];
  readonly #listeners = new Set<EventListener>();
  readonly #onError: (error: unknown) => void;
  #count = 0;

  /** @param onError hears of a listener that throws; the others are told all the same. */
  constructor(ids: IdSource, onError: (error: unknown) => void) {
    this.#run = ids.uuid();
    this.#onError = onError;
  }

  /** Tells everybody. Synchronous; never throws. */
  publish(kind: string, atMs: number, data: GatewayEvent['data']): void {
    this.#count += 1;
    const event: GatewayEvent = { id: `${this.#run}-${this.#count}`, kind, atMs, data };
    this.#kept.push(event);
    if (this.#kept.length > MAX_KEPT) {
      this.#kept.shift();
    }
    for (const listener of this.#listeners) {
      try {
        listener(event);
      } catch (error) {
        this.#onError(error);
      }
    }
  }

  /** @returns how to stop listening; idempotent. */
  listen(listener: EventListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** What came after the event with that id; null when that cannot be told any more. */
  since(id: string): readonly GatewayEvent[] | null {
    const number = id.startsWith(`${this.#run}-`) ? Number(id.slice(this.#run.length + 1)) : NaN;
    const oldest = this.#count - this.#kept.length;
    if (!Number.isInteger(number) || number < oldest || number > this.#count) {
      return null;
    }
    return this.#kept.slice(number - oldest);
  }
}

/** An event as it goes out. */
export function eventJson({ id, kind, atMs, data }: GatewayEvent): string {
  return JSON.stringify({ id, kind, at: new Date(atMs).toISOString(), ...data });
}
