import { randomBytes, randomInt } from 'node:crypto';
import { type Clock, type PayloadFormat, type Timer, type TransportAddress } from '#core';
import { decodeG711 } from '#media';
import { levelDbfs, SAMPLES_PER_MS } from '../audio/pcm';
import { buildReport, parseRtcp } from '../rtp/rtcp';
import { type ReceivedPacket, RtpReceiver, type TimelineCorrection } from '../rtp/rtp-receiver';
import { RtpSocketPair } from '../rtp/rtp-socket';
import { SdesStream } from '../rtp/sdes-stream';
import { type SourceCounts } from '../rtp/source-statistics';
import { parseEvent } from '../rtp/telephone-event';
import { type SenderClock } from '../rtp/timeline';
import { isTelephoneEvent, lawOf } from '../sip/codecs';
import { type SdpMedia } from '../sip/sdp';
import { type SrsDeviation } from './deviation';
import { type RecordingWav } from './recording-wav';

/** Time between receiver reports (RFC 3550 §6.2). */
const DEFAULT_RTCP_INTERVAL_MS = 5000;
const FIRST_RTCP_MS = 500;
/** Packets sent before a change may still be under way this long after it. */
const CHANGE_GRACE_MS = 500;
const AUDIBLE_DBFS = -60;

export interface RecordingStreamOptions {
  readonly host: string;
  readonly clock: Clock;
  /** 0 or 1: the channel of the WAV. */
  readonly channel: number;
  readonly wav: RecordingWav;
  readonly senderClock: SenderClock;
  readonly rtcpIntervalMs?: number;
  readonly onDeviation: (deviation: Omit<SrsDeviation, 'where'>) => void;
  /** Called after each packet. */
  readonly onPacket: (isFirst: boolean) => void;
  readonly onRtp?: (packet: ObservedPacket) => void;
}

/** One RTP packet as it reached the SRS. */
export interface ObservedPacket {
  readonly label: string | null;
  readonly kind: 'audio' | 'event' | 'other';
  /** When it came, and when by its timestamp its first sample was spoken; ms since the epoch. */
  readonly arrivedAtMs: number;
  readonly spokenAtMs: number;
  /** Whether audio holds anything above -60 dBFS. */
  readonly isAudible: boolean;
}

/** What was received in one stream, for verdict and tables. */
export interface StreamReport {
  readonly label: string | null;
  /** 1 or 2. */
  readonly channel: number;
  readonly packets: number;
  readonly bytes: number;
  readonly lost: number;
  readonly duplicates: number;
  readonly reordered: number;
  readonly jitterMs: number;
  readonly ssrcs: readonly number[];
  readonly cnames: readonly string[];
  /** Wall clock, ms since the epoch; null: no packet came. */
  readonly firstPacketAtMs: number | null;
  readonly lastPacketAtMs: number | null;
  readonly senderReports: number;
  /** Not RTP, or of a format that was not agreed. */
  readonly unusable: number;
  /** SRTP suite in force; null: plain RTP. */
  readonly cryptoSuite: string | null;
  /** Packets that were no authentic SRTP. */
  readonly unauthentic: number;
  /** Digits that came as telephone-events. */
  readonly digits: number;
}

interface Written {
  readonly fromWallMs: number;
  untilWallMs: number;
}

/** One audio m-line of a recording session: receives, decodes, places in the WAV, and reports back by RTCP. */
export class RecordingStream {
  readonly channel: number;
  /** SRTP of the stream, when the SRC offers it. */
  readonly security = new SdesStream();
  /** Fraction 0..1 claimed as lost in our reports; null: the truth. */
  reportedLoss: number | null = null;
  /** Datagrams are thrown away and no reports are sent. */
  isDeaf = false;
  readonly #options: RecordingStreamOptions;
  readonly #clock: Clock;
  readonly #receiver: RtpReceiver;
  readonly #ssrc = randomInt(1, 2 ** 32);
  readonly #cname = `${randomBytes(6).toString('hex')}@srs`;
  readonly #written = new Map<number, Written>();
  readonly #cnames = new Set<string>();
  #sockets: RtpSocketPair | null = null;
  #rtcpTimer: Timer | null = null;
  #label: string | null = null;
  #remote: SdpMedia | null = null;
  #formats: readonly PayloadFormat[] = [];
  #isStopped = false;
  /** Since when the SRC is known to have been told that the stream is stopped; null: it flows, or the SRC may not know. */
  #knownStoppedAtMs: number | null = null;
  #agreedAtMs = 0;
  #unusable = 0;
  #digits = 0;
  #lastEventTimestamp: number | null = null;

  private constructor(options: RecordingStreamOptions) {
    this.#options = options;
    this.#clock = options.clock;
    this.channel = options.channel;
    this.#receiver = new RtpReceiver({ clockRateHz: 8000, senderClock: options.senderClock });
  }

