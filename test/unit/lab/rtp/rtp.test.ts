import fc from 'fast-check';
import { RtpPacket } from 'rtp.js/packets';
import { decodeG711 } from '#media';
import { toneLevelDbfs } from '../../../../src/lab/audio/goertzel';
import { tone } from '../../../../src/lab/audio/tone';
import { buildReport, parseRtcp } from '../../../../src/lab/rtp/rtcp';
import { RtpReceiver } from '../../../../src/lab/rtp/rtp-receiver';
import { RtpSender, type RtpSenderOptions } from '../../../../src/lab/rtp/rtp-sender';
import { SourceStatistics } from '../../../../src/lab/rtp/source-statistics';
import { parseEvent } from '../../../../src/lab/rtp/telephone-event';
import { SenderClock } from '../../../../src/lab/rtp/timeline';
import { ManualClock } from '../support/manual-clock';

const T0 = 1_700_000_000_000;

function setUp(options: Partial<RtpSenderOptions> = {}): {
  clock: ManualClock;
  sender: RtpSender;
  packets: RtpPacket[];
} {
  const clock = new ManualClock();
  const packets: RtpPacket[] = [];
  const sender = new RtpSender({
    clock,
    source: tone({ hz: 1000 }),
    encoding: 'PCMU',
    payloadType: 0,
    eventPayloadType: 101,
    send: packet =>
      packets.push(
        new RtpPacket(new DataView(packet.buffer, packet.byteOffset, packet.byteLength)),
      ),
    ...options,
  });
  return { clock, sender, packets };
}

function bytesOf(packet: RtpPacket): Uint8Array {
  const payload = packet.getPayload();
  return new Uint8Array(payload.buffer, payload.byteOffset, payload.byteLength);
}

describe('RtpSender', () => {
  it.each(['PCMU', 'PCMA'] as const)(
    'sends %s of 20 ms with consecutive numbers and times',
    encoding => {
      const { clock, sender, packets } = setUp({
        encoding,
        payloadType: encoding === 'PCMU' ? 0 : 8,
      });
      sender.start();
      clock.advance(990);
      sender.stop();
      expect(packets).toHaveLength(50);
      const [first] = packets;
      const sequence = first?.getSequenceNumber() ?? 0;
      const timestamp = first?.getTimestamp() ?? 0;
      for (const [n, packet] of packets.entries()) {
        expect(packet.getSequenceNumber()).toBe((sequence + n) & 0xffff);
        expect(packet.getTimestamp()).toBe((timestamp + 160 * n) >>> 0);
        expect(packet.getMarker()).toBe(n === 0);
        expect(packet.getSsrc()).toBe(sender.ssrc);
      }
      const heard = packets.flatMap(packet => [...decodeG711(encoding, bytesOf(packet))]);
      expect(toneLevelDbfs(Int16Array.from(heard.slice(800)), 1000)).toBeCloseTo(-12, 0);
      expect(clock.pending).toBe(0);
    },
  );

  it('makes up for a stall, so that the clock and not the timers set the pace', () => {
    const { clock, sender, packets } = setUp();
    sender.start();
    clock.stall(490);
    expect(packets).toHaveLength(25);
    clock.advance(500);
    expect(packets).toHaveLength(50);
    sender.stop();
  });

  it('skips what is older than two seconds after a long stall', () => {
    const { clock, sender, packets } = setUp();
    sender.start();
    clock.stall(60_000);
    sender.stop();
    expect(packets).toHaveLength(101);
    const timestamps = packets.map(packet => packet.getTimestamp());
    expect(((timestamps[100] ?? 0) - (timestamps[0] ?? 0)) >>> 0).toBe(3000 * 160);
  });

  it('keeps time while silent and marks the first packet after it', () => {
    const { clock, sender, packets } = setUp();
    sender.start();
    clock.advance(30);
    sender.setSilent(true);
    clock.advance(100);
    sender.setSilent(false);
    clock.advance(20);
    sender.stop();
    expect(packets).toHaveLength(3);
    const [first, , third] = packets;
    expect(third?.getMarker()).toBe(true);
    expect(((third?.getTimestamp() ?? 0) - (first?.getTimestamp() ?? 0)) >>> 0).toBe(7 * 160);
    expect(third?.getSequenceNumber()).toBe(((first?.getSequenceNumber() ?? 0) + 2) & 0xffff);
  });

  it('starts a new source at its beginning', () => {
    const read: number[] = [];
    const { clock, sender } = setUp();
    sender.start();
    clock.advance(50);
    sender.setSource({ read: position => void read.push(position) });
    clock.advance(40);
    sender.stop();
    expect(read).toEqual([0, 160]);
  });

  it('changes SSRC, numbers and times together', () => {
    const { clock, sender, packets } = setUp();
    sender.start();
    const before = sender.ssrc;
    sender.changeSsrc();
    clock.advance(20);
    sender.stop();
    expect(sender.ssrc).not.toBe(before);
    expect(packets.map(packet => packet.getSsrc())).toEqual([before, sender.ssrc]);
    expect(packets[1]?.getMarker()).toBe(true);
  });

  it('sends digits as RFC 4733 asks: one start time, growing duration, three end packets', () => {
    const { clock, sender, packets } = setUp();
    sender.start();
    expect(sender.sendDigits('1#', 60)).toBe(true);
    clock.advance(160);
    sender.stop();
    const events = packets.filter(packet => packet.getPayloadType() === 101);
    const facts = events.map(packet => ({
      ...parseEvent(Buffer.from(bytesOf(packet))),
      marker: packet.getMarker(),
      at: ((packet.getTimestamp() - (packets[0]?.getTimestamp() ?? 0)) >>> 0) / 160,
    }));
    const digit = (name: string, at: number): unknown[] => [
      { digit: name, duration: 160, isEnd: false, marker: true, at },
      { digit: name, duration: 320, isEnd: false, marker: false, at },
      ...Array<unknown>(3).fill({ digit: name, duration: 480, isEnd: true, marker: false, at }),
    ];
    expect(facts).toEqual([...digit('1', 1), ...digit('#', 4)]);
    expect(packets.filter(packet => packet.getPayloadType() === 0)).toHaveLength(3);
    expect(sender.isSendingDigits).toBe(false);
  });

  it('refuses digits that are none, and events that were not agreed', () => {
    expect(setUp().sender.sendDigits('12x')).toBe(false);
    expect(setUp({ eventPayloadType: null }).sender.sendDigits('1')).toBe(false);
  });

  it('reports its clock: the timestamp of now and the time of now', () => {
    const { clock, sender, packets } = setUp();
    expect(sender.report()).toBeNull();
    sender.start();
    clock.advance(1010);
    const report = sender.report();
    sender.stop();
    expect(report).toMatchObject({ ntpMs: T0 + 1010, packets: 51, octets: 51 * 160 });
    expect(((report?.rtpTimestamp ?? 0) - (packets[0]?.getTimestamp() ?? 0)) >>> 0).toBe(8080);
  });
});

