import { RTP_SEQUENCE_AT, RTP_SSRC_AT, RTP_TIMESTAMP_AT } from './header';
import { isContinuation, sequenceDelta, timestampDelta } from './sequence';

export interface RewriterOptions {
  /** Our own, for the whole life of the stream. */
  readonly ssrc: number;
  /** Random, as RFC 3550 §5.1 asks. */
  readonly firstSequence: number;
  readonly firstTimestamp: number;
  /**
   * When the source's timestamps leave the arrival times by more than this within one packet, the stream goes on
   * by arrival time. 0: timestamps of one source are always believed.
   */
  readonly maxSlipMs: number;
  /** Whether another clock rate of the same source starts a new run by arrival time. */
  readonly splitsAtClockChange: boolean;
}

/** How fast the reference may follow a source whose clock is slower than ours, ms per packet. */
const REFERENCE_CREEP_MS = 0.02;

/** A packet that is later than this behind what was filled in is no late packet, but another timeline. */
const MAX_LATE_MS = 500;

/**
 * Maps the packets of changing sources onto one continuous outgoing stream with our own SSRC, sequence and
 * timestamps (RFC 3550 §5.1).
 *
 * Within one run of a source the mapping is a constant offset: what the source lost stays missing and what was
 * reordered keeps its number. When the source changes, the sequence goes on with the next number and the
 * timestamp by the time that has passed. Results are left in {@link sequence} and {@link timestamp}, so that a
 * packet allocates nothing. 32-bit values are kept as signed integers inside, because the engine stores those in the
 * object itself.
 */
export class StreamRewriter {
  readonly ssrc: number;
  /** Of the packet mapped last; the timestamp as a signed 32-bit integer. */
  sequence: number;
  timestamp: number;
  /** Whether anything was mapped yet. */
  started = false;
  clockRateHz = 8000;

  readonly #ssrcBits: number;
  readonly #maxSlipMs: number;
  readonly #splitsAtClockChange: boolean;
  #sourceSsrc = 0;
  #newRun = true;
  #sequenceOffset = 0;
  #timestampOffset = 0;
  #highest: number;
  /** A pair of timestamp and arrival on the line of the least delayed packets. */
  #referenceTimestamp: number;
  #referenceMs = 0;
  /** Packets of our own came last; the source's next packet goes on where they end. */
  #isFilled = false;
  #filledTo = 0;

  constructor(options: RewriterOptions) {
    this.ssrc = options.ssrc >>> 0;
    this.#ssrcBits = options.ssrc | 0;
    this.sequence = options.firstSequence & 0xffff;
    this.timestamp = options.firstTimestamp | 0;
    this.#highest = (options.firstSequence - 1) & 0xffff;
    this.#referenceTimestamp = this.timestamp;
    this.#maxSlipMs = options.maxSlipMs;
    this.#splitsAtClockChange = options.splitsAtClockChange;
  }

  /** The next packet begins a new run (pause, hold, another leg): no gap in numbers, true time. */
  startNewRun(): void {
    this.#newRun = true;
  }