  /** @throws LabError `REC_ERR_LAB_BIND`. */
  static async open(options: RecordingStreamOptions): Promise<RecordingStream> {
    const stream = new RecordingStream(options);
    stream.#sockets = await RtpSocketPair.open(options.host, options.clock, {
      rtp: (datagram, from, wallMs) => stream.#onRtp(datagram, from, wallMs),
      rtcp: (datagram, from, wallMs) => stream.#onRtcp(datagram, from, wallMs),
    });
    stream.#rtcpTimer = options.clock.setTimer(FIRST_RTCP_MS, () => stream.#report());
    return stream;
  }

  get port(): number {
    return this.#sockets?.local.rtp.port ?? 0;
  }

  /**
   * Takes the SRC's m-line and the formats that were agreed.
   * @param flows whether media may come now; that it may not binds the SRC once it knows, see {@link acknowledged}.
   */
  agree(remote: SdpMedia, formats: readonly PayloadFormat[], flows: boolean): void {
    this.#agreedAtMs = this.#clock.wallNowMs();
    this.#remote = remote;
    this.#label = remote.label ?? this.#label;
    this.#formats = formats;
    this.#isStopped = !flows;
    this.#knownStoppedAtMs = flows ? null : this.#knownStoppedAtMs;
  }

  /**
   * The SRC knows what was agreed: it has acknowledged our answer, or given its own. Until then what was agreed before is in
   * force for it (RFC 3264 §8), however often the answer had to be sent.
   */
  acknowledged(): void {
    if (this.#isStopped) {
      this.#knownStoppedAtMs ??= this.#clock.wallNowMs();
    }
  }

  report(): StreamReport {
    const counts = this.#receiver.counts();
    const sum = (value: (source: SourceCounts) => number): number =>
      counts.reduce((total, source) => total + value(source), 0);
    const [first] = counts;
    return {
      label: this.#label,
      channel: this.channel + 1,
      packets: sum(source => source.packets),
      bytes: sum(source => source.bytes),
      lost: sum(source => source.lost),
      duplicates: sum(source => source.duplicates),
      reordered: sum(source => source.reordered),
      jitterMs: Math.max(0, ...counts.map(source => source.jitterMs)),
      ssrcs: counts.map(source => source.ssrc),
      cnames: [...this.#cnames],
      firstPacketAtMs: first?.firstPacketWallMs ?? null,
      lastPacketAtMs:
        first === undefined ? null : Math.max(...counts.map(source => source.lastPacketWallMs)),
      senderReports: this.#receiver.senderReports,
      unusable: this.#unusable + this.#receiver.malformed,
      cryptoSuite: this.security.suite,
      unauthentic: this.security.unauthentic,
      digits: this.#digits,
    };
  }

  /** Sends an RTCP BYE and frees the ports. Idempotent. */
  async close(): Promise<void> {
    this.#rtcpTimer?.cancel();
    this.#rtcpTimer = null;
    this.#sendReport(true);
    this.#remote = null;
    await this.#sockets?.close();
  }

  #onRtp(datagram: Buffer, from: TransportAddress, wallMs: number): void {
    if (this.isDeaf) {
      return;
    }
    const plain = this.security.unprotect(datagram);
    const packet = plain === null ? null : this.#receiver.receive(plain, wallMs);
    if (packet !== null) {
      this.#judge(packet, from, wallMs);
      const samples = this.#place(packet);
      this.#options.onRtp?.({
        label: this.#label,
        kind: samples !== null ? 'audio' : this.#isEvent(packet.payloadType) ? 'event' : 'other',
        arrivedAtMs: wallMs,
        spokenAtMs: packet.wallMs,
        isAudible: samples !== null && levelDbfs(samples) > AUDIBLE_DBFS,
      });
    }
    this.#options.onPacket(packet?.isFirstOfSource ?? false);
  }

  #judge(packet: ReceivedPacket, from: TransportAddress, wallMs: number): void {
    const { onDeviation } = this.#options;
    // RTCP goes on in a stream that is stopped (RFC 3264 §5.1).
    if (this.#knownStoppedAtMs !== null && wallMs - this.#knownStoppedAtMs > CHANGE_GRACE_MS) {
      onDeviation({
        name: 'rtp-while-inactive',
        clause: 'RFC 3264 §5.1',
        message: 'RTP came although the stream is inactive',
      });
    }
    const rtp = this.#remote?.rtp ?? null;
    const isSettled = wallMs - this.#agreedAtMs > CHANGE_GRACE_MS;
    if (rtp !== null && rtp.port !== from.port && isSettled) {
      onDeviation({
        name: 'rtp-asymmetric',
        clause: 'RFC 7866 §8.1.8',
        message: `RTP comes from port ${from.port}, but its SDP says ${rtp.port}`,
      });
    }
    if (packet.isFirstOfSource && this.#receiver.counts().length > 1) {
      onDeviation({
        name: 'ssrc-changed',
        clause: 'RFC 3550 §8',
        message: 'the SSRC of the stream changed',
      });
    }
    if (packet.sequenceVerdict === 'gap' || packet.sequenceVerdict === 'restart') {
      onDeviation({
        name: 'rtp-sequence-gap',
        clause: 'RFC 3550 §5.1',
        message: 'sequence numbers are missing (lost, or never sent)',
      });
    }
  }

  /** @returns the samples of an audio packet. */
  #place(packet: ReceivedPacket): Int16Array | null {
    const law = lawOf(this.#formats, packet.payloadType);
    if (law !== null) {
      const samples = decodeG711(law, packet.payload);
      this.#options.wav.write(this.channel, packet.wallMs, samples);
      this.#noteWritten(
        packet.ssrc,
        packet.wallMs,
        packet.wallMs + samples.length / SAMPLES_PER_MS,
      );
      return samples;
    }
    if (this.#isEvent(packet.payloadType)) {
      // Digits are counted, never kept: they may be card numbers.
      const event = parseEvent(packet.payload);
      if (event !== null && packet.timestamp !== this.#lastEventTimestamp) {
        this.#lastEventTimestamp = packet.timestamp;
        this.#digits += 1;
      }
    } else {
      this.#unusable += 1;
      this.#options.onDeviation({
        name: 'rtp-format',
        clause: 'RFC 3264 §5.1',
        message: `payload type ${packet.payloadType} was not agreed`,
      });
    }
    return null;
  }

  #isEvent(payloadType: number): boolean {
    return this.#formats.some(
      format => format.payloadType === payloadType && isTelephoneEvent(format),
    );
  }

  #noteWritten(ssrc: number, fromWallMs: number, untilWallMs: number): void {
    const written = this.#written.get(ssrc);
    if (written === undefined) {
      this.#written.set(ssrc, { fromWallMs, untilWallMs });
    } else {
      written.untilWallMs = Math.max(written.untilWallMs, untilWallMs);
    }
  }

  #onRtcp(datagram: Buffer, from: TransportAddress, wallMs: number): void {
    if (this.isDeaf) {
      return;
    }
    const plain = this.security.unprotectRtcp(datagram);
    const facts = plain === null ? null : parseRtcp(plain);
    if (facts === null) {
      this.#unusable += 1;
      return;
    }
    const rtcp = this.#remote?.rtcp ?? null;
    if (rtcp !== null && this.#remote?.rtcpMux === false && rtcp.port !== from.port) {
      this.#options.onDeviation({
        name: 'rtcp-asymmetric',
        clause: 'RFC 7866 §8.1.8',
        message: `RTCP comes from port ${from.port}, but its SDP says ${rtcp.port}`,
      });
    }
    for (const { cname } of facts.cnames.slice(0, 8)) {
      if (this.#cnames.size < 32) {
        this.#cnames.add(cname.slice(0, 255));
      }
    }
    if (facts.senderReports.length > 0 && facts.cnames.length === 0) {
      this.#options.onDeviation({
        name: 'rtcp-cname',
        clause: 'RFC 3550 §6.1',
        message: 'a sender report comes without SDES CNAME',
      });
    }
    for (const correction of this.#receiver.receiveRtcp(facts, wallMs)) {
      this.#correct(correction);
    }
  }

  /** What was placed by arrival before the first sender report goes where that report says. */
  #correct({ ssrc, correctionMs, isFirst }: TimelineCorrection): void {
    const written = this.#written.get(ssrc);
    if (written === undefined || !isFirst) {
      return;
    }
    const { fromWallMs, untilWallMs } = written;
    this.#options.wav.move(this.channel, fromWallMs, untilWallMs, correctionMs);
    this.#written.set(ssrc, {
      fromWallMs: fromWallMs + correctionMs,
      untilWallMs: untilWallMs + correctionMs,
    });
  }

  #report(): void {
    const intervalMs = this.#options.rtcpIntervalMs ?? DEFAULT_RTCP_INTERVAL_MS;
    this.#rtcpTimer = this.#clock.setTimer(intervalMs, () => this.#report());
    this.#sendReport(false);
  }

  #sendReport(bye: boolean): void {
    const remote = this.#remote;
    const to = remote?.rtcpMux === true ? remote.rtp : (remote?.rtcp ?? null);
    if (remote === null || to === null || this.isDeaf) {
      return;
    }
    const lied = this.reportedLoss;
    const blocks = this.#receiver.takeReportBlocks(this.#clock.wallNowMs()).map(block =>
      lied === null
        ? block
        : {
            ...block,
            fractionLost: Math.min(255, Math.round(lied * 256)),
            packetsLost: Math.round(lied * block.highestSequence) & 0x7fffff,
          },
    );
    const report = buildReport({ ssrc: this.#ssrc, cname: this.#cname, blocks, bye });
    this.#sockets?.sendRtcp(this.security.protectRtcp(report), to, remote.rtcpMux);
  }
}
