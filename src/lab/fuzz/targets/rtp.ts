import {
  isRtp,
  looksLikeRtcp,
  MAX_PACKET_BYTES,
  RTP_HEADER_BYTES,
} from '../../../../media/rtp/header';
import { ReceptionStats } from '../../../../media/rtp/reception';
import { StreamRewriter } from '../../../../media/rtp/rewriter';
import { type Random } from '../random';
import { type FuzzTarget, mustEqual, mustHold } from '../target';

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex');

/** What the media worker does with a packet before it relays it. */
export const rtpTarget: FuzzTarget = {
  name: 'rtp',
  seeds: [
    hex('80 08 0001 000000a0 12345678 d5d5d5d5'),
    hex('80 e5 ffff ffffff60 deadbeef 0a0a00a0'),
    hex('92 60 7fff 80000000 00000001 0000000b 0000000c bede0001 51aa0000 0102030405'),
    hex('a0 00 8000 00000000 ffffffff 00000004'),
    hex('b1 00 1234 01020304 05060708 11111111 00000000 0002'),
    hex('80 c8 0006 12345678 e8000000 80000000 000000a0 00000001 000000a0'),
  ],
  wantsFile: () => false,
  dictionary: ['80', '90', 'a0', 'b0', '8f', 'bf', 'ffff', '0000', '80000000', 'bede', '00', 'ff', 'c8', 'c9', '60', '7f'].map(hex), // prettier-ignore
  maxBytes: 9000,
  check: (input, random) => {
    const accepted = isRtp(input, 0, input.length);
    mustEqual(accepted, hasRtpLayout(input), 'whether it is RTP');
    mustEqual(accepted, isRtpWithin(input, random), 'the same within a larger buffer');
    if (input.length >= 2) {
      looksLikeRtcp(input[1] ?? 0);
    }
    if (!accepted) {
      return 'refused';
    }
    checkRelay(input, random);
    return 'accepted';
  },
};

/** RFC 3550 §5.1 and §5.3.1 once more, straight from the text, to compare with. */
function hasRtpLayout(packet: Buffer): boolean {
  if (packet.length < RTP_HEADER_BYTES || packet.length > MAX_PACKET_BYTES) {
    return false;
  }
  const first = packet.readUInt8(0);
  if (Math.floor(first / 64) !== 2) {
    return false;
  }
  const hasPadding = Math.floor(first / 32) % 2 === 1;
  const hasExtension = Math.floor(first / 16) % 2 === 1;
  let payloadAt = 12 + (first % 16) * 4;
  if (hasExtension) {
    if (payloadAt + 4 > packet.length) {
      return false;
    }
    payloadAt += 4 + packet.readUInt16BE(payloadAt + 2) * 4;
  }
  const padding = hasPadding ? packet.readUInt8(packet.length - 1) : 0;
  return (!hasPadding || padding > 0) && payloadAt + padding <= packet.length;
}

/** Packets lie side by side in the worker's buffer: what stands around one must not matter. */
function isRtpWithin(packet: Buffer, random: Random): boolean {
  const before = random.below(50);
  const buffer = Buffer.concat([random.bytes(before), packet, random.bytes(random.below(20))]);
  return isRtp(buffer, before, packet.length);
}

/** Relays the packet and some like it; the payload must stay, and the figures must stay figures. */
function checkRelay(packet: Buffer, random: Random): void {
  const rewriter = new StreamRewriter({
    ssrc: random.below(0x1_0000_0000),
    firstSequence: random.below(0x1_0000),
    firstTimestamp: random.below(0x1_0000_0000),
    maxSlipMs: random.pick([0, 200]),
    splitsAtClockChange: random.oneIn(2),
  });
  const stats = new ReceptionStats();
  let nowMs = random.below(1_000_000);
  const view = new DataView(packet.buffer, packet.byteOffset, packet.length);
  let sequence = view.getUint16(2);
  let timestamp = view.getInt32(4);
  let ssrc = view.getInt32(8);
  for (let i = 0; i < 8; i++) {
    const clockRateHz = random.pick([0, 8000, 8000, 16_000, 48_000, 90_000]);
    rewriter.map(ssrc, sequence, timestamp, clockRateHz, nowMs);
    stats.update(ssrc, sequence, timestamp, clockRateHz, nowMs);
    checkStamped(packet, rewriter);
    checkFigures(stats, rewriter, nowMs);
    nowMs += random.pick([0, 20, 20, 20, 5000, 100_000_000]);
    sequence = (sequence + random.pick([1, 1, 1, 0, 2, 0xffff, 100, 0x8000])) & 0xffff;
    timestamp = (timestamp + random.pick([160, 160, 0, -160, 0x7fff_ffff, 48_000])) | 0;
    ssrc = random.oneIn(8) ? random.below(0x1_0000_0000) | 0 : ssrc;
  }
}

function checkStamped(packet: Buffer, rewriter: StreamRewriter): void {
  const copy = Buffer.from(packet);
  rewriter.stamp(new DataView(copy.buffer, copy.byteOffset, copy.length), 0);
  mustHold(isRtp(copy, 0, copy.length), 'a rewritten packet is RTP');
  mustHold(copy.subarray(0, 2).equals(packet.subarray(0, 2)), 'the first octets stay');
  mustHold(copy.subarray(12).equals(packet.subarray(12)), 'the payload stays');
  mustEqual(copy.readUInt32BE(8), rewriter.ssrc, 'our SSRC');
}

function checkFigures(stats: ReceptionStats, rewriter: StreamRewriter, nowMs: number): void {
  const fraction = stats.takeFractionLost();
  mustHold(Number.isInteger(fraction) && fraction >= 0 && fraction <= 255, 'a fraction lost');
  mustHold(Number.isSafeInteger(stats.packetsLost), 'a number of lost packets');
  mustHold(Number.isInteger(stats.jitter) && stats.jitter >= 0, 'a jitter');
  const { extendedHighest } = stats;
  mustHold(extendedHighest >= 0 && extendedHighest < 0x1_0000_0000, 'a highest sequence');
  const timestamp = rewriter.timestampAt(nowMs);
  mustHold(timestamp >= 0 && timestamp < 0x1_0000_0000, 'a timestamp');
}
