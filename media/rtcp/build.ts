import { ntpFraction, ntpSeconds } from './ntp';

/** Packet types of RFC 3550 §12.1. */
export const RTCP_SR = 200;
export const RTCP_RR = 201;
export const RTCP_SDES = 202;
export const RTCP_BYE = 203;

/** More than one compound of ours needs: SR with one block, SDES with a CNAME of 255 bytes, BYE. */
export const MAX_RTCP_BYTES = 512;
const MAX_CNAME_BYTES = 255;

/** What an SR says of our own stream (RFC 3550 §6.4.1). */
export interface SenderInfo {
  /** Wall clock, ms since 1970, of the moment that `timestamp` stands for. */
  readonly wallMs: number;
  readonly timestamp: number;
  /** Since the stream began; sent modulo 2³². */
  readonly packets: number;
  /** Payload bytes, without headers. */
  readonly octets: number;
}

/** One report block (RFC 3550 §6.4.1). */
export interface ReportBlock {
  readonly ssrc: number;
  /** 0–255: the fraction times 256. */
  readonly fractionLost: number;
  /** Cumulative, signed 24 bit. */
  readonly packetsLost: number;
  readonly extendedHighest: number;
  /** Timestamp units. */
  readonly jitter: number;
  /** Middle 32 bits of the last SR's NTP timestamp; 0: none yet. */
  readonly lastSenderReport: number;
  /** Units of 1/65536 s. */
  readonly delaySinceLastSenderReport: number;
}

export interface CompoundReport {
  readonly ssrc: number;
  /** null: nothing sent so far, the compound begins with an RR. */
  readonly sender: SenderInfo | null;
  readonly block: ReportBlock | null;
  /** UTF-8, at most 255 bytes. */
  readonly cname: Uint8Array;
  /** Ends the stream (RFC 3550 §6.6). */
  readonly bye: boolean;
}

/**
 * Writes a compound packet SR|RR, SDES CNAME and, when asked, BYE (RFC 3550 §6.1).
 *
 * @param view at least {@link MAX_RTCP_BYTES} from `at` on.
 * @returns its length in bytes.
 */
export function writeCompound(view: DataView, at: number, report: CompoundReport): number {
  let end = writeReport(view, at, report);
  end = writeCname(view, end, report.ssrc, report.cname);
  if (report.bye) {
    end = writeHeader(view, end, 1, RTCP_BYE, 8);
    view.setUint32(end, report.ssrc);
    end += 4;
  }
  return end - at;
}

function writeHeader(
  view: DataView,
  at: number,
  count: number,
  type: number,
  bytes: number,
): number {
  view.setUint8(at, 0x80 | count);
  view.setUint8(at + 1, type);
  view.setUint16(at + 2, bytes / 4 - 1);
  return at + 4;
}

function writeReport(view: DataView, at: number, report: CompoundReport): number {
  const { sender, block } = report;
  const bytes = 8 + (sender === null ? 0 : 20) + (block === null ? 0 : 24);
  const type = sender === null ? RTCP_RR : RTCP_SR;
  let end = writeHeader(view, at, block === null ? 0 : 1, type, bytes);
  view.setUint32(end, report.ssrc);
  end += 4;
  if (sender !== null) {
    view.setUint32(end, ntpSeconds(sender.wallMs));
    view.setUint32(end + 4, ntpFraction(sender.wallMs));
    view.setUint32(end + 8, sender.timestamp);
    view.setUint32(end + 12, sender.packets % 0x1_0000_0000);
    view.setUint32(end + 16, sender.octets % 0x1_0000_0000);
    end += 20;
  }
  return block === null ? end : writeBlock(view, end, block);
}

function writeBlock(view: DataView, at: number, block: ReportBlock): number {
  // RFC 3550 §A.3: the cumulative count is clamped to 24 bits with sign.
  const lost = Math.max(-0x80_0000, Math.min(0x7f_ffff, block.packetsLost));
  view.setUint32(at, block.ssrc);
  view.setUint32(at + 4, ((block.fractionLost << 24) | (lost & 0xff_ffff)) >>> 0);
  view.setUint32(at + 8, block.extendedHighest);
  view.setUint32(at + 12, block.jitter);
  view.setUint32(at + 16, block.lastSenderReport);
  view.setUint32(at + 20, block.delaySinceLastSenderReport);
  return at + 24;
}

function writeCname(view: DataView, at: number, ssrc: number, cname: Uint8Array): number {
  const length = Math.min(cname.length, MAX_CNAME_BYTES);
  // RFC 3550 §6.5: the item list ends with one zero octet at least and is padded to 32 bits.
  const chunkBytes = Math.ceil((4 + 2 + length + 1) / 4) * 4;
  const start = writeHeader(view, at, 1, RTCP_SDES, 4 + chunkBytes);
  view.setUint32(start, ssrc);
  view.setUint8(start + 4, 1);
  view.setUint8(start + 5, length);
  for (let i = 0; i < chunkBytes - 6; i++) {
    view.setUint8(start + 6 + i, i < length ? (cname[i] ?? 0) : 0);
  }
  return start + chunkBytes;
}
