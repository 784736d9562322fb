import { RTCP_BYE, RTCP_RR, RTCP_SR, type ReportBlock } from './build';
import { ntpMiddle } from './ntp';

/** What we use of a peer's compound packet. */
export interface ParsedRtcp {
  /** SSRC of the first report; the peer's own. */
  readonly senderSsrc: number;
  /** Of the last SR in the compound; null when it has none. */
  readonly senderReport: { readonly ssrc: number; readonly ntpMiddle: number } | null;
  /** At most {@link MAX_REPORT_BLOCKS}. */
  readonly blocks: readonly ReportBlock[];
  /** Sources that say goodbye. */
  readonly byes: readonly number[];
}

/** What is kept of a compound, however many blocks it carries. */
export const MAX_REPORT_BLOCKS = 62;

const SENDER_INFO_BYTES = 20;
const BLOCK_BYTES = 24;

/**
 * Reads a compound RTCP packet (RFC 3550 §6). Checked as §A.2 says: version 2 throughout, an SR or RR first
 * (a lone BYE or feedback packet, RFC 5506, is taken too), lengths that add up exactly. Unknown types are skipped.
 *
 * @returns null when it is malformed.
 */
export function parseRtcp(view: DataView, at: number, length: number): ParsedRtcp | null {
  const blocks: ReportBlock[] = [];
  const byes: number[] = [];
  let senderReport: ParsedRtcp['senderReport'] = null;
  let senderSsrc: number | null = null;
  const end = at + length;
  let position = at;
  while (position < end) {
    if (end - position < 4) {
      return null;
    }
    const first = view.getUint8(position);
    const type = view.getUint8(position + 1);
    const bytes = 4 * (view.getUint16(position + 2) + 1);
    if (first >> 6 !== 2 || type < 192 || type > 223 || position + bytes > end) {
      return null;
    }
    const count = first & 0x1f;
    if (type === RTCP_SR || type === RTCP_RR) {
      const headBytes = 8 + (type === RTCP_SR ? SENDER_INFO_BYTES : 0);
      if (bytes < headBytes + count * BLOCK_BYTES) {
        return null;
      }
      const ssrc = view.getUint32(position + 4);
      senderSsrc ??= ssrc;
      if (type === RTCP_SR) {
        const seconds = view.getUint32(position + 8);
        senderReport = { ssrc, ntpMiddle: ntpMiddle(seconds, view.getUint32(position + 12)) };
      }
      readBlocks(view, position + headBytes, count, blocks);
    } else if (type === RTCP_BYE) {
      if (bytes < 4 + 4 * count) {
        return null;
      }
      for (let i = 0; i < count && byes.length < MAX_REPORT_BLOCKS; i++) {
        byes.push(view.getUint32(position + 4 + 4 * i));
      }
    }
    senderSsrc ??= bytes >= 8 ? view.getUint32(position + 4) : null;
    position += bytes;
  }
  return senderSsrc === null ? null : { senderSsrc, senderReport, blocks, byes };
}

function readBlocks(view: DataView, at: number, count: number, blocks: ReportBlock[]): void {
  for (let i = 0; i < count && blocks.length < MAX_REPORT_BLOCKS; i++) {
    const start = at + i * BLOCK_BYTES;
    const loss = view.getUint32(start + 4);
    blocks.push({
      ssrc: view.getUint32(start),
      fractionLost: loss >>> 24,
      packetsLost: (loss << 8) >> 8,
      extendedHighest: view.getUint32(start + 8),
      jitter: view.getUint32(start + 12),
      lastSenderReport: view.getUint32(start + 16),
      delaySinceLastSenderReport: view.getUint32(start + 20),
    });
  }
}
