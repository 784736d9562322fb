import { G722BandDecoder, G722BandEncoder } from '../codec/g722';
import {
  isMixable,
  KIND_COMFORT_NOISE,
  KIND_EVENT,
  KIND_G722,
  KIND_OTHER,
  KIND_PCMA,
  KIND_PCMU,
  kindOf,
} from '../codec/payload-kinds';
import { type IoMemory } from '../io/packet-io';
import { renderOf, type SoundStore } from '../notices/sound-store';
import { type NoticeOutcome } from '../ports';
import { MAX_PACKET_BYTES, payloadEnd, payloadStart, RTP_HEADER_BYTES } from '../rtp/header';
import { type LegState } from '../worker/leg-state';
import { DuckedLaws, gainStepOf, type MixGains, mixFrames, mixG711 } from './mix';
import { MAX_QUEUED, type QueuedNotice } from './notice-queue';
import {
  decodePayload,
  encodePayload,
  frameBytesOf,
  lanesOf,
  lawOf,
  limitOf,
  MAX_VALUES,
} from './payload-codec';

/** What is to be done with a live packet: numbers, because every packet has one. */
export const GOES_ON = 0;
/** It is too late: the leg has heard something else in its place. */
export const IS_TOO_LATE = 1;
/** It takes a number beside packets that the mixer makes. */
export const GOES_BESIDE = 2;

/** Both rates of the sub-bands and of G.722's RTP clock, Hz. */
const BAND_RATE_HZ = 8000;
/** How much of a G.722 stream is followed before it is taken over, frames: 100 ms. */
const WARM_UP_FRAMES = BAND_RATE_HZ / 10;
/** A G.722 stream that is taken over is given back in a pause of speech, or after this, frames: 2 s. */
const GIVE_BACK_FRAMES = 2 * BAND_RATE_HZ;
/** After a notice the quantisers' steps settle before a pause counts, frames: 40 ms. */
const SETTLING_FRAMES = BAND_RATE_HZ / 25;
/** Mean magnitude of a pause in the sub-bands' 15 bits: about −50 dBFS. */
const PAUSE_MAGNITUDE = 40;
/** Beyond two packet times, so that a single lost packet fills nothing in, ms. */
const SLACK_MS = 5;
/** A talker who fell silent at most so many packets ago is followed without a gap. */
const MAX_CATCH_UP_PACKETS = 5;
/** Longer than this is no talker waited for, packets: what is made then still follows without a gap. */
const MAX_PATIENCE_PACKETS = MAX_CATCH_UP_PACKETS - 1;
const DEFAULT_PACKET_MS = 20;
const MAX_PACKET_MS = 60;
/** A codec that cannot be mixed into may pass so long before the notice is given up, ms. */
const MAX_UNMIXABLE_MS = 1000;
/** A notice that does not get on is given up this long after it should have ended, ms. */
const STALLED_MS = 5000;

const NO_SOUND = new Int16Array(0);
const duckedLaws = new DuckedLaws();

/**
 * What mixers of a worker share. Fractions are read from here and left in fields, not handed from call to call: a fraction
 * that is an argument or a result is a new object each time, and this happens for every packet.
 */
export interface MixerHost {
  /** The time of this round, monotonic ms. */
  readonly clock: { readonly nowMs: number };
  readonly sounds: SoundStore;
  /** Where a packet is made, and its values. */
  readonly memory: IoMemory;
  readonly values: Int16Array;
  readonly codes: Uint8Array;
  send(leg: LegState, memory: IoMemory, at: number, length: number): void;
  ended(leg: LegState, notice: QueuedNotice, outcome: NoticeOutcome): void;
}

/** What a worker's mixers share, but for where packets and reports go. */
export function mixerBuffers(memory: IoMemory): Pick<MixerHost, 'memory' | 'values' | 'codes'> {
  return { memory, values: new Int16Array(MAX_VALUES), codes: new Uint8Array(MAX_PACKET_BYTES) };
}