  /**
   * Maps one packet.
   *
   * @param ssrc of the source, signed or unsigned, but always the same way.
   * @param timestamp likewise.
   * @param clockRateHz of its payload format; 0 when unknown (the rate of the stream is kept).
   * @param nowMs arrival, monotonic.
   */
  map(ssrc: number, sequence: number, timestamp: number, clockRateHz: number, nowMs: number): void {
    const rateHz = clockRateHz === 0 ? this.clockRateHz : clockRateHz;
    if (this.#newRun || ssrc !== this.#sourceSsrc) {
      this.#begin(ssrc, sequence, timestamp, rateHz, nowMs);
      return;
    }
    if (rateHz !== this.clockRateHz) {
      if (this.#splitsAtClockChange) {
        this.#begin(ssrc, sequence, timestamp, rateHz, nowMs);
        return;
      }
      this.#changeClock(rateHz, nowMs);
    }
    const outSequence = (sequence + this.#sequenceOffset) & 0xffff;
    const delta = sequenceDelta(outSequence, this.#highest);
    const outTimestamp = (timestamp + this.#timestampOffset) | 0;
    if (!isContinuation(delta)) {
      this.#begin(ssrc, sequence, timestamp, rateHz, nowMs);
      return;
    }
    if (delta > 0) {
      const slipMs = this.#slipMs(outTimestamp, nowMs);
      // A long telephone event repeats its timestamp while time goes by (RFC 4733 §2.5.1.2): no slip.
      const repeats = outTimestamp === this.#referenceTimestamp;
      if (this.#maxSlipMs > 0 && !repeats && Math.abs(slipMs) > this.#maxSlipMs) {
        this.#begin(ssrc, sequence, timestamp, rateHz, nowMs);
        return;
      }
      this.#highest = outSequence;
      this.#referenceMs = nowMs - (slipMs > REFERENCE_CREEP_MS ? slipMs - REFERENCE_CREEP_MS : 0);
      this.#referenceTimestamp = outTimestamp;
    }
    this.sequence = outSequence;
    this.timestamp = outTimestamp;
  }

  /** Whether packets of our own came last. */
  get isFilled(): boolean {
    return this.#isFilled;
  }

  /**
   * Numbers a packet of our own that stands where the source is silent.
   *
   * @param units how long it is, in timestamp units.
   * @param isContiguous whether it follows the packet before without a gap; otherwise it stands where time is now.
   * @param unitsBefore how long the source's last packet is.
   */
  fill(
    units: number,
    rateHz: number,
    nowMs: number,
    isContiguous: boolean,
    unitsBefore = units,
  ): void {
    let timestamp = this.#referenceTimestamp;
    if (this.started) {
      if (rateHz !== this.clockRateHz) {
        this.#changeClock(rateHz, nowMs);
      }
      timestamp = this.#isFilled ? this.#filledTo : (this.#referenceTimestamp + unitsBefore) | 0;
      const ahead = timestampDelta(this.timestampAt(nowMs), timestamp);
      if (!isContiguous && ahead > 0) {
        timestamp = (timestamp + ahead) | 0;
      }
    }
    this.started = true;
    this.clockRateHz = rateHz;
    this.#highest = (this.#highest + 1) & 0xffff;
    this.#newRun = true;
    this.#isFilled = true;
    this.#filledTo = (timestamp + units) | 0;
    this.#referenceTimestamp = timestamp;
    this.#referenceMs = nowMs;
    this.sequence = this.#highest;
    this.timestamp = timestamp;
  }

  /**
   * Whether a packet of the source comes so late that packets of our own stand in its place already.
   *
   * @param units how long it is.
   */
  isTooLate(ssrc: number, timestamp: number, units: number): boolean {
    if (!this.#isFilled || ssrc !== this.#sourceSsrc) {
      return false;
    }
    const ahead = timestampDelta((timestamp + this.#timestampOffset) | 0, this.#filledTo);
    return ahead <= -units && ahead > (-MAX_LATE_MS * this.clockRateHz) / 1000;
  }

  /** Numbers a packet that stands beside those of our own and has no length: it takes a number, and no time. */
  interject(): void {
    this.#highest = (this.#highest + 1) & 0xffff;
    this.sequence = this.#highest;
    this.timestamp = (this.#referenceTimestamp + 1) | 0;
  }

  /** The timestamp of something that happens now; starts a stream that has not begun. */
  momentAt(nowMs: number): number {
    if (!this.started) {
      this.started = true;
      this.#referenceMs = nowMs;
    }
    return this.timestampAt(nowMs) | 0;
  }

  /** Numbers a packet that is put between those of the source; the source's later ones move up. */
  insert(timestamp: number): void {
    this.#highest = (this.#highest + 1) & 0xffff;
    this.#sequenceOffset = (this.#sequenceOffset + 1) & 0xffff;
    this.sequence = this.#highest;
    this.timestamp = timestamp | 0;
  }

  /** A packet of the source is left out: its later ones take its number. */
  leaveOut(ssrc: number): void {
    if (!this.#newRun && ssrc === this.#sourceSsrc) {
      this.#sequenceOffset = (this.#sequenceOffset - 1) & 0xffff;
    }
  }

  /** Writes the numbers of the packet mapped last into its header. */
  stamp(view: DataView, at: number): void {
    view.setUint16(at + RTP_SEQUENCE_AT, this.sequence);
    view.setInt32(at + RTP_TIMESTAMP_AT, this.timestamp);
    view.setInt32(at + RTP_SSRC_AT, this.#ssrcBits);
  }

  /** The stream's timestamp at a moment: what an SR pairs with the wall clock (RFC 3550 §6.4.1). */
  timestampAt(nowMs: number): number {
    const units = Math.round(((nowMs - this.#referenceMs) * this.clockRateHz) / 1000);
    return (this.#referenceTimestamp + units) >>> 0;
  }

  /** How much later than the reference line a packet came; negative when it came earlier. */
  #slipMs(outTimestamp: number, nowMs: number): number {
    const units = timestampDelta(outTimestamp, this.#referenceTimestamp);
    return nowMs - this.#referenceMs - (units * 1000) / this.clockRateHz;
  }

  #changeClock(rateHz: number, nowMs: number): void {
    this.#referenceTimestamp = this.timestamp;
    this.#referenceMs = nowMs;
    this.clockRateHz = rateHz;
  }

  /** Exactly where the filling ends, unless that is long ago: the next packet of the source shows no seam. */
  #afterFill(byTime: number): number {
    this.#isFilled = false;
    const packet = timestampDelta(this.#filledTo, this.#referenceTimestamp);
    return timestampDelta(byTime, this.#filledTo) <= 2 * packet ? this.#filledTo : byTime;
  }

  #begin(ssrc: number, sequence: number, timestamp: number, rateHz: number, nowMs: number): void {
    this.clockRateHz = rateHz;
    let outTimestamp = this.#referenceTimestamp;
    if (this.started) {
      const units = timestampDelta(this.timestampAt(nowMs), this.#referenceTimestamp);
      // Two packets never share a moment, however close they came.
      outTimestamp = (this.#referenceTimestamp + Math.max(1, units)) | 0;
      if (this.#isFilled) {
        outTimestamp = this.#afterFill(outTimestamp);
      }
    }
    const outSequence = (this.#highest + 1) & 0xffff;
    this.started = true;
    this.#newRun = false;
    this.#sourceSsrc = ssrc;
    this.#sequenceOffset = (outSequence - sequence) & 0xffff;
    this.#timestampOffset = (outTimestamp - timestamp) | 0;
    this.#highest = outSequence;
    this.#referenceTimestamp = outTimestamp;
    this.#referenceMs = nowMs;
    this.sequence = outSequence;
    this.timestamp = outTimestamp;
  }
}
