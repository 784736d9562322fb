import { randomInt } from 'node:crypto';
import { type Clock, type Timer } from '#core';
import { RtpPacket } from 'rtp.js/packets';
import { type PcmSource, SAMPLES_PER_MS } from '../audio/pcm';
import { SpeechEncoder, type SpeechEncoding } from '../audio/speech-codec';
import { type SenderReport } from './rtcp';
import { eventOfDigit, eventPayload } from './telephone-event';

/** Packet time of everything that the lab sends, ms. */
const PTIME_MS = 20;
const FRAME_SAMPLES = PTIME_MS * SAMPLES_PER_MS;
/** After a stall at most this many packets are made up for; older ones are skipped, as a real phone would. */
const MAX_CATCH_UP_FRAMES = 100;
/** RFC 4733 §2.5.1.4: the last packet of an event is sent three times. */
const EVENT_END_PACKETS = 3;

export interface RtpSenderOptions {
  readonly clock: Clock;
  readonly source: PcmSource;
  readonly encoding: SpeechEncoding;
  readonly payloadType: number;
  /** Payload type of telephone-event/8000, or null when it was not agreed. */
  readonly eventPayloadType: number | null;
  /** Must not throw. */
  readonly send: (packet: Buffer) => void;
}

interface RunningEvent {
  readonly event: number;
  readonly startTimestamp: number;
  readonly durationFrames: number;
  elapsedFrames: number;
}

/**
 * Sends a source as G.711 or G.722, one packet each 20 ms by the clock (frame n is due 20·n ms after the start, so that
 * delays never add up). Position 0 of the source is the start.
 */
export class RtpSender {
  readonly #clock: Clock;
  readonly #send: (packet: Buffer) => void;
  #eventPayloadType: number | null;
  readonly #encoder = new SpeechEncoder();
  #encoding: SpeechEncoding;
  #payloadType: number;
  #source: PcmSource;
  #sourceStartFrame = 0;
  #ssrc = randomInt(1, 2 ** 32);
  #sequence = randomInt(0, 2 ** 15);
  #firstTimestamp = randomInt(0, 2 ** 32);
  #startedAtMs = 0;
  #frame = 0;
  #timer: Timer | null = null;
  #isRunning = false;
  #isSilent = false;
  #marker = true;
  #packets = 0;
  #totalPackets = 0;
  #octets = 0;
  #event: RunningEvent | null = null;
  #digits: { event: number; durationFrames: number }[] = [];

  constructor(options: RtpSenderOptions) {
    this.#clock = options.clock;
    this.#source = options.source;
    this.#encoding = options.encoding;
    this.#payloadType = options.payloadType;
    this.#eventPayloadType = options.eventPayloadType;
    this.#send = options.send;
  }

  get ssrc(): number {
    return this.#ssrc;
  }

  /** Packets made so far, over all SSRCs. */
  get totalPackets(): number {
    return this.#totalPackets;
  }

  /** Whether digits wait or are being sent. */
  get isSendingDigits(): boolean {
    return this.#event !== null || this.#digits.length > 0;
  }

  /** Begins with frame 0 at once; a second call does nothing. */
  start(): void {
    if (!this.#isRunning) {
      this.#isRunning = true;
      this.#startedAtMs = this.#clock.monotonicMs();
      this.#sendDueFrames();
    }
  }

  stop(): void {
    this.#isRunning = false;
    this.#timer?.cancel();
    this.#timer = null;
  }

  /** While silent nothing is sent, but time goes on (as with discontinuous transmission, or on hold). */
  setSilent(isSilent: boolean): void {
    this.#marker ||= this.#isSilent && !isSilent;
    this.#isSilent = isSilent;
  }

  /** Plays another source from its position 0. */
  setSource(source: PcmSource): void {
    this.#source = source;
    this.#sourceStartFrame = this.#frame;
  }

  setFormats(formats: {
    encoding: SpeechEncoding;
    payloadType: number;
    eventPayloadType: number | null;
  }): void {
    this.#encoding = formats.encoding;
    this.#payloadType = formats.payloadType;
    this.#eventPayloadType = formats.eventPayloadType;
  }

  /** A new SSRC with new sequence numbers and timestamps, as after a transfer behind the peer. */
  changeSsrc(): void {
    this.#ssrc = randomInt(1, 2 ** 32);
    this.#sequence = randomInt(0, 2 ** 15);
    this.#firstTimestamp = randomInt(0, 2 ** 32);
    this.#packets = 0;
    this.#octets = 0;
    this.#marker = true;
  }

