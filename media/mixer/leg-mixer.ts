import {
  isMixable,
  KIND_COMFORT_NOISE,
  KIND_EVENT,
  KIND_G722,
  KIND_OTHER,
  kindOf,
} from '../codec/payload-kinds';
import { type IoMemory } from '../io/packet-io';
import { type NoticeOutcome } from '../ports';
import { MAX_PACKET_BYTES, payloadEnd, payloadStart, RTP_HEADER_BYTES } from '../rtp/header';
import { type LegState } from '../worker/leg-state';
import { BAND_RATE_HZ, G722Takeover } from './g722-takeover';
import { type MixerHost } from './mixer-host';
import { type QueuedNotice } from './notice-queue';
import { NoticeTurns } from './notice-turns';
import { decodeSamples, encodeSamples, frameBytesOf, lanesOf } from './payload-codec';
import { MAX_PACKET_MS, TalkerWatch } from './talker-watch';

/** What is to be done with a live packet: numbers, because every packet has one. */
export const GOES_ON = 0;
/** It is too late: the leg has heard something else in its place. */
export const IS_TOO_LATE = 1;
/** It takes a number beside packets that the mixer makes. */
export const GOES_BESIDE = 2;

const DEFAULT_PACKET_MS = 20;
/** A codec that cannot be mixed into may pass so long before the notice is given up, ms. */
const MAX_UNMIXABLE_MS = 1000;
/** When nothing is left to play but not everything is as it was: how often to look whether it is, ms. */
const SETTLING_INTERVAL_MS = 100;

/**
 * Mixes notices into what one leg hears: in place into each packet on its way to the leg, and into packets of its own
 * where the talker has been silent for more than two packet times. Live packets wait for nothing. G.722 is mixed in its
 * sub-bands, without its filters, which would delay.
 */
export class LegMixer {
  readonly #leg: LegState;
  readonly #host: MixerHost;
  readonly #notices: NoticeTurns;
  readonly #talker: TalkerWatch;
  /** Once the stream toward the leg was G.722. */
  #g722: G722Takeover | null = null;

  /** Of the stream toward the leg; KIND_OTHER before it is known. */
  #kind = KIND_OTHER;
  #payloadType = 0;
  #clockRateHz = BAND_RATE_HZ;
  #packetFrames = 0;
  #packetMs = 0;
  #nextMs = Infinity;

  constructor(leg: LegState, host: MixerHost) {
    this.#leg = leg;
    this.#host = host;
    this.#notices = new NoticeTurns(leg, host);
    const talkedAtMs = leg.peer?.sends === true ? leg.peer.lastRtpAtMs : -Infinity;
    this.#talker = new TalkerWatch(host.clock, talkedAtMs);
  }

  /** Nothing is left to do: the mixer may go, and packets pass as they are. */
  get isIdle(): boolean {
    const { isEmpty, isLiveUnchanged } = this.#notices;
    return isEmpty && isLiveUnchanged && this.#g722?.isTakenOver !== true;
  }

  play(notice: QueuedNotice): void {
    this.#notices.play(notice);
  }

  /** Ends a notice softly, or takes it out of the queue. */
  stop(number: number): void {
    this.#notices.stop(number);
  }

  /** The leg goes. */
  close(): void {
    this.#notices.close();
  }

  /** Mixes into a packet on its way to the leg, in place. Its numbers are still those of its source. */
  onLivePacket(
    memory: IoMemory,
    at: number,
    length: number,
    ssrc: number,
    timestamp: number,
  ): number {
    const { output, kinds, clockRates } = this.#leg;
    const { bytes } = memory;
    const payloadType = (bytes[at + 1] ?? 0) & 0x7f;
    const kind = kinds[payloadType] ?? KIND_OTHER;
    if (kind === KIND_COMFORT_NOISE) {
      return output.isFilled ? GOES_BESIDE : GOES_ON;
    }
    if (kind === KIND_EVENT) {
      this.#talker.heardEvent();
      return GOES_ON;
    }
    const start = payloadStart(bytes, at);
    const frames = Math.floor((payloadEnd(bytes, at, length) - start) / frameBytesOf(kind));
    if (!isMixable(kind) || frames <= 0) {
      this.#talker.heardUnmixable();
      return GOES_ON;
    }
    if (output.isTooLate(ssrc, timestamp, frames)) {
      this.#talker.heardTooLate();
      return IS_TOO_LATE;
    }
    this.#follow(kind, payloadType, clockRates[payloadType] ?? BAND_RATE_HZ, frames);
    this.#talker.heardAudio();
    this.#mixLive(bytes, start, frames);
    return GOES_ON;
  }

  /** When {@link service} wants to be called again, monotonic ms. */
  get nextMs(): number {
    return this.#nextMs;
  }

  /** Sends what is due where the talker is silent, and gives up what cannot be played. */
  service(): void {
    const notices = this.#notices;
    for (let notice = notices.first; notice !== undefined; notice = notices.first) {
      notices.begin(notice);
      const obstacle = this.#obstacle(notice);
      if (obstacle !== null) {
        notices.end(notice, obstacle);
        continue;
      }
      const dueMs = this.#talker.dueMs(this.#packetMs);
      if (this.#host.clock.nowMs < dueMs) {
        this.#nextMs = Math.min(dueMs, notice.deadlineMs);
        return;
      }
      this.#fill();
    }
    if (this.#talker.isFilling) {
      notices.skipLiveRamp();
    }
    this.#nextMs = this.isIdle ? Infinity : this.#host.clock.nowMs + SETTLING_INTERVAL_MS;
  }

