import { digitOf, MAX_EVENT_UNITS } from '../rtp/telephone-event';
import { timestampDelta } from '../rtp/sequence';

/** An event of which nothing more comes for so long has ended, though its end was lost, ms. */
const LOST_END_MS = 200;
/** A packet older than this is another timeline, not a late one, s. */
const MAX_LATE_S = 10;
/** From this duration on an event may go on in another segment (RFC 4733 §2.5.1.3): a bit less than fits. */
const SEGMENT_UNITS = MAX_EVENT_UNITS - 0x800;

/** One telephone event: a key press. */
export interface TelephoneEvent {
  readonly code: number;
  /** null: no key. */
  readonly digit: string | null;
  readonly payloadType: number;
  readonly clockRateHz: number;
  /** As −dBm0. */
  readonly volume: number;
  /** Monotonic ms of its first packet. */
  readonly startedAtMs: number;
  /** So far, in timestamp units. */
  units: number;
  /** Whether it is kept from going on. */
  isHeld: boolean;
  hasEnded: boolean;
}

export interface EventPacket {
  ssrc: number;
  timestamp: number;
  marker: boolean;
  payloadType: number;
  clockRateHz: number;
  code: number;
  isEnd: boolean;
  volume: number;
  units: number;
}

/**
 * Makes key presses of telephone-event packets (RFC 4733): one of each event, however often its packets are repeated,
 * lost or late.
 */
export class EventReceiver {
  /** The newest event. */
  current: TelephoneEvent | null = null;
  /** When the event began that the packet taken in last belongs to, monotonic ms. */
  packetStartedAtMs = 0;
  readonly #onBegin: (event: TelephoneEvent) => void;
  readonly #onEnd: (event: TelephoneEvent) => void;
  #ssrc = 0;
  #timestamp = 0;
  /** Of the segments before the present one. */
  #unitsBefore = 0;
  #lastAtMs = 0;
  /** Of the event before the newest. */
  #previousStartedAtMs = -Infinity;

  constructor(onBegin: (event: TelephoneEvent) => void, onEnd: (event: TelephoneEvent) => void) {
    this.#onBegin = onBegin;
    this.#onEnd = onEnd;
  }

  /** Takes one packet in. Afterwards `current` is its event, unless the packet was late. */
  onPacket(packet: EventPacket, nowMs: number): void {
    const { current } = this;
    const ahead = timestampDelta(packet.timestamp, this.#timestamp);
    this.packetStartedAtMs = current?.startedAtMs ?? nowMs;
    if (current === null || packet.ssrc !== this.#ssrc) {
      this.#begin(packet, nowMs);
    } else if (ahead === 0 && packet.code === current.code) {
      this.#update(current, packet, nowMs);
    } else if (ahead < 0 && ahead > -MAX_LATE_S * packet.clockRateHz) {
      this.packetStartedAtMs = this.#previousStartedAtMs;
    } else if (this.#isNextSegment(current, packet, ahead)) {
      this.#unitsBefore += ahead;
      this.#timestamp = packet.timestamp;
      this.#update(current, packet, nowMs);
    } else {
      this.#begin(packet, nowMs);
    }
  }

  /** Ends an event whose end was lost. @returns when it wants to be asked again, monotonic ms. */
  service(nowMs: number): number {
    const { current } = this;
    if (current === null || current.hasEnded) {
      return Infinity;
    }
    const lostAtMs = this.#lastAtMs + LOST_END_MS;
    if (nowMs < lostAtMs) {
      return lostAtMs;
    }
    this.#end(current);
    return Infinity;
  }

  #isNextSegment(current: TelephoneEvent, packet: EventPacket, ahead: number): boolean {
    return (
      !current.hasEnded &&
      !packet.marker &&
      packet.code === current.code &&
      ahead >= SEGMENT_UNITS &&
      ahead <= MAX_EVENT_UNITS + 1
    );
  }

  #begin(packet: EventPacket, nowMs: number): void {
    if (this.current !== null && !this.current.hasEnded) {
      this.#end(this.current);
    }
    this.#previousStartedAtMs = this.current?.startedAtMs ?? -Infinity;
    this.packetStartedAtMs = nowMs;
    this.#ssrc = packet.ssrc;
    this.#timestamp = packet.timestamp;
    this.#unitsBefore = 0;
    const event: TelephoneEvent = {
      code: packet.code,
      digit: digitOf(packet.code),
      payloadType: packet.payloadType,
      clockRateHz: packet.clockRateHz,
      volume: packet.volume,
      startedAtMs: nowMs,
      units: 0,
      isHeld: false,
      hasEnded: false,
    };
    this.current = event;
    this.#onBegin(event);
    this.#update(event, packet, nowMs);
  }

  #update(event: TelephoneEvent, packet: EventPacket, nowMs: number): void {
    this.#lastAtMs = nowMs;
    if (event.hasEnded) {
      return;
    }
    event.units = Math.max(event.units, this.#unitsBefore + packet.units);
    if (packet.isEnd) {
      this.#end(event);
    }
  }

  #end(event: TelephoneEvent): void {
    event.hasEnded = true;
    this.#onEnd(event);
  }
}