  /**
   * Queues digits as telephone-events (RFC 4733); audio is not sent meanwhile.
   * @param durationMs of each digit, 40–5000.
   * @returns false when the peer takes no telephone-events or a character is no digit.
   */
  sendDigits(digits: string, durationMs = 100): boolean {
    const events = Array.from(digits, eventOfDigit);
    if (this.#eventPayloadType === null || events.includes(null) || digits.length > 64) {
      return false;
    }
    const durationFrames = Math.round(Math.min(5000, Math.max(40, durationMs)) / PTIME_MS);
    this.#digits.push(
      ...events.flatMap(event => (event === null ? [] : [{ event, durationFrames }])),
    );
    return true;
  }

  /** What our sender report should say now; null before the first packet. */
  report(): Omit<SenderReport, 'ssrc'> | null {
    if (this.#packets === 0) {
      return null;
    }
    const elapsedMs = this.#clock.monotonicMs() - this.#startedAtMs;
    return {
      ntpMs: this.#clock.wallNowMs(),
      rtpTimestamp: (this.#firstTimestamp + Math.round(elapsedMs * SAMPLES_PER_MS)) >>> 0,
      packets: this.#packets,
      octets: this.#octets,
    };
  }

  #sendDueFrames(): void {
    this.#timer = null;
    const dueFrames = Math.floor((this.#clock.monotonicMs() - this.#startedAtMs) / PTIME_MS) + 1;
    this.#frame = Math.max(this.#frame, dueFrames - MAX_CATCH_UP_FRAMES);
    while (this.#frame < dueFrames) {
      this.#sendFrame();
      this.#frame += 1;
    }
    const nextDueMs = this.#startedAtMs + this.#frame * PTIME_MS;
    this.#timer = this.#clock.setTimer(Math.max(0, nextDueMs - this.#clock.monotonicMs()), () =>
      this.#sendDueFrames(),
    );
  }

  #sendFrame(): void {
    const timestamp = (this.#firstTimestamp + this.#frame * FRAME_SAMPLES) >>> 0;
    if (this.#isSilent) {
      return;
    }
    if (this.#event === null) {
      const next = this.#digits.shift();
      this.#event =
        next === undefined ? null : { ...next, startTimestamp: timestamp, elapsedFrames: 0 };
    }
    if (this.#event === null) {
      const samples = new Int16Array(FRAME_SAMPLES);
      this.#source.read((this.#frame - this.#sourceStartFrame) * FRAME_SAMPLES, samples);
      this.#sendPacket(this.#payloadType, timestamp, this.#encoder.encode(this.#encoding, samples));
    } else {
      this.#sendEventFrame(this.#event);
    }
  }

  /** RFC 4733 §2.5.1: all packets of an event carry its start time and the duration so far. */
  #sendEventFrame(running: RunningEvent): void {
    running.elapsedFrames += 1;
    const isEnd = running.elapsedFrames >= running.durationFrames;
    const duration = running.elapsedFrames * FRAME_SAMPLES;
    this.#marker = running.elapsedFrames === 1;
    const repetitions = isEnd ? EVENT_END_PACKETS : 1;
    for (let n = 0; n < repetitions; n += 1) {
      const payload = eventPayload(running.event, duration, isEnd);
      this.#sendPacket(this.#eventPayloadType ?? 101, running.startTimestamp, payload);
    }
    if (isEnd) {
      this.#event = null;
      this.#marker = true;
    }
  }

  #sendPacket(payloadType: number, timestamp: number, payload: Uint8Array): void {
    const packet = new RtpPacket();
    packet.setPayloadType(payloadType);
    packet.setSequenceNumber(this.#sequence);
    packet.setTimestamp(timestamp);
    packet.setSsrc(this.#ssrc);
    packet.setMarker(this.#marker);
    packet.setPayload(new DataView(payload.buffer, payload.byteOffset, payload.byteLength));
    this.#marker = false;
    this.#sequence = (this.#sequence + 1) & 0xffff;
    this.#packets += 1;
    this.#totalPackets += 1;
    this.#octets += payload.length;
    const view = packet.getView();
    this.#send(Buffer.from(view.buffer, view.byteOffset, view.byteLength));
  }
}