  /** Why the notice cannot be played, or not any longer. */
  #obstacle(notice: QueuedNotice): NoticeOutcome | null {
    const leg = this.#leg;
    if (!leg.isSignalled) {
      return 'no-stream';
    }
    if (!leg.receives || !leg.rtpLatch.destination.isSet) {
      return notice.startedAtMs === null ? 'not-receiving' : 'cut';
    }
    if (this.#talker.isUnmixable && this.#notices.hasWaited(notice, MAX_UNMIXABLE_MS)) {
      return notice.startedAtMs === null ? 'codec' : 'cut';
    }
    if (this.#kind === KIND_OTHER && !this.#chooseFormat()) {
      return 'codec';
    }
    if (this.#kind !== KIND_OTHER && !this.#notices.hasSound(notice)) {
      return notice.startedAtMs === null ? 'codec' : 'cut';
    }
    return this.#host.clock.nowMs >= notice.deadlineMs ? 'cut' : null;
  }

  /** Makes the packets that are due by now. */
  #fill(): void {
    const talker = this.#talker;
    const wasFilling = talker.isFilling;
    let isContiguous = talker.fill(this.#packetMs);
    if (!wasFilling) {
      this.#notices.skipLiveRamp();
    }
    while (talker.slotDueMs <= this.#host.clock.nowMs && !this.#notices.isEmpty) {
      this.#sendOwnPacket(isContiguous);
      talker.slotDueMs += this.#packetMs;
      isContiguous = true;
    }
  }

  #sendOwnPacket(isContiguous: boolean): void {
    const leg = this.#leg;
    const { memory, values, codes } = this.#host;
    const kind = this.#kind;
    const frames = this.#packetFrames;
    const { bytes, view } = memory;
    values.fill(0, 0, frames * lanesOf(kind));
    if (kind === KIND_G722) {
      this.#mixSilence(this.#takeover, frames);
      for (let i = 0; i < frames; i++) {
        bytes[RTP_HEADER_BYTES + i] = codes[i] ?? 0;
      }
    } else {
      this.#notices.mix(frames);
      encodeSamples(kind, values, frames, bytes, RTP_HEADER_BYTES);
    }
    const isFirst = !leg.output.started || !isContiguous;
    bytes[0] = 0x80;
    // RFC 3551 §4.1: the marker begins a talkspurt.
    bytes[1] = (isFirst ? 0x80 : 0) | this.#payloadType;
    leg.output.fill(frames, this.#clockRateHz, this.#host.clock.nowMs, isContiguous);
    leg.output.stamp(view, 0);
    this.#host.send(leg, memory, 0, RTP_HEADER_BYTES + frames * frameBytesOf(kind));
  }

  #mixLive(bytes: Uint8Array, at: number, frames: number): void {
    const kind = this.#kind;
    if (kind === KIND_G722) {
      this.#mixBands(this.#takeover, bytes, at, frames);
      return;
    }
    const notices = this.#notices;
    if (notices.isEmpty && notices.isLiveUnchanged) {
      return;
    }
    if (!notices.mixSteadily(bytes, at, frames)) {
      const { values } = this.#host;
      decodeSamples(kind, bytes, at, frames, values);
      notices.mix(frames);
      encodeSamples(kind, values, frames, bytes, at);
    }
  }

  get #takeover(): G722Takeover {
    this.#g722 ??= new G722Takeover();
    return this.#g722;
  }

  #mixSilence(g722: G722Takeover, frames: number): void {
    const { values, codes } = this.#host;
    if (!g722.isTakenOver) {
      g722.takeOverSilence(this.#leg.output.started);
    }
    if (!g722.takeSilence(frames)) {
      this.#notices.mix(frames);
    }
    g722.onNotice();
    g722.encode(values, frames, codes);
  }

  #mixBands(g722: G722Takeover, bytes: Uint8Array, at: number, frames: number): void {
    const { values, codes } = this.#host;
    const notices = this.#notices;
    if (!g722.isTakenOver) {
      if (notices.isEmpty) {
        notices.skipLiveRamp();
      } else {
        g722.follow(bytes, at, frames, values);
      }
      return;
    }
    g722.decode(bytes, at, frames, values);
    notices.mix(frames);
    g722.encode(values, frames, codes);
    const isInaudible = g722.replace(bytes, at, frames, values, codes);
    if (notices.isEmpty && notices.isLiveUnchanged) {
      g722.giveBack(isInaudible, frames);
    } else {
      g722.onNotice();
    }
  }

  /** The stream that the leg hears is in this format from now on. */
  #follow(kind: number, payloadType: number, clockRateHz: number, frames: number): void {
    this.#payloadType = payloadType;
    this.#packetFrames = frames;
    this.#packetMs = (frames * 1000) / clockRateHz;
    if (kind === this.#kind && clockRateHz === this.#clockRateHz) {
      return;
    }
    this.#kind = kind;
    this.#clockRateHz = clockRateHz;
    this.#notices.follow(kind, clockRateHz);
    this.#g722?.reset();
  }

  /** Before anything was heard of the talker: the leg's most preferred format that can be mixed into. */
  #chooseFormat(): boolean {
    const { formats, packetMs } = this.#leg;
    for (const format of formats) {
      const kind = kindOf(format);
      if (isMixable(kind)) {
        const wantedMs = packetMs > 0 ? Math.min(packetMs, MAX_PACKET_MS) : DEFAULT_PACKET_MS;
        const mostFrames = (MAX_PACKET_BYTES - RTP_HEADER_BYTES - 64) / frameBytesOf(kind);
        const frames = Math.min(Math.round((wantedMs * format.clockRateHz) / 1000), mostFrames);
        this.#follow(kind, format.payloadType, format.clockRateHz, Math.floor(frames));
        return true;
      }
    }
    return false;
  }
}
