import { randomBytes } from 'node:crypto';
import {
  type Clock,
  type Direction,
  type PayloadFormat,
  PCMA,
  PCMU,
  type SrtpSuite,
  type Timer,
  type TransportAddress,
} from '#core';
import { AudioTrack } from '../audio/audio-track';
import { type PcmSource } from '../audio/pcm';
import { SpeechDecoder, type SpeechEncoding } from '../audio/speech-codec';
import { buildReport, parseRtcp, type ReportBlock } from '../rtp/rtcp';
import { RtpReceiver } from '../rtp/rtp-receiver';
import { RtpSender } from '../rtp/rtp-sender';
import { RtpSocketPair } from '../rtp/rtp-socket';
import { isSdes, SdesStream } from '../rtp/sdes-stream';
import { type SourceCounts } from '../rtp/source-statistics';
import { parseEvent } from '../rtp/telephone-event';
import { SenderClock } from '../rtp/timeline';
import { G722, isTelephoneEvent, speechOf, TELEPHONE_EVENT } from '../sip/codecs';
import { type SdpMedia, type SdpMediaOptions } from '../sip/sdp';

/** How often reports go out; RFC 3550 §6.2 wants 5 s on average. */
const RTCP_INTERVAL_MS = 5000;
/** The first report, soon so that the peer can align streams. */
const FIRST_RTCP_MS = 500;
/** Datagrams kept when capturing: an hour of one direction is 180 000. */
const MAX_CAPTURED = 200_000;
/**
 * What a listener would notice: a packet that comes earlier than its timestamp says means that the first one
 * was late, one that is later by more than this means that the peer's clock stood still (hold).
 */
const MAX_EARLY_MS = 60;
const MAX_LATE_MS = 2500;
const FORMATS: Readonly<Record<SpeechEncoding, PayloadFormat>> = { PCMU, PCMA, G722 };

export interface CallMediaOptions {
  /** IP literal to bind. */
  readonly host: string;
  readonly clock: Clock;
  readonly audio: PcmSource;
  /** What we offer and take, most preferred first. */
  readonly codecs: readonly SpeechEncoding[];
  readonly telephoneEvents: boolean;
  /** Offers are RTP/SAVP with this suite; absent: plain RTP. Offers of either kind are taken. */
  readonly srtp?: SrtpSuite;
  /** Keeps every RTP datagram. */
  readonly capture: boolean;
  /** Called after each datagram that arrived. */
  readonly onReceived: () => void;
}

/** A datagram as it was sent or received. */
export interface CapturedPacket {
  readonly wallMs: number;
  readonly datagram: Buffer;
}

/** What RTP and RTCP tell about a call so far. */
export interface MediaStatistics {
  readonly packetsSent: number;
  readonly ssrcSent: number;
  /** Per received SSRC, in order of appearance. */
  readonly received: readonly SourceCounts[];
  /** Not RTP, or of an unknown format. */
  readonly unusable: number;
  readonly senderReports: number;
  /** What the peer last reported about what we send. */
  readonly reportedByPeer: ReportBlock | null;
  readonly sendErrors: number;
}

/** RTP and RTCP of one call of a softphone. */
export class CallMedia {
  readonly sentPackets: CapturedPacket[] = [];
  readonly receivedPackets: CapturedPacket[] = [];
  /** Everything that was heard, by wall clock. */
  readonly heard: AudioTrack;
  readonly #options: CallMediaOptions;
  readonly #clock: Clock;
  readonly #receiver: RtpReceiver;
  readonly #sender: RtpSender;
  readonly #cname = `${randomBytes(6).toString('hex')}@lab`;
  readonly #decoder = new SpeechDecoder();
  readonly #security = new SdesStream();
  #sockets: RtpSocketPair | null = null;
  #remote: SdpMedia | null = null;
  #formats: readonly PayloadFormat[] = [];
  #maySend = false;
  #isMuted = false;
  #rtcpTimer: Timer | null = null;
  #digits = '';
  #lastEventTimestamp: number | null = null;
  #unusable = 0;
  #reportedByPeer: ReportBlock | null = null;

