import { type IoMemory } from '../io/packet-io';
import { EventHold } from '../notices/event-hold';
import { type EventPacket, EventReceiver, type TelephoneEvent } from '../notices/event-receiver';
import { EVENT_PACKET_BYTES, EventSender } from '../notices/event-sender';
import { payloadEnd, payloadStart } from '../rtp/header';
import { EVENT_BYTES } from '../rtp/telephone-event';
import { type LegSender } from './leg-sender';
import { type LegState } from './leg-state';
import { type Recorder } from './recorder';

/** What the telephone events of all legs of a worker share. */
export interface EventHost {
  /** Where packets are made. */
  readonly memory: IoMemory;
  readonly sender: LegSender;
  readonly recorder: Recorder;
  /** A key press has ended. */
  pressed(leg: LegState, event: TelephoneEvent): void;
}

/** One packet at a time is looked at. */
const packet: EventPacket = {
  ssrc: 0,
  timestamp: 0,
  marker: false,
  payloadType: 0,
  clockRateHz: 8000,
  code: 0,
  isEnd: false,
  volume: 0,
  units: 0,
};

/** The telephone events that one leg sends: told, held back, and sent after all. */
export class LegEvents {
  readonly hold = new EventHold();
  readonly #leg: LegState;
  readonly #host: EventHost;
  readonly #receiver: EventReceiver;
  readonly #sender: EventSender;
  #nowMs = 0;
  /** When the event of the packet taken in last began, monotonic ms. */
  packetStartedAtMs = 0;

  constructor(leg: LegState, host: EventHost) {
    this.#leg = leg;
    this.#host = host;
    this.#receiver = new EventReceiver(
      event => this.hold.begin(event),
      event => {
        this.hold.end(event);
        if (event.digit !== null) {
          host.pressed(leg, event);
        }
      },
    );
    this.#sender = new EventSender(this.hold, host.memory.bytes, (event, isFirst) => {
      this.#send(event, isFirst);
    });
  }

  /** Takes one event packet in. @returns whether it is held back. */
  onPacket(
    bytes: Uint8Array,
    at: number,
    length: number,
    ssrc: number,
    timestamp: number,
    nowMs: number,
  ): boolean {
    const start = payloadStart(bytes, at);
    this.packetStartedAtMs = nowMs;
    if (payloadEnd(bytes, at, length) - start < EVENT_BYTES) {
      return false;
    }
    const second = bytes[at + 1] ?? 0;
    const flags = bytes[start + 1] ?? 0;
    packet.ssrc = ssrc;
    packet.timestamp = timestamp;
    packet.marker = second >= 0x80;
    packet.payloadType = second & 0x7f;
    packet.clockRateHz = this.#leg.clockRates[packet.payloadType] ?? 8000;
    packet.code = bytes[start] ?? 0;
    packet.isEnd = flags >= 0x80;
    packet.volume = flags & 0x3f;
    packet.units = ((bytes[start + 2] ?? 0) << 8) | (bytes[start + 3] ?? 0);
    this.#receiver.onPacket(packet, nowMs);
    this.packetStartedAtMs = this.#receiver.packetStartedAtMs;
    return this.#receiver.current?.isHeld === true;
  }

  /** @returns when it wants to be called again, monotonic ms. */
  service(nowMs: number): number {
    this.#nowMs = nowMs;
    return Math.min(
      this.#receiver.service(nowMs),
      this.hold.service(nowMs),
      this.#sender.service(nowMs),
    );
  }

  #send(event: TelephoneEvent, isFirst: boolean): void {
    const { memory, sender, recorder } = this.#host;
    const nowMs = this.#nowMs;
    const { peer, taps } = this.#leg;
    // What was pressed before a recording's gate opened is not for that recording.
    for (const tap of taps) {
      if (tap.recording.gateOpen && tap.recording.gateOpenedAtMs <= event.startedAtMs) {
        recorder.insert(tap, memory, 0, EVENT_PACKET_BYTES, isFirst, nowMs);
      }
    }
    if (peer?.receives === true) {
      if (isFirst) {
        peer.eventTimestamp = peer.output.momentAt(nowMs);
      }
      const marker = (memory.bytes[1] ?? 0) & 0x80;
      memory.bytes[1] = marker | eventTypeToward(peer, event);
      peer.output.insert(peer.eventTimestamp);
      peer.output.stamp(memory.view, 0);
      sender.send(peer, memory, 0, EVENT_PACKET_BYTES);
    }
  }
}

/** The payload type that the leg has agreed for events of that clock. */
function eventTypeToward(leg: LegState, event: TelephoneEvent): number {
  const format = leg.formats.find(
    ({ encoding, clockRateHz }) =>
      encoding === 'TELEPHONE-EVENT' && clockRateHz === event.clockRateHz,
  );
  return format?.payloadType ?? event.payloadType;
}