function packetOf(sequence: number, timestamp: number, ssrc = 7): Buffer {
  const packet = Buffer.alloc(12 + 160);
  packet.writeUInt8(0x80, 0);
  packet.writeUInt16BE(sequence & 0xffff, 2);
  packet.writeUInt32BE(timestamp >>> 0, 4);
  packet.writeUInt32BE(ssrc, 8);
  return packet;
}

describe('RtpReceiver', () => {
  const receiver = (): RtpReceiver =>
    new RtpReceiver({ clockRateHz: 8000, senderClock: new SenderClock() });

  it('counts loss, disorder and duplicates', () => {
    const rtp = receiver();
    const order = [0, 1, 2, 4, 3, 5, 5, 9, 2];
    const verdicts = order.map(
      (n, i) =>
        rtp.receive(packetOf(65533 + n, n * 160), T0 + i * 20)?.sequenceVerdict ?? 'dropped',
    );
    expect(verdicts).toEqual([
      'next',
      'next',
      'next',
      'gap',
      'reordered',
      'next',
      'dropped',
      'gap',
      'dropped',
    ]);
    expect(rtp.counts()).toMatchObject([
      { ssrc: 7, packets: 9, lost: 3, duplicates: 2, reordered: 1, restarts: 0 },
    ]);
  });

  it('keeps sources apart and bounds their number', () => {
    const rtp = receiver();
    for (let ssrc = 0; ssrc < 20; ssrc += 1) {
      rtp.receive(packetOf(1, 1, ssrc), T0);
    }
    expect(rtp.counts()).toHaveLength(16);
    expect(rtp.malformed).toBe(4);
  });

  it('takes a jump of the sequence as a restart', () => {
    const rtp = receiver();
    rtp.receive(packetOf(10, 0), T0);
    expect(rtp.receive(packetOf(30010, 160), T0 + 20)?.sequenceVerdict).toBe('restart');
    expect(rtp.counts()).toMatchObject([{ lost: 0, restarts: 1 }]);
  });

  it('says when a sender report moved a source', () => {
    const rtp = receiver();
    rtp.receive(packetOf(1, 1000), T0 + 500);
    const report = buildReport({
      ssrc: 7,
      cname: 'x',
      blocks: [],
      sending: { ntpMs: T0 + 520, rtpTimestamp: 1000 + 4160, packets: 1, octets: 160 },
    });
    const facts = parseRtcp(report);
    expect(facts).not.toBeNull();
    const corrections = facts === null ? [] : rtp.receiveRtcp(facts, T0 + 521);
    expect(corrections).toHaveLength(1);
    expect(corrections[0]).toMatchObject({ ssrc: 7, isFirst: true });
    expect(corrections[0]?.correctionMs).toBeCloseTo(-500, 3);
    expect(rtp.takeReportBlocks(T0 + 1521)).toMatchObject([
      {
        ssrc: 7,
        fractionLost: 0,
        packetsLost: 0,
        highestSequence: 1,
        delaySinceLastSenderReport: 65536,
      },
    ]);
  });

  it('drops and counts whatever is no RTP', () => {
    const rtp = receiver();
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), bytes => {
        rtp.receive(Buffer.from(bytes), T0);
      }),
      { numRuns: 500 },
    );
    const before = rtp.malformed;
    expect(rtp.receive(Buffer.alloc(3), T0)).toBeNull();
    expect(rtp.receive(Buffer.alloc(172), T0)).toBeNull();
    expect(rtp.malformed).toBe(before + 2);
  });
});