  private constructor(options: CallMediaOptions) {
    this.#options = options;
    this.#clock = options.clock;
    this.heard = new AudioTrack({ startWallMs: options.clock.wallNowMs() - 1000 });
    this.#receiver = new RtpReceiver({
      clockRateHz: 8000,
      senderClock: new SenderClock(),
      maxEarlyMs: MAX_EARLY_MS,
      maxLateMs: MAX_LATE_MS,
    });
    this.#sender = new RtpSender({
      clock: options.clock,
      source: options.audio,
      encoding: 'PCMU',
      payloadType: 0,
      eventPayloadType: null,
      send: packet => this.#sendRtp(packet),
    });
    this.#sender.setSilent(true);
  }

  /** @throws LabError `REC_ERR_LAB_BIND`. */
  static async open(options: CallMediaOptions): Promise<CallMedia> {
    const media = new CallMedia(options);
    media.#sockets = await RtpSocketPair.open(options.host, options.clock, {
      rtp: (datagram, _from, wallMs) => {
        media.#onRtp(datagram, wallMs);
        options.onReceived();
      },
      rtcp: (datagram, _from, wallMs) => {
        media.#onRtcp(datagram, wallMs);
        options.onReceived();
      },
    });
    return media;
  }

  /** DTMF digits received as telephone-events. */
  get digits(): string {
    return this.#digits;
  }

  /** What we take. */
  get codecs(): readonly SpeechEncoding[] {
    return this.#options.codecs;
  }

  get sender(): RtpSender {
    return this.#sender;
  }

  /** What protects the call, and what did not pass it. */
  get security(): SdesStream {
    return this.#security;
  }

  /** Our m-line of an answer. @returns null when no offered key can be used. */
  describeAnswer(
    offer: SdpMedia,
    direction: Direction,
    formats: readonly PayloadFormat[],
  ): SdpMediaOptions | null {
    const { protocol } = offer;
    const plain = { port: this.#sockets?.local.rtp.port ?? 0, formats, direction, protocol };
    if (!isSdes(protocol)) {
      this.#security.clear();
      return plain;
    }
    const crypto = this.#security.takeOffer(offer.lines);
    return crypto === null ? null : { ...plain, crypto };
  }

  /** Takes the keys of an answer to our offer. @returns false when it has none of ours. */
  takeAnsweredKeys(answer: SdpMedia): boolean {
    const wanted = this.#security.suite ?? this.#options.srtp ?? null;
    return wanted === null || (isSdes(answer.protocol) && this.#security.takeAnswer(answer.lines));
  }

  /** Our m-line of an offer, as it is in force or as the phone wants it. @param formats default: everything that we do. */
  describe(
    direction: Direction,
    formats: readonly PayloadFormat[] = this.offered(),
  ): SdpMediaOptions {
    const suite = this.#security.suite ?? this.#options.srtp ?? null;
    return {
      port: this.#sockets?.local.rtp.port ?? 0,
      formats,
      direction,
      ...(suite === null ? {} : { protocol: 'RTP/SAVP', crypto: this.#security.offerLine(suite) }),
    };
  }

  /** The formats that we offer. */
  offered(): PayloadFormat[] {
    const audio = this.#options.codecs.map(codec => FORMATS[codec]);
    return this.#options.telephoneEvents ? [...audio, TELEPHONE_EVENT] : audio;
  }

  /**
   * Takes what was agreed: the peer's m-line and the formats of the answer, whoever wrote it.
   * @param direction ours, after the answer.
   */
  agree(remote: SdpMedia, formats: readonly PayloadFormat[], direction: Direction): void {
    this.#remote = remote;
    this.#formats = formats;
    const audio = formats.find(format => speechOf(formats, format.payloadType) !== null);
    if (audio !== undefined) {
      const encoding = speechOf(formats, audio.payloadType) ?? 'PCMU';
      const event = formats.find(isTelephoneEvent)?.payloadType ?? null;
      this.#sender.setFormats({
        encoding,
        payloadType: audio.payloadType,
        eventPayloadType: event,
      });
    }
    this.#maySend = remote.rtp !== null && direction.startsWith('send');
    this.#sender.setSilent(!this.#maySend || this.#isMuted);
  }

  /** Muted, the phone sends no packets at all; time goes on. */
  setMuted(isMuted: boolean): void {
    this.#isMuted = isMuted;
    this.#sender.setSilent(!this.#maySend || isMuted);
  }

  /** Begins to send: the source's position 0 is now. */
  start(): void {
    this.#sender.start();
    this.#rtcpTimer ??= this.#clock.setTimer(FIRST_RTCP_MS, () => this.#report());
  }

  statistics(): MediaStatistics {
    return {
      packetsSent: this.#sender.totalPackets,
      ssrcSent: this.#sender.ssrc,
      received: this.#receiver.counts(),
      unusable: this.#unusable + this.#receiver.malformed,
      senderReports: this.#receiver.senderReports,
      reportedByPeer: this.#reportedByPeer,
      sendErrors: this.#sockets?.sendErrors ?? 0,
    };
  }

  /** Says BYE by RTCP and frees the ports. Idempotent. */
  async close(): Promise<void> {
    this.#sender.stop();
    this.#rtcpTimer?.cancel();
    this.#rtcpTimer = null;
    this.#sendReport(true);
    this.#remote = null;
    await this.#sockets?.close();
  }

  #sendRtp(datagram: Buffer): void {
    const to = this.#remote?.rtp ?? null;
    if (to === null) {
      return;
    }
    this.#sockets?.sendRtp(this.#security.protect(datagram), to);
    this.#capture(this.sentPackets, datagram, this.#clock.wallNowMs());
  }

  #onRtp(received: Buffer, wallMs: number): void {
    const datagram = this.#security.unprotect(received);
    if (datagram === null) {
      return;
    }
    this.#capture(this.receivedPackets, datagram, wallMs);
    const packet = this.#receiver.receive(datagram, wallMs);
    if (packet === null) {
      return;
    }
    const encoding = speechOf(
      this.#formats.length > 0 ? this.#formats : this.offered(),
      packet.payloadType,
    );
    if (encoding !== null) {
      this.heard.write(packet.wallMs, this.#decoder.decode(encoding, packet.payload));
    } else if (this.#isEvent(packet.payloadType)) {
      this.#onEvent(packet.payload, packet.timestamp);
    } else {
      this.#unusable += 1;
    }
  }

  #isEvent(payloadType: number): boolean {
    return this.#formats.some(
      format => isTelephoneEvent(format) && format.payloadType === payloadType,
    );
  }

  /** All packets of one event share a timestamp (RFC 4733 §2.2.1): each timestamp is one digit. */
  #onEvent(payload: Buffer, timestamp: number): void {
    const event = parseEvent(payload);
    if (
      event !== null &&
      event.digit !== null &&
      timestamp !== this.#lastEventTimestamp &&
      this.#digits.length < 1000
    ) {
      this.#lastEventTimestamp = timestamp;
      this.#digits += event.digit;
    }
  }

  #onRtcp(datagram: Buffer, wallMs: number): void {
    const plain = this.#security.unprotectRtcp(datagram);
    const facts = plain === null ? null : parseRtcp(plain);
    if (facts === null) {
      this.#unusable += 1;
      return;
    }
    // Heard audio stays where it was heard: only the counts and round-trip fields of the report are used.
    this.#receiver.noteReports(facts, wallMs);
    this.#reportedByPeer =
      facts.reportBlocks.find(block => block.ssrc === this.#sender.ssrc) ?? this.#reportedByPeer;
  }

  #report(): void {
    this.#rtcpTimer = this.#clock.setTimer(RTCP_INTERVAL_MS, () => this.#report());
    this.#sendReport(false);
  }

  #sendReport(bye: boolean): void {
    const to: TransportAddress | null = this.#remote?.rtcp ?? null;
    if (to === null || this.#sockets === null) {
      return;
    }
    const sending = this.#sender.report();
    const report = buildReport({
      ssrc: this.#sender.ssrc,
      cname: this.#cname,
      blocks: this.#receiver.takeReportBlocks(this.#clock.wallNowMs()),
      ...(sending === null ? {} : { sending }),
      bye,
    });
    this.#sockets.sendRtcp(this.#security.protectRtcp(report), to, false);
  }

  #capture(into: CapturedPacket[], datagram: Buffer, wallMs: number): void {
    if (this.#options.capture && into.length < MAX_CAPTURED) {
      into.push({ wallMs, datagram: Buffer.from(datagram) });
    }
  }
}
