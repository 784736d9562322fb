import { SenderClock, StreamTimeline, TimestampUnwrapper } from '../../../../src/lab/rtp/timeline';
import { msOfNtp, ntpOfMs } from '../../../../src/lab/rtp/ntp';

const T0 = 1_700_000_000_000;

function timeline(senderClock = new SenderClock()): StreamTimeline {
  return new StreamTimeline({ clockRateHz: 8000, senderClock });
}

describe('StreamTimeline', () => {
  it('places by the arrival of the first packet until a sender report comes', () => {
    const stream = timeline();
    expect(stream.place(5000, T0)).toBe(T0);
    // The second packet is 30 ms late on the network; its timestamp says 20 ms.
    expect(stream.place(5160, T0 + 50)).toBe(T0 + 20);
    expect(stream.isSynchronised).toBe(false);
  });

  it('moves a stream that was delivered 2 s late to where its sender report says', () => {
    const stream = timeline();
    stream.place(0, T0 + 2000);
    // Now is T0 + 2100; by the sender's clock timestamp 0 was T0.
    const move = stream.senderReport({
      timestamp: 16800,
      ntpMs: T0 + 2100,
      arrivalWallMs: T0 + 2100,
    });
    expect(move).toEqual({ correctionMs: -2000, isFirst: true });
    expect(stream.place(160, T0 + 2101)).toBe(T0 + 20);
  });

  it('aligns two streams of one sender although they started at different times', () => {
    const clock = new SenderClock();
    const one = timeline(clock);
    const two = timeline(clock);
    one.place(1000, T0 + 5);
    two.place(900_000, T0 + 1040);
    one.senderReport({ timestamp: 1000 + 8000, ntpMs: T0 + 1000, arrivalWallMs: T0 + 1003 });
    two.senderReport({ timestamp: 900_000, ntpMs: T0 + 1000, arrivalWallMs: T0 + 1045 });
    expect(one.place(9000, T0 + 1010)).toBe(T0 + 1000);
    expect(two.place(900_000, T0 + 1060)).toBe(T0 + 1000);
  });

  it('takes the offset of a clock that is far from ours from the first report, for all streams', () => {
    const clock = new SenderClock();
    const one = timeline(clock);
    const two = timeline(clock);
    const farMs = T0 - 3_600_000;
    one.place(0, T0);
    two.place(0, T0 + 70);
    one.senderReport({ timestamp: 800, ntpMs: farMs + 100, arrivalWallMs: T0 + 110 });
    two.senderReport({ timestamp: 800, ntpMs: farMs + 160, arrivalWallMs: T0 + 400 });
    expect(one.place(800, T0 + 120)).toBe(T0 + 110);
    expect(two.place(800, T0 + 180)).toBe(T0 + 170);
  });

  it('follows a drifting sample clock without tearing at every report', () => {
    const stream = timeline();
    stream.place(0, T0);
    let corrections = 0;
    // The sender samples 1000 ppm too fast: after 5 s it is 40 samples ahead.
    for (let second = 5; second <= 100; second += 5) {
      const wallMs = T0 + second * 1000;
      const timestamp = Math.round(second * 8000 * 1.001);
      const { correctionMs } = stream.senderReport({
        timestamp,
        ntpMs: wallMs,
        arrivalWallMs: wallMs,
      });
      corrections += correctionMs === 0 ? 0 : 1;
      expect(Math.abs(stream.place(timestamp, wallMs) - wallMs)).toBeLessThanOrEqual(10);
    }
    expect(corrections).toBeLessThan(12);
    expect(corrections).toBeGreaterThan(0);
  });

  it('re-anchors at a timestamp that cannot be true, and counts it', () => {
    const stream = timeline();
    stream.place(0, T0);
    expect(stream.place(2 ** 31, T0 + 20)).toBe(T0 + 20);
    expect(stream.place(2 ** 31 + 160, T0 + 45)).toBe(T0 + 40);
    expect(stream.discontinuities).toBe(1);
  });

  it('does not believe a report that would move the stream by hours', () => {
    const clock = new SenderClock();
    const stream = timeline(clock);
    stream.place(0, T0);
    stream.senderReport({ timestamp: 0, ntpMs: T0, arrivalWallMs: T0 });
    const move = stream.senderReport({
      timestamp: 8000,
      ntpMs: T0 + 9e6,
      arrivalWallMs: T0 + 1000,
    });
    expect(move.correctionMs).toBe(0);
    expect(stream.implausibleReports).toBe(1);
    expect(stream.place(8000, T0 + 1000)).toBe(T0 + 1000);
  });
});

describe('TimestampUnwrapper', () => {
  it('goes on over the wrap, and back for a reordered packet', () => {
    const unwrapper = new TimestampUnwrapper();
    expect(unwrapper.unwrap(0xffff_ff00)).toBe(0xffff_ff00);
    expect(unwrapper.unwrap(0x60)).toBe(0x1_0000_0060);
    expect(unwrapper.unwrap(0xffff_ffc0)).toBe(0xffff_ffc0);
    expect(unwrapper.peek(0x60)).toBe(0x1_0000_0060);
  });
});

describe('NTP times', () => {
  it('agree with RFC 3550: 1970 is 2208988800 s after 1900', () => {
    expect(ntpOfMs(0)).toEqual({ seconds: 2_208_988_800, fraction: 0 });
    expect(ntpOfMs(500)).toEqual({ seconds: 2_208_988_800, fraction: 2 ** 31 });
    expect(msOfNtp(ntpOfMs(T0 + 123.5))).toBeCloseTo(T0 + 123.5, 3);
  });
});
