import {
  ByePacket,
  CompoundPacket,
  isRtcp,
  ReceiverReportPacket,
  ReceptionReport,
  type SdesItemType,
  SdesChunk,
  SdesPacket,
  SenderReportPacket,
} from 'rtp.js/packets';
import { nodeBufferToDataView } from 'rtp.js/utils';
import { msOfNtp, ntpOfMs } from './ntp';

/** SDES item type of the CNAME (RFC 3550 §6.5.1). */
const CNAME = 1 as unknown as SdesItemType;

/** One report block (RFC 3550 §6.4.1) about a source that we receive, or that the peer receives from us. */
export interface ReportBlock {
  readonly ssrc: number;
  /** 0–255 in 256ths, since the previous report. */
  readonly fractionLost: number;
  /** Cumulative, -8388608–8388607; negative with duplicates. */
  readonly packetsLost: number;
  /** Extended highest sequence number received. */
  readonly highestSequence: number;
  /** In timestamp units. */
  readonly jitter: number;
  /** Middle 32 bits of the NTP time of the last SR, 0 when there was none. */
  readonly lastSenderReport: number;
  /** Since that SR, in 1/65536 s. */
  readonly delaySinceLastSenderReport: number;
}

export interface SenderReport {
  readonly ssrc: number;
  /** When the report was made, by the sender's clock, ms since 1970 with fractions. */
  readonly ntpMs: number;
  /** The same instant in RTP timestamp units, 0–2^32-1. */
  readonly rtpTimestamp: number;
  readonly packets: number;
  readonly octets: number;
}

/** What a compound RTCP packet says, as far as the lab cares. */
export interface RtcpFacts {
  readonly senderReports: readonly (SenderReport & { readonly ntpMiddle: number })[];
  readonly reportBlocks: readonly ReportBlock[];
  readonly cnames: readonly { readonly ssrc: number; readonly cname: string }[];
  readonly byes: readonly number[];
}

/** Reads a compound packet. @returns null when it is not RTCP or damaged. */
export function parseRtcp(bytes: Buffer): RtcpFacts | null {
  // RFC 3550 §6: a compound packet of a few reports; more than a datagram's usual size is not read.
  const view = nodeBufferToDataView(bytes);
  if (bytes.length < 8 || bytes.length > 2048 || !isRtcp(view)) {
    return null;
  }
  try {
    return factsOf(new CompoundPacket(view));
  } catch {
    return null;
  }
}

function factsOf(compound: CompoundPacket): RtcpFacts {
  const senderReports: (SenderReport & { ntpMiddle: number })[] = [];
  const reportBlocks: ReportBlock[] = [];
  const cnames: { ssrc: number; cname: string }[] = [];
  const byes: number[] = [];
  for (const packet of compound.getPackets()) {
    if (packet instanceof SenderReportPacket) {
      const seconds = packet.getNtpSeconds();
      const fraction = packet.getNtpFraction();
      senderReports.push({
        ssrc: packet.getSsrc(),
        ntpMs: msOfNtp({ seconds, fraction }),
        ntpMiddle: (((seconds & 0xffff) << 16) | (fraction >>> 16)) >>> 0,
        rtpTimestamp: packet.getRtpTimestamp(),
        packets: packet.getPacketCount(),
        octets: packet.getOctetCount(),
      });
      reportBlocks.push(...packet.getReports().map(readReport));
    } else if (packet instanceof ReceiverReportPacket) {
      reportBlocks.push(...packet.getReports().map(readReport));
    } else if (packet instanceof SdesPacket) {
      for (const chunk of packet.getChunks()) {
        const item = chunk.getItems().find(({ type }) => type === CNAME);
        if (item !== undefined) {
          cnames.push({ ssrc: chunk.getSsrc(), cname: item.text });
        }
      }
    } else if (packet instanceof ByePacket) {
      byes.push(...packet.getSsrcs());
    }
  }
  return { senderReports, reportBlocks, cnames, byes };
}

export interface ReportOptions {
  /** Whoever sends the report. */
  readonly ssrc: number;
  readonly cname: string;
  /** At most 31. */
  readonly blocks: readonly ReportBlock[];
  /** Makes it an SR; without it the packet is an RR. */
  readonly sending?: Omit<SenderReport, 'ssrc'>;
  /** Appends a BYE (RFC 3550 §6.6). */
  readonly bye?: boolean;
}

/** SR or RR, SDES with the CNAME, and maybe BYE, as one compound packet (RFC 3550 §6.1). */
export function buildReport(options: ReportOptions): Buffer {
  const compound = new CompoundPacket();
  const reports = options.blocks.map(writeReport);
  if (options.sending === undefined) {
    const receiverReport = new ReceiverReportPacket();
    receiverReport.setSsrc(options.ssrc);
    receiverReport.setReports(reports);
    compound.addPacket(receiverReport);
  } else {
    compound.addPacket(senderReport(options.ssrc, options.sending, reports));
  }
  const chunk = new SdesChunk();
  chunk.setSsrc(options.ssrc);
  chunk.addItem(CNAME, options.cname);
  const sdes = new SdesPacket();
  sdes.addChunk(chunk);
  compound.addPacket(sdes);
  if (options.bye === true) {
    const bye = new ByePacket();
    bye.addSsrc(options.ssrc);
    compound.addPacket(bye);
  }
  const view = compound.getView();
  return Buffer.from(view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength));
}

function senderReport(
  ssrc: number,
  sending: Omit<SenderReport, 'ssrc'>,
  reports: ReceptionReport[],
): SenderReportPacket {
  const packet = new SenderReportPacket();
  const ntp = ntpOfMs(sending.ntpMs);
  packet.setSsrc(ssrc);
  packet.setNtpSeconds(ntp.seconds);
  packet.setNtpFraction(ntp.fraction);
  packet.setRtpTimestamp(sending.rtpTimestamp >>> 0);
  packet.setPacketCount(sending.packets >>> 0);
  packet.setOctetCount(sending.octets >>> 0);
  packet.setReports(reports);
  return packet;
}

function readReport(report: ReceptionReport): ReportBlock {
  return {
    ssrc: report.getSsrc(),
    fractionLost: report.getFractionLost(),
    packetsLost: report.getTotalLost(),
    highestSequence: report.getHighestSeqNumber(),
    jitter: report.getJitter(),
    lastSenderReport: report.getLastSRTimestamp(),
    delaySinceLastSenderReport: report.getDelaySinceLastSR(),
  };
}

function writeReport(block: ReportBlock): ReceptionReport {
  const report = new ReceptionReport();
  report.setSsrc(block.ssrc);
  report.setFractionLost(block.fractionLost);
  report.setTotalLost(block.packetsLost);
  report.setHighestSeqNumber(block.highestSequence >>> 0);
  report.setJitter(block.jitter >>> 0);
  report.setLastSRTimestamp(block.lastSenderReport >>> 0);
  report.setDelaySinceLastSR(block.delaySinceLastSenderReport >>> 0);
  return report;
}
