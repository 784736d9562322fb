import { join } from 'node:path';
import { type Clock } from '#core';
import { SenderClock } from '../rtp/timeline';
import { isSdes } from '../rtp/sdes-stream';
import { acceptFormats, answerDirection } from '../sip/codecs';
import { type Sdp, type SdpMedia, type SdpMediaOptions } from '../sip/sdp';
import { SdpSession } from '../sip/sdp-session';
import { type SrsBehaviour } from './behaviour';
import { type SrsDeviation } from './deviation';
import { type ObservedPacket, RecordingStream, type StreamReport } from './recording-stream';
import { RecordingWav } from './recording-wav';

/** Channels of the WAV; further streams are refused. RFC 7866 §8.4 asks for two at least. */
const CHANNELS = 2;

export interface RecordingMediaOptions {
  readonly host: string;
  readonly clock: Clock;
  /** Where `recording.wav` goes. */
  readonly directory: string;
  readonly maxFrames: number;
  readonly rtcpIntervalMs?: number;
  readonly onDeviation: (deviation: SrsDeviation) => void;
  readonly onPacket: (isFirst: boolean) => void;
  readonly onRtp?: (packet: ObservedPacket) => void;
}

/** One m-line of the session: what the SRC said last, what we agreed to, and the stream if we took it. */
interface Slot {
  stream: RecordingStream | null;
  media: SdpMedia;
  mine: SdpMediaOptions;
}

/** All media of a recording session: m-lines, streams, the WAV. */
export class RecordingMedia {
  readonly wav: RecordingWav;
  readonly #options: RecordingMediaOptions;
  readonly #sdp: SdpSession;
  readonly #senderClock = new SenderClock();
  readonly #slots: Slot[] = [];
  #reportedLoss: number | null = null;
  /** We asked for media ourselves after having answered `inactive`. */
  #isActivated = false;
  #isClosed = false;

  constructor(options: RecordingMediaOptions) {
    this.#options = options;
    this.#sdp = new SdpSession(options.host);
    this.wav = new RecordingWav(
      join(options.directory, 'recording.wav'),
      options.clock,
      options.maxFrames,
    );
  }

  /** SRTP keys of both sides. */
  get srtpKeys(): readonly string[] {
    return this.#streams.flatMap(({ security }) => security.secrets);
  }

  reports(): StreamReport[] {
    return this.#streams.map(stream => stream.report());
  }

  setReportedLoss(fraction: number | null): void {
    this.#reportedLoss = fraction;
    for (const stream of this.#streams) {
      stream.reportedLoss = fraction;
    }
  }

  setDeaf(): void {
    for (const stream of this.#streams) {
      stream.isDeaf = true;
    }
  }

  /**
   * Answers an offer, one m-line for each (RFC 3264 §6, RFC 7866 §7.2).
   * @returns null when no stream can be taken.
   * @throws LabError `REC_ERR_LAB_BIND`.
   */
  async answer(offer: Sdp, behaviour: SrsBehaviour): Promise<string | null> {
    const answers: SdpMediaOptions[] = [];
    for (const [n, media] of offer.media.entries()) {
      answers.push(await this.#answerMedia(n, media, behaviour));
    }
    const isUseless = answers.every(({ port }) => port === 0);
    const isRemoval = offer.media.every(({ port }) => port === 0);
    return isUseless && !isRemoval ? null : this.#sdp.format(answers);
  }

  /** An offer of ours with the m-lines as they stand, in another direction if one is given. */
  offer(direction?: 'recvonly' | 'inactive'): string {
    this.#isActivated ||= direction === 'recvonly';
    return this.#sdp.format(
      this.#slots.map(({ mine }) => (direction === undefined ? mine : { ...mine, direction })),
    );
  }

