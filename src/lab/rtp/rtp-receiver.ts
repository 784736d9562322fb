import { isRtp, RtpPacket } from 'rtp.js/packets';
import { nodeBufferToDataView } from 'rtp.js/utils';
import { type ReportBlock, type RtcpFacts } from './rtcp';
import { type SequenceVerdict, type SourceCounts, SourceStatistics } from './source-statistics';
import { type SenderClock, StreamTimeline, TimestampUnwrapper } from './timeline';

/** More sources than this in one stream are an attack or a fault; the packets of further ones are dropped. */
const MAX_SOURCES = 16;

export interface RtpReceiverOptions {
  /** Clock rate of the stream's audio, Hz. */
  readonly clockRateHz: number;
  readonly senderClock: SenderClock;
  /** See `StreamTimelineOptions`. */
  readonly maxEarlyMs?: number;
  readonly maxLateMs?: number;
}

/** A packet that was understood and is not a duplicate. */
export interface ReceivedPacket {
  readonly ssrc: number;
  readonly payloadType: number;
  readonly sequence: number;
  /** As on the wire, 0–2^32-1. */
  readonly timestamp: number;
  readonly marker: boolean;
  readonly payload: Buffer;
  /** Wall-clock time of the packet's first sample by the stream's timeline, ms since the epoch. */
  readonly wallMs: number;
  readonly sequenceVerdict: SequenceVerdict;
  /** The first packet of its SSRC. */
  readonly isFirstOfSource: boolean;
}

/** A source moved on the timeline; the first report also moves what came before it. */
export interface TimelineCorrection {
  readonly ssrc: number;
  readonly correctionMs: number;
  readonly isFirst: boolean;
}

interface Source {
  readonly statistics: SourceStatistics;
  readonly timeline: StreamTimeline;
  readonly unwrapper: TimestampUnwrapper;
  lastSenderReport: number;
  lastSenderReportAtMs: number;
}

/** Everything that arrives in one RTP stream (one m-line): its sources, their counts and their timelines. */
export class RtpReceiver {
  readonly #options: RtpReceiverOptions;
  readonly #sources = new Map<number, Source>();
  #malformed = 0;
  #senderReports = 0;

  constructor(options: RtpReceiverOptions) {
    this.#options = options;
  }

  /** Datagrams that were no RTP, or of a source too many. */
  get malformed(): number {
    return this.#malformed;
  }

  /** Sender reports received. */
  get senderReports(): number {
    return this.#senderReports;
  }

  /** Timestamps that could not be true. */
  get discontinuities(): number {
    return this.#sum(source => source.timeline.discontinuities);
  }

  /** Per source, in order of appearance. */
  counts(): SourceCounts[] {
    return [...this.#sources.values()].map(source => source.statistics.counts());
  }

  /** @returns null for what is no RTP, for duplicates and for sources beyond the bound. */
  receive(datagram: Buffer, arrivalWallMs: number): ReceivedPacket | null {
    const packet = parse(datagram);
    const source = packet === null ? null : this.#source(packet.getSsrc(), arrivalWallMs);
    if (packet === null || source === null) {
      this.#malformed += 1;
      return null;
    }
    const isFirstOfSource = source.statistics.packets === 0;
    const sequence = packet.getSequenceNumber();
    const timestamp = packet.getTimestamp();
    const sequenceVerdict = source.statistics.receive(
      sequence,
      timestamp,
      datagram.length,
      arrivalWallMs,
    );
    if (sequenceVerdict === 'duplicate') {
      return null;
    }
    const payload = packet.getPayload();
    return {
      ssrc: packet.getSsrc(),
      payloadType: packet.getPayloadType(),
      sequence,
      timestamp,
      marker: packet.getMarker(),
      payload: Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength),
      wallMs: source.timeline.place(source.unwrapper.unwrap(timestamp), arrivalWallMs),
      sequenceVerdict,
      isFirstOfSource,
    };
  }

  /** Takes the sender reports of a compound packet, and moves the timelines by them. */
  receiveRtcp(facts: RtcpFacts, arrivalWallMs: number): TimelineCorrection[] {
    this.noteReports(facts, arrivalWallMs);
    return facts.senderReports.flatMap(report => {
      const source = this.#sources.get(report.ssrc);
      const move = source?.timeline.senderReport({
        timestamp: source.unwrapper.peek(report.rtpTimestamp),
        ntpMs: report.ntpMs,
        arrivalWallMs,
      });
      return move === undefined || move.correctionMs === 0 ? [] : [{ ssrc: report.ssrc, ...move }];
    });
  }

  /** Counts the sender reports of a compound packet without believing their times. */
  noteReports(facts: RtcpFacts, arrivalWallMs: number): void {
    for (const report of facts.senderReports) {
      this.#senderReports += 1;
      const source = this.#sources.get(report.ssrc);
      if (source !== undefined) {
        source.lastSenderReport = report.ntpMiddle;
        source.lastSenderReportAtMs = arrivalWallMs;
      }
    }
  }

  /** The blocks of our next report (RFC 3550 §6.4.2). */
  takeReportBlocks(wallMs: number): ReportBlock[] {
    return [...this.#sources.values()].map(source => ({
      ...source.statistics.takeReportBlock(),
      lastSenderReport: source.lastSenderReport,
      delaySinceLastSenderReport:
        source.lastSenderReport === 0
          ? 0
          : Math.round((Math.max(0, wallMs - source.lastSenderReportAtMs) * 65536) / 1000),
    }));
  }

  #source(ssrc: number, arrivalWallMs: number): Source | null {
    let source = this.#sources.get(ssrc);
    if (source === undefined && this.#sources.size < MAX_SOURCES) {
      source = {
        statistics: new SourceStatistics(ssrc, this.#options.clockRateHz, arrivalWallMs),
        timeline: new StreamTimeline(this.#options),
        unwrapper: new TimestampUnwrapper(),
        lastSenderReport: 0,
        lastSenderReportAtMs: 0,
      };
      this.#sources.set(ssrc, source);
    }
    return source ?? null;
  }

  #sum(value: (source: Source) => number): number {
    return [...this.#sources.values()].reduce((total, source) => total + value(source), 0);
  }
}

function parse(datagram: Buffer): RtpPacket | null {
  const view = nodeBufferToDataView(datagram);
  if (datagram.length < 12 || !isRtp(view)) {
    return null;
  }
  try {
    return new RtpPacket(view);
  } catch {
    return null;
  }
}