/**
 * Mixes notices into what one leg hears: in place into each packet on its way to the leg, and into packets of its own
 * where the talker has been silent for more than two packet times. Live packets wait for nothing.
 *
 * G.722 has a memory. Its sub-bands are mixed without its filters, which would delay; the stream is followed for 100 ms
 * before it is re-encoded, beginning with the very state of whoever listens; and it is re-encoded after the notice
 * until that makes no difference any more, or speech pauses.
 */
export class LegMixer {
  readonly #leg: LegState;
  readonly #host: MixerHost;
  readonly #queue: QueuedNotice[] = [];
  readonly #gains: MixGains = {
    live: 1,
    liveTarget: 1,
    sound: 1,
    soundTarget: 1,
    step: gainStepOf(BAND_RATE_HZ),
  };
  readonly #decoder = new G722BandDecoder();
  readonly #encoder = new G722BandEncoder();

  /** Of the stream toward the leg; KIND_OTHER before it is known. */
  #kind = KIND_OTHER;
  #payloadType = 0;
  #clockRateHz = BAND_RATE_HZ;
  #packetFrames = 0;
  #packetMs = 0;
  /** The active notice's sound in that format, and how much of it was heard, in frames. */
  #sound: Int16Array | null = null;
  #position = 0;

  /** Decodes G.711 with the gain of speech under the notice in it, of that kind and gain. */
  #ducked: Int16Array = NO_SOUND;
  #duckedKind = KIND_OTHER;
  #duckedGain = 1;

  #audioAtMs = -Infinity;
  #eventAtMs = -Infinity;
  #unmixableAtMs = -Infinity;
  #isFilling = false;
  #slotDueMs = -Infinity;
  /** When a silence becomes one that is filled. */
  #fillsAtMs = Infinity;
  #nextMs = Infinity;
  /** How long a talker was away who then proved to be late, not silent; ms. */
  #latenessMs = 0;

  /** G.722: whether what the leg hears is re-encoded here, and how much was followed or re-encoded. */
  #isTakenOver = false;
  #followedFrames = 0;
  #silentFramesLeft = 0;
  #framesSinceNotice = 0;

  /** What came before the mixer did: whether somebody talks is known from the other leg only. */
  #talkedAtMs: number;

  constructor(leg: LegState, host: MixerHost) {
    this.#leg = leg;
    this.#host = host;
    this.#talkedAtMs = leg.peer?.sends === true ? leg.peer.lastRtpAtMs : -Infinity;
  }

  /** Nothing is left to do: the mixer may go, and packets pass as they are. */
  get isIdle(): boolean {
    return this.#queue.length === 0 && this.#gains.live === 1 && !this.#isTakenOver;
  }

  play(notice: QueuedNotice): void {
    if (this.#queue.length >= MAX_QUEUED) {
      this.#host.ended(this.#leg, notice, 'cut');
      return;
    }
    this.#queue.push(notice);
  }

  /** Ends a notice softly, or takes it out of the queue. */
  stop(number: number): void {
    const index = this.#queue.findIndex(notice => notice.number === number);
    const notice = this.#queue[index];
    if (notice === undefined) {
      return;
    }
    if (notice.startedAtMs !== null) {
      notice.isStopping = true;
      this.#gains.soundTarget = 0;
    } else {
      this.#sound = index === 0 ? null : this.#sound;
      this.#queue.splice(index, 1);
      this.#host.ended(this.#leg, notice, 'cut');
    }
  }

  /** The leg goes. */
  close(): void {
    for (const notice of this.#queue.splice(0)) {
      this.#host.ended(this.#leg, notice, 'cut');
    }
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
    const { nowMs } = this.#host.clock;
    const { bytes } = memory;
    const payloadType = (bytes[at + 1] ?? 0) & 0x7f;
    const kind = kinds[payloadType] ?? KIND_OTHER;
    if (kind === KIND_COMFORT_NOISE) {
      return output.isFilled ? GOES_BESIDE : GOES_ON;
    }
    if (kind === KIND_EVENT) {
      this.#eventAtMs = nowMs;
      this.#isFilling = false;
      return GOES_ON;
    }
    const start = payloadStart(bytes, at);
    const frames = Math.floor((payloadEnd(bytes, at, length) - start) / frameBytesOf(kind));
    if (!isMixable(kind) || frames <= 0) {
      this.#unmixableAtMs = nowMs;
      return GOES_ON;
    }
    if (output.isTooLate(ssrc, timestamp, frames)) {
      this.#latenessMs = Math.max(this.#latenessMs, nowMs - this.#audioAtMs);
      return IS_TOO_LATE;
    }
    this.#follow(kind, payloadType, clockRates[payloadType] ?? BAND_RATE_HZ, frames);
    this.#audioAtMs = nowMs;
    this.#isFilling = false;
    this.#mixLive(bytes, start, frames);
    return GOES_ON;
  }

  /** When {@link service} wants to be called again, monotonic ms. */
  get nextMs(): number {
    return this.#nextMs;
  }

  /** Sends what is due where the talker is silent, and gives up what cannot be played. */
  service(): void {
    for (let notice = this.#queue[0]; notice !== undefined; notice = this.#queue[0]) {
      this.#tookTurn(notice);
      const obstacle = this.#obstacle(notice);
      if (obstacle !== null) {
        this.#end(notice, obstacle);
        continue;
      }
      if (this.#isFilling) {
        this.#nextMs = this.#slotDueMs;
      } else {
        this.#findFillingTime();
        this.#nextMs = this.#fillsAtMs;
      }
      if (this.#host.clock.nowMs < this.#nextMs) {
        this.#nextMs = Math.min(this.#nextMs, notice.deadlineMs);
        return;
      }
      this.#fill();
    }
    this.#nextMs = Infinity;
  }

  #tookTurn(notice: QueuedNotice): void {
    if (notice.deadlineMs === Infinity) {
      notice.deadlineMs = this.#host.clock.nowMs + notice.durationMs + STALLED_MS;
    }
  }

  /** Why the notice cannot be played, or not any longer. */
  #obstacle(notice: QueuedNotice): NoticeOutcome | null {
    const leg = this.#leg;
    const { nowMs } = this.#host.clock;
    if (!leg.isSignalled) {
      return 'no-stream';
    }
    if (!leg.receives || !leg.rtpLatch.destination.isSet) {
      return notice.startedAtMs === null ? 'not-receiving' : 'cut';
    }
    const isUnmixable = this.#unmixableAtMs > this.#audioAtMs;
    if (
      isUnmixable &&
      nowMs > notice.deadlineMs - notice.durationMs - STALLED_MS + MAX_UNMIXABLE_MS
    ) {
      return notice.startedAtMs === null ? 'codec' : 'cut';
    }
    if (this.#kind === KIND_OTHER && !this.#chooseFormat()) {
      return 'codec';
    }
    if (this.#kind !== KIND_OTHER && this.#soundOf(notice) === null) {
      return notice.startedAtMs === null ? 'codec' : 'cut';
    }
    return nowMs >= notice.deadlineMs ? 'cut' : null;
  }

  /**
   * When a silence becomes one that is filled. What was filled in too early costs the talker's words, which come after
   * it: after that, as long a time as the words were late is waited for.
   */
  #findFillingTime(): void {
    const heardAtMs = Math.max(this.#audioAtMs, this.#eventAtMs, this.#unmixableAtMs);
    if (heardAtMs === -Infinity) {
      this.#fillsAtMs = this.#talkedAtMs + 2 * MAX_PACKET_MS + SLACK_MS;
      return;
    }
    const packetMs = this.#packetMs;
    const patienceMs = Math.min(this.#latenessMs, MAX_PATIENCE_PACKETS * packetMs);
    this.#fillsAtMs = heardAtMs + Math.max(2 * packetMs, patienceMs) + SLACK_MS;
  }

  /** Makes the packets that are due by now. */
  #fill(): void {
    const { nowMs } = this.#host.clock;
    const packetMs = this.#packetMs;
    let isContiguous = true;
    if (!this.#isFilling) {
      this.#isFilling = true;
      isContiguous =
        this.#audioAtMs > Math.max(this.#eventAtMs, this.#unmixableAtMs) &&
        nowMs - this.#audioAtMs <= MAX_CATCH_UP_PACKETS * packetMs;
      this.#slotDueMs = isContiguous ? this.#audioAtMs + packetMs : nowMs;
      // Nobody talks: there is nothing to turn down, nor up again.
      this.#gains.live = this.#queue[0]?.duckGain ?? 1;
    } else if (nowMs - this.#slotDueMs > MAX_CATCH_UP_PACKETS * packetMs) {
      isContiguous = false;
      this.#slotDueMs = nowMs;
    }
    while (this.#slotDueMs <= nowMs && this.#queue.length > 0) {
      this.#sendOwnPacket(isContiguous);
      this.#slotDueMs += packetMs;
      isContiguous = true;
    }
  }

  #sendOwnPacket(isContiguous: boolean): void {
    const leg = this.#leg;
    const { memory, values, codes } = this.#host;
    const kind = this.#kind;
    const frames = this.#packetFrames;
    const lanes = lanesOf(kind);
    if (kind === KIND_G722 && !this.#isTakenOver) {
      this.#takeOverSilence();
    }
    for (let i = 0; i < frames * lanes; i++) {
      values[i] = 0;
    }
    if (this.#silentFramesLeft > 0) {
      this.#silentFramesLeft -= frames;
    } else {
      this.#mix(frames);
    }
    const { bytes, view } = memory;
    const length = frames * frameBytesOf(kind);
    encodePayload(kind, values, frames, codes, 0, this.#encoder);
    for (let i = 0; i < length; i++) {
      bytes[RTP_HEADER_BYTES + i] = codes[i] ?? 0;
    }
    const isFirst = !leg.output.started || !isContiguous;
    bytes[0] = 0x80;
    // RFC 3551 §4.1: the marker begins a talkspurt.
    bytes[1] = (isFirst ? 0x80 : 0) | this.#payloadType;
    leg.output.fill(frames, this.#clockRateHz, this.#host.clock.nowMs, isContiguous);
    leg.output.stamp(view, 0);
    this.#host.send(leg, memory, 0, RTP_HEADER_BYTES + length);
  }

  #mixLive(bytes: Uint8Array, at: number, frames: number): void {
    const { values, codes } = this.#host;
    const kind = this.#kind;
    const isG722 = kind === KIND_G722;
    if (isG722 && !this.#isTakenOver) {
      if (this.#queue.length === 0) {
        this.#gains.live = 1;
        return;
      }
      this.#decoder.decode(bytes, at, frames, values);
      this.#followedFrames += frames;
      if (this.#followedFrames >= WARM_UP_FRAMES) {
        this.#encoder.continueFrom(this.#decoder);
        this.#isTakenOver = true;
      }
      return;
    }
    if (!isG722 && this.#queue.length === 0 && this.#gains.live === 1) {
      return;
    }
    this.#silentFramesLeft = 0;
    if (this.#mixSteadily(bytes, at, frames)) {
      return;
    }
    decodePayload(kind, bytes, at, frames, values, this.#decoder);
    this.#mix(frames);
    if (!isG722) {
      encodePayload(kind, values, frames, bytes, at, this.#encoder);
      return;
    }
    encodePayload(kind, values, frames, codes, 0, this.#encoder);
    let isSame = true;
    let magnitude = 0;
    for (let i = 0; i < frames; i++) {
      const code = codes[i] ?? 0;
      isSame &&= code === bytes[at + i];
      bytes[at + i] = code;
      magnitude += Math.abs(values[2 * i] ?? 0);
    }
    this.#giveBack(isSame || magnitude < PAUSE_MAGNITUDE * frames, frames);
  }

  /**
   * What nearly every packet under a notice needs: G.711, a sound that goes on beyond the packet, and no gain that
   * moves. @returns false when there is more to do than that; nothing has been done then.
   */
  #mixSteadily(bytes: Uint8Array, at: number, frames: number): boolean {
    const kind = this.#kind;
    const gains = this.#gains;
    const notice = this.#queue[0];
    const sound = this.#sound;
    if (
      (kind !== KIND_PCMU && kind !== KIND_PCMA) ||
      notice === undefined ||
      notice.startedAtMs === null ||
      sound === null ||
      this.#position + frames >= sound.length ||
      gains.live !== notice.duckGain ||
      gains.sound !== 1 ||
      gains.soundTarget !== 1
    ) {
      return false;
    }
    const { decode, encode } = lawOf(kind);
    if (this.#duckedKind !== kind || this.#duckedGain !== gains.live) {
      this.#ducked = duckedLaws.find(String(kind), decode, gains.live);
      this.#duckedKind = kind;
      this.#duckedGain = gains.live;
    }
    gains.liveTarget = gains.live;
    mixG711(bytes, at, frames, this.#ducked, encode, sound, this.#position);
    this.#position += frames;
    return true;
  }

  /** Mixes the notice whose turn it is into the values, and moves on in it. */
  #mix(frames: number): void {
    const kind = this.#kind;
    const gains = this.#gains;
    const notice = this.#queue[0];
    const sound = notice === undefined ? null : this.#soundOf(notice);
    const active = sound === null ? undefined : notice;
    if (active?.startedAtMs === null) {
      active.startedAtMs = Date.now();
      gains.sound = 1;
      gains.soundTarget = 1;
      this.#tookTurn(active);
    }
    if (active === undefined) {
      gains.liveTarget = 1;
    } else {
      gains.liveTarget = active.duckGain;
    }
    mixFrames(
      this.#host.values,
      frames,
      lanesOf(kind),
      sound ?? NO_SOUND,
      this.#position,
      gains,
      limitOf(kind),
    );
    if (active === undefined) {
      return;
    }
    this.#position += frames;
    if (active.isStopping && gains.sound === 0) {
      this.#end(active, 'cut');
    } else if (this.#position * lanesOf(kind) >= (sound?.length ?? 0)) {
      this.#end(active, 'played');
    }
  }

  #end(notice: QueuedNotice, outcome: NoticeOutcome): void {
    this.#queue.shift();
    this.#sound = null;
    this.#position = 0;
    this.#framesSinceNotice = 0;
    if (this.#queue.length === 0) {
      this.#gains.liveTarget = 1;
      if (this.#isFilling) {
        this.#gains.live = 1;
      }
    }
    this.#host.ended(this.#leg, notice, outcome);
  }

  /** The stream that the leg hears is in this format from now on. */
  #follow(kind: number, payloadType: number, clockRateHz: number, frames: number): void {
    this.#payloadType = payloadType;
    this.#packetFrames = frames;
    this.#packetMs = (frames * 1000) / clockRateHz;
    if (kind === this.#kind && clockRateHz === this.#clockRateHz) {
      return;
    }
    // The notice goes on from where it was, in another render.
    this.#position = Math.round((this.#position * clockRateHz) / this.#clockRateHz);
    this.#sound = null;
    this.#kind = kind;
    this.#clockRateHz = clockRateHz;
    this.#gains.step = gainStepOf(clockRateHz);
    this.#decoder.reset();
    this.#isTakenOver = false;
    this.#followedFrames = 0;
    this.#silentFramesLeft = 0;
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

  #soundOf(notice: QueuedNotice): Int16Array | null {
    this.#sound ??= this.#host.sounds.find(notice.soundId, renderOf(this.#kind, this.#clockRateHz));
    return this.#sound;
  }

  /**
   * G.722 without a talker. A decoder that has heard nothing yet is as fresh as our encoder; one that has is led to
   * our state by 100 ms of silence.
   */
  #takeOverSilence(): void {
    if (this.#followedFrames > 0) {
      this.#encoder.continueFrom(this.#decoder);
    } else {
      this.#encoder.reset();
    }
    this.#silentFramesLeft = this.#leg.output.started ? WARM_UP_FRAMES : 0;
    this.#isTakenOver = true;
  }

  /** After the notice the listener's state comes near the talker's: when nobody can hear the rest, we step aside. */
  #giveBack(isInaudible: boolean, frames: number): void {
    if (this.#queue.length > 0 || this.#gains.live !== 1) {
      return;
    }
    this.#framesSinceNotice += frames;
    const isNear = this.#framesSinceNotice >= SETTLING_FRAMES;
    if ((isInaudible && isNear) || this.#framesSinceNotice >= GIVE_BACK_FRAMES) {
      this.#isTakenOver = false;
      this.#followedFrames = 0;
      this.#decoder.reset();
    }
  }
}