  /** Takes the answer to an offer of ours. */
  takeAnswer(answer: Sdp): void {
    for (const [n, slot] of this.#slots.entries()) {
      const media = answer.media[n];
      if (media !== undefined && slot.stream !== null) {
        slot.media = media;
        if (isSdes(media.protocol)) {
          slot.stream.security.takeAnswer(media.lines);
        }
        slot.stream.agree(media, slot.mine.formats, media.direction.startsWith('send'));
        slot.stream.acknowledged();
      }
    }
  }

  /** The SRC has our answer. */
  acknowledged(): void {
    for (const stream of this.#streams) {
      stream.acknowledged();
    }
  }

  /** Idempotent. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all(this.#streams.map(stream => stream.close()));
    this.wav.close();
  }

  get #streams(): RecordingStream[] {
    return this.#slots.flatMap(({ stream }) => stream ?? []);
  }

  async #answerMedia(
    n: number,
    media: SdpMedia,
    behaviour: SrsBehaviour,
  ): Promise<SdpMediaOptions> {
    const formats = media.kind === 'audio' ? acceptFormats(media.formats) : [];
    const isPlain = media.protocol === 'RTP/AVP' || media.protocol === 'RTP/AVPF';
    const isSecure = isSdes(media.protocol);
    const isRefused =
      behaviour.refuseStream !== undefined && media.label === behaviour.refuseStream;
    const isWanted = media.port !== 0 && formats.length > 0 && (isPlain || isSecure) && !isRefused;
    const opened = isWanted ? await this.#streamOf(n, media) : null;
    const crypto = isSecure ? (opened?.security.takeOffer(media.lines) ?? null) : null;
    // Without a key that we can use the stream is refused (RFC 4568 §5.1.2).
    const stream = isSecure && crypto === null ? null : opened;
    if (!isSecure) {
      stream?.security.clear();
    }
    const direction =
      behaviour.inactive === true && !this.#isActivated
        ? 'inactive'
        : answerDirection(media.direction, 'recvonly');
    const common = { kind: media.kind, protocol: media.protocol, direction, label: media.label };
    const mine: SdpMediaOptions =
      stream === null
        ? { ...common, port: 0, formats: media.formats }
        : {
            ...common,
            port: stream.port,
            formats,
            rtcpMux: media.rtcpMux,
            ...(crypto === null ? {} : { crypto }),
          };
    stream?.agree(media, formats, direction === 'recvonly');
    this.#slots[n] = { stream: stream ?? this.#slots[n]?.stream ?? null, media, mine };
    return mine;
  }

  /** The stream of an m-line, opened when it is new. Channel 1 is label 1, channel 2 label 2. */
  async #streamOf(n: number, media: SdpMedia): Promise<RecordingStream | null> {
    const existing = this.#slots[n]?.stream ?? null;
    const channel = existing?.channel ?? this.#freeChannel(media.label);
    if (existing !== null || channel === null) {
      return existing;
    }
    const { host, clock, rtcpIntervalMs, onDeviation, onPacket, onRtp } = this.#options;
    const stream = await RecordingStream.open({
      host,
      clock,
      channel,
      wav: this.wav,
      senderClock: this.#senderClock,
      ...(rtcpIntervalMs === undefined ? {} : { rtcpIntervalMs }),
      onDeviation: finding =>
        onDeviation({ ...finding, where: `label ${media.label ?? '(none)'}` }),
      onPacket,
      ...(onRtp === undefined ? {} : { onRtp }),
    });
    stream.reportedLoss = this.#reportedLoss;
    // The session may have ended meanwhile.
    if (this.#isClosed) {
      await stream.close();
      return null;
    }
    return stream;
  }

  #freeChannel(label: string | null): number | null {
    const taken = this.#streams.map(({ channel }) => channel);
    const wanted = label === '1' ? 0 : label === '2' ? 1 : null;
    if (wanted !== null && !taken.includes(wanted)) {
      return wanted;
    }
    const free = Array.from({ length: CHANNELS }, (_, channel) => channel);
    return free.find(channel => !taken.includes(channel)) ?? null;
  }
}
