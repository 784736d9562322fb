import { MAX_RTCP_BYTES, type ReportBlock, writeCompound } from '../../../../media/rtcp/build';
import { MAX_REPORT_BLOCKS, type ParsedRtcp, parseRtcp } from '../../../../media/rtcp/parse';
import { type Random } from '../random';
import { type FuzzTarget, mustEqual, mustHold } from '../target';

const BLOCK: ReportBlock = {
  ssrc: 0x1234_5678,
  fractionLost: 25,
  packetsLost: -3,
  extendedHighest: 0x0001_0002,
  jitter: 7,
  lastSenderReport: 0xaabb_ccdd,
  delaySinceLastSenderReport: 65_536,
};

function compound(options: { sender: boolean; block: boolean; bye: boolean }): Buffer {
  const bytes = Buffer.alloc(MAX_RTCP_BYTES);
  const length = writeCompound(new DataView(bytes.buffer, bytes.byteOffset), 0, {
    ssrc: 0xcafe_f00d,
    sender: options.sender
      ? { wallMs: 1_770_000_000_123, timestamp: 160, packets: 5_000_000_000, octets: 800 }
      : null,
    block: options.block ? BLOCK : null,
    cname: Buffer.from('gateway@192.0.2.1'),
    bye: options.bye,
  });
  return bytes.subarray(0, length);
}

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex');

/** The reader of compound RTCP packets. */
export const rtcpTarget: FuzzTarget = {
  name: 'rtcp',
  seeds: [
    compound({ sender: true, block: true, bye: false }),
    compound({ sender: false, block: true, bye: true }),
    compound({ sender: true, block: false, bye: true }),
    hex('81 cb 0001 00000001'),
    hex('81 cd 0003 00000001 00000002 000a0000'),
  ],
  wantsFile: () => false,
  dictionary: ['80', '81', '9f', 'c8', 'c9', 'ca', 'cb', 'cc', 'cd', 'ce', 'cf', '0000', '0001', '0006', '000c', 'ffff', '80c90001', '81cb0001', '9fcb001f'].map(hex), // prettier-ignore
  maxBytes: 4000,
  check: (input, random) => {
    const parsed = parse(input, 0, input.length);
    mustEqual(parseWithin(input, random), parsed, 'the same within a larger buffer');
    if (parsed === null) {
      return 'refused';
    }
    mustHold(lengthsAddUp(input), 'the lengths of an accepted compound add up');
    mustHold(parsed.blocks.length <= MAX_REPORT_BLOCKS, 'a bounded number of blocks');
    mustHold(parsed.byes.length <= MAX_REPORT_BLOCKS, 'a bounded number of sources');
    for (const block of parsed.blocks) {
      checkBlock(block);
    }
    checkRoundTrip(parsed, random);
    return 'accepted';
  },
};

function parse(bytes: Buffer, at: number, length: number): ParsedRtcp | null {
  return parseRtcp(new DataView(bytes.buffer, bytes.byteOffset, bytes.length), at, length);
}

function parseWithin(packet: Buffer, random: Random): ParsedRtcp | null {
  const before = random.below(50);
  const around = Buffer.concat([random.bytes(before), packet, random.bytes(random.below(40))]);
  return parse(around, before, packet.length);
}

/** RFC 3550 §A.2, in its own words once more. */
function lengthsAddUp(bytes: Buffer): boolean {
  let at = 0;
  while (at + 4 <= bytes.length) {
    if (bytes.readUInt8(at) >> 6 !== 2) {
      return false;
    }
    at += 4 + 4 * bytes.readUInt16BE(at + 2);
  }
  return at === bytes.length && at > 0;
}

function checkBlock(block: ReportBlock): void {
  mustHold(block.fractionLost >= 0 && block.fractionLost <= 255, 'a fraction lost');
  mustHold(block.packetsLost >= -0x80_0000 && block.packetsLost <= 0x7f_ffff, '24 bits of loss');
  for (const value of [block.ssrc, block.extendedHighest, block.jitter, block.lastSenderReport]) {
    mustHold(value >= 0 && value < 0x1_0000_0000, '32 bits');
  }
}

/** What was read can be written, and is then read as it was. */
function checkRoundTrip(parsed: ParsedRtcp, random: Random): void {
  const block = parsed.blocks[0] ?? null;
  const bytes = Buffer.alloc(MAX_RTCP_BYTES);
  const bye = random.oneIn(2);
  const length = writeCompound(new DataView(bytes.buffer, bytes.byteOffset), 0, {
    ssrc: parsed.senderSsrc,
    sender: null,
    block,
    cname: random.bytes(random.below(300)),
    bye,
  });
  mustEqual(
    parse(bytes, 0, length),
    {
      senderSsrc: parsed.senderSsrc,
      senderReport: null,
      blocks: block === null ? [] : [block],
      byes: bye ? [parsed.senderSsrc] : [],
    },
    'the report written and read again',
  );
}
