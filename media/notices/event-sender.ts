import { RTP_HEADER_BYTES } from '../rtp/header';
import { EVENT_BYTES, MAX_EVENT_UNITS, writeEvent } from '../rtp/telephone-event';
import { type EventHold } from './event-hold';
import { type TelephoneEvent } from './event-receiver';

/** RFC 4733 §2.5.1.2: the packet time of audio, and the end three times. */
const INTERVAL_MS = 20;
const END_PACKETS = 3;
/** Between two events: a receiver must see them apart, ms. */
const PAUSE_MS = 60;

export const EVENT_PACKET_BYTES = RTP_HEADER_BYTES + EVENT_BYTES;

/** Where a packet of an event that was held goes; its numbers are not written yet. */
export type EventSink = (event: TelephoneEvent, isFirst: boolean) => void;

/** Sends events that were held, one after the other, in the time that each took. */
export class EventSender {
  readonly #hold: EventHold;
  readonly #bytes: Uint8Array;
  readonly #sink: EventSink;
  #event: TelephoneEvent | null = null;
  #units = 0;
  #endsLeft = 0;
  #dueMs = 0;

  /** @param bytes where packets are made. @param sink is called with each of them in `bytes`. */
  constructor(hold: EventHold, bytes: Uint8Array, sink: EventSink) {
    this.#hold = hold;
    this.#bytes = bytes;
    this.#sink = sink;
  }

  /** Sends what is due. @returns when it wants to be called again, monotonic ms. */
  service(nowMs: number): number {
    const event = this.#hold.next;
    if (event === null) {
      return Infinity;
    }
    if (nowMs < this.#dueMs) {
      return this.#dueMs;
    }
    const isFirst = this.#event !== event;
    if (isFirst) {
      this.#event = event;
      this.#units = 0;
      this.#endsLeft = END_PACKETS;
    }
    const total = Math.min(event.units, MAX_EVENT_UNITS);
    const step = Math.round((INTERVAL_MS * event.clockRateHz) / 1000);
    this.#units = Math.min(total, this.#units + step);
    const isEnd = this.#units === total;
    this.#bytes[0] = 0x80;
    this.#bytes[1] = (isFirst ? 0x80 : 0) | event.payloadType;
    writeEvent(this.#bytes, RTP_HEADER_BYTES, event.code, isEnd, event.volume, this.#units);
    this.#sink(event, isFirst);
    this.#endsLeft -= isEnd ? 1 : 0;
    this.#dueMs = nowMs + INTERVAL_MS;
    if (this.#endsLeft === 0) {
      this.#hold.sent();
      this.#event = null;
      this.#dueMs = nowMs + PAUSE_MS;
    }
    return this.#dueMs;
  }
}