describe('SourceStatistics', () => {
  it('reports the lost fraction since the previous report (RFC 3550 A.3)', () => {
    const statistics = new SourceStatistics(1, 8000, T0);
    for (const n of [0, 1, 2, 3]) {
      statistics.receive(n, n * 160, 172, T0 + n * 20);
    }
    expect(statistics.takeReportBlock()).toMatchObject({ fractionLost: 0, packetsLost: 0 });
    statistics.receive(7, 7 * 160, 172, T0 + 140);
    expect(statistics.takeReportBlock()).toMatchObject({ fractionLost: 192, packetsLost: 3 });
    expect(statistics.counts()).toMatchObject({ lost: 3 });
  });
});

describe('RTCP', () => {
  it('reads back the report that it builds', () => {
    const block = {
      ssrc: 99,
      fractionLost: 12,
      packetsLost: 345,
      highestSequence: 70000,
      jitter: 8,
      lastSenderReport: 0x12345678,
      delaySinceLastSenderReport: 65536,
    };
    const sending = { ntpMs: T0 + 250, rtpTimestamp: 4_000_000_000, packets: 5, octets: 800 };
    const facts = parseRtcp(
      buildReport({ ssrc: 42, cname: 'phone@lab', blocks: [block], sending, bye: true }),
    );
    expect(facts?.reportBlocks).toEqual([block]);
    expect(facts?.senderReports).toMatchObject([
      { ssrc: 42, rtpTimestamp: 4_000_000_000, packets: 5, octets: 800 },
    ]);
    expect(facts?.senderReports[0]?.ntpMs).toBeCloseTo(T0 + 250, 2);
    expect(facts?.cnames).toEqual([{ ssrc: 42, cname: 'phone@lab' }]);
    expect(facts?.byes).toEqual([42]);
  });

  it('builds an RR with SDES byte for byte', () => {
    expect(buildReport({ ssrc: 1, cname: 'ab', blocks: [] }).toString('hex')).toBe(
      '80c9000100000001' + '81ca0003' + '00000001' + '01026162' + '00000000',
    );
  });

  it('survives any bytes and truncations', () => {
    const whole = buildReport({ ssrc: 42, cname: 'phone@lab', blocks: [], bye: true });
    for (let length = 0; length < whole.length; length += 1) {
      parseRtcp(whole.subarray(0, length));
    }
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), bytes => {
        const facts = parseRtcp(Buffer.concat([Buffer.from([0x80, 200]), bytes]));
        expect(facts === null || Array.isArray(facts.byes)).toBe(true);
      }),
      { numRuns: 500 },
    );
    expect(parseRtcp(Buffer.alloc(4000, 0x80))).toBeNull();
  });
});
