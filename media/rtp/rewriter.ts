import { RTP_SEQUENCE_AT, RTP_SSRC_AT, RTP_TIMESTAMP_AT } from './header';
import { isContinuation, sequenceDelta, timestampDelta } from './sequence';
import { LINE_WORDS, ownRow, type StateRow } from './state-row';

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

/** Words that a rewriter keeps in its row; of the line of cache that they lie in, two are left to its owner. */
export const REWRITER_WORDS = LINE_WORDS - 2;
const SOURCE_SSRC = 0;
const SEQUENCE_OFFSET = 1;
const TIMESTAMP_OFFSET = 2;
/** The highest sequence number that was given out. */
const HIGHEST = 3;
/** A pair of timestamp and arrival on the line of the least delayed packets. */
const REFERENCE_TIMESTAMP = 4;
const CLOCK_RATE = 5;
/** 1 while the next packet begins a new run. */
const NEW_RUN = 6;
const OWN_SSRC = 7;
/** A double. */
const REFERENCE_MS = 8;
/** Of the packet mapped last. */
const SEQUENCE = 10;
const TIMESTAMP = 11;
/** Packets of our own came last; the source's next packet goes on where they end. */
const IS_FILLED = 12;
const FILLED_TO = 13;

/**
 * Whether a packet gets the number after the highest one, within the run that goes on.
 *
 * @param at first word of a rewriter's row.
 * @param ssrc signed, as all 32-bit values here.
 * @param clockRateHz of its payload format, not 0.
 */
export function goesOn(
  words: Int32Array,
  at: number,
  ssrc: number,
  sequence: number,
  clockRateHz: number,
): boolean {
  return (
    words[at + SOURCE_SSRC] === ssrc &&
    words[at + NEW_RUN] === 0 &&
    words[at + CLOCK_RATE] === clockRateHz &&
    ((sequence + (words[at + SEQUENCE_OFFSET] ?? 0)) & 0xffff) ===
      (((words[at + HIGHEST] ?? 0) + 1) & 0xffff)
  );
}

/** How much later than the reference line a packet of the source comes, ms; negative when it comes earlier. */
export function slipOf(
  words: Int32Array,
  doubles: Float64Array,
  at: number,
  timestamp: number,
  nowMs: number,
): number {
  const mapped = (timestamp + (words[at + TIMESTAMP_OFFSET] ?? 0)) | 0;
  const units = (mapped - (words[at + REFERENCE_TIMESTAMP] ?? 0)) | 0;
  const sinceMs = nowMs - (doubles[(at + REFERENCE_MS) >> 1] ?? 0);
  return sinceMs - (units * 1000) / (words[at + CLOCK_RATE] ?? 1);
}

/** Maps the packet that {@link goesOn} said yes to, whatever its slip. */
export function mapNext(
  words: Int32Array,
  doubles: Float64Array,
  at: number,
  timestamp: number,
  nowMs: number,
): void {
  const slipMs = slipOf(words, doubles, at, timestamp, nowMs);
  const mapped = (timestamp + (words[at + TIMESTAMP_OFFSET] ?? 0)) | 0;
  const sequence = ((words[at + HIGHEST] ?? 0) + 1) & 0xffff;
  words[at + HIGHEST] = sequence;
  words[at + SEQUENCE] = sequence;
  words[at + REFERENCE_TIMESTAMP] = mapped;
  words[at + TIMESTAMP] = mapped;
  doubles[(at + REFERENCE_MS) >> 1] = nowMs - creptMs(slipMs);
}

/** What of a packet's lateness does not move the reference. */
function creptMs(slipMs: number): number {
  return slipMs > REFERENCE_CREEP_MS ? slipMs - REFERENCE_CREEP_MS : 0;
}

/** Writes the numbers of the packet mapped last into its header. */
export function stampNumbers(
  words: Int32Array,
  at: number,
  view: DataView,
  packetAt: number,
): void {
  view.setUint16(packetAt + RTP_SEQUENCE_AT, words[at + SEQUENCE] ?? 0);
  view.setInt32(packetAt + RTP_TIMESTAMP_AT, words[at + TIMESTAMP] ?? 0);
  view.setInt32(packetAt + RTP_SSRC_AT, words[at + OWN_SSRC] ?? 0);
}

/**
 * Maps the packets of changing sources onto one continuous outgoing stream with our own SSRC, sequence and
 * timestamps (RFC 3550 §5.1).
 *
 * Within one run of a source the mapping is a constant offset: what the source lost stays missing and what was
 * reordered keeps its number. When the source changes, the sequence goes on with the next number and the
 * timestamp by the time that has passed. Results are left in {@link sequence} and {@link timestamp}, so that a
 * packet allocates nothing. What every packet needs is in a row of shared memory (see state-row), where
 * {@link goesOn} and {@link mapNext} do the usual case without the object.
 */
export class StreamRewriter {
  readonly ssrc: number;
  /** Whether anything was mapped yet. */
  started = false;

  readonly #words: Int32Array;
  readonly #doubles: Float64Array;
  readonly #at: number;
  readonly #maxSlipMs: number;
  readonly #splitsAtClockChange: boolean;

  /** @param row of {@link REWRITER_WORDS} words, set here. */
  constructor(options: RewriterOptions, { words, doubles, at }: StateRow = ownRow()) {
    this.ssrc = options.ssrc >>> 0;
    this.#words = words;
    this.#doubles = doubles;
    this.#at = at;
    this.#maxSlipMs = options.maxSlipMs;
    this.#splitsAtClockChange = options.splitsAtClockChange;
    words.fill(0, at, at + REWRITER_WORDS);
    words[at + OWN_SSRC] = options.ssrc | 0;
    words[at + SEQUENCE] = options.firstSequence & 0xffff;
    words[at + HIGHEST] = (options.firstSequence - 1) & 0xffff;
    words[at + TIMESTAMP] = options.firstTimestamp | 0;
    words[at + REFERENCE_TIMESTAMP] = options.firstTimestamp | 0;
    words[at + CLOCK_RATE] = 8000;
    words[at + NEW_RUN] = 1;
  }

  /** Of the packet mapped last. */
  get sequence(): number {
    return this.#get(SEQUENCE);
  }

  /** Of the packet mapped last, as a signed 32-bit integer. */
  get timestamp(): number {
    return this.#get(TIMESTAMP);
  }

  get clockRateHz(): number {
    return this.#get(CLOCK_RATE);
  }

  /** The next packet begins a new run (pause, hold, another leg): no gap in numbers, true time. */
  startNewRun(): void {
    this.#set(NEW_RUN, 1);
  }

  /**
   * Maps one packet.
   *
   * @param ssrc of the source, as a signed 32-bit integer.
   * @param timestamp likewise.
   * @param clockRateHz of its payload format; 0 when unknown (the rate of the stream is kept).
   * @param nowMs arrival, monotonic.
   */
  map(ssrc: number, sequence: number, timestamp: number, clockRateHz: number, nowMs: number): void {
    const rateHz = clockRateHz === 0 ? this.clockRateHz : clockRateHz;
    if (this.#get(NEW_RUN) === 1 || (ssrc | 0) !== this.#get(SOURCE_SSRC)) {
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
    const outSequence = (sequence + this.#get(SEQUENCE_OFFSET)) & 0xffff;
    const delta = sequenceDelta(outSequence, this.#get(HIGHEST));
    const outTimestamp = (timestamp + this.#get(TIMESTAMP_OFFSET)) | 0;
    if (!isContinuation(delta)) {
      this.#begin(ssrc, sequence, timestamp, rateHz, nowMs);
      return;
    }
    if (delta > 0) {
      const slipMs = slipOf(this.#words, this.#doubles, this.#at, timestamp, nowMs);
      // A long telephone event repeats its timestamp while time goes by (RFC 4733 §2.5.1.2): no slip.
      const repeats = outTimestamp === this.#get(REFERENCE_TIMESTAMP);
      if (this.#maxSlipMs > 0 && !repeats && Math.abs(slipMs) > this.#maxSlipMs) {
        this.#begin(ssrc, sequence, timestamp, rateHz, nowMs);
        return;
      }
      this.#set(HIGHEST, outSequence);
      this.#refer(outTimestamp, nowMs - creptMs(slipMs));
    }
    this.#number(outSequence, outTimestamp);
  }

  /** Whether packets of our own came last. */
  get isFilled(): boolean {
    return this.#get(IS_FILLED) === 1;
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
    let timestamp = this.#get(REFERENCE_TIMESTAMP);
    if (this.started) {
      if (rateHz !== this.clockRateHz) {
        this.#changeClock(rateHz, nowMs);
      }
      timestamp = this.isFilled
        ? this.#get(FILLED_TO)
        : (this.#get(REFERENCE_TIMESTAMP) + unitsBefore) | 0;
      const ahead = timestampDelta(this.timestampAt(nowMs), timestamp);
      if (!isContiguous && ahead > 0) {
        timestamp = (timestamp + ahead) | 0;
      }
    }
    this.started = true;
    this.#set(CLOCK_RATE, rateHz);
    this.#set(NEW_RUN, 1);
    this.#set(IS_FILLED, 1);
    this.#set(FILLED_TO, timestamp + units);
    this.#refer(timestamp, nowMs);
    this.#number(this.#takeNumber(), timestamp);
  }

  /**
   * Whether a packet of the source comes so late that packets of our own stand in its place already.
   *
   * @param units how long it is.
   */
  isTooLate(ssrc: number, timestamp: number, units: number): boolean {
    if (!this.isFilled || (ssrc | 0) !== this.#get(SOURCE_SSRC)) {
      return false;
    }
    const mapped = (timestamp + this.#get(TIMESTAMP_OFFSET)) | 0;
    const ahead = timestampDelta(mapped, this.#get(FILLED_TO));
    return ahead <= -units && ahead > (-MAX_LATE_MS * this.clockRateHz) / 1000;
  }

  /** Numbers a packet that stands beside those of our own and has no length: it takes a number, and no time. */
  interject(): void {
    this.#number(this.#takeNumber(), this.#get(REFERENCE_TIMESTAMP) + 1);
  }

  /** The timestamp of something that happens now; starts a stream that has not begun. */
  momentAt(nowMs: number): number {
    if (!this.started) {
      this.started = true;
      this.#refer(this.#get(REFERENCE_TIMESTAMP), nowMs);
    }
    return this.timestampAt(nowMs) | 0;
  }

  /** Numbers a packet that is put between those of the source; the source's later ones move up. */
  insert(timestamp: number): void {
    this.#set(SEQUENCE_OFFSET, (this.#get(SEQUENCE_OFFSET) + 1) & 0xffff);
    this.#number(this.#takeNumber(), timestamp);
  }

  /** A packet of the source is left out: its later ones take its number. */
  leaveOut(ssrc: number): void {
    if (this.#get(NEW_RUN) === 0 && (ssrc | 0) === this.#get(SOURCE_SSRC)) {
      this.#set(SEQUENCE_OFFSET, (this.#get(SEQUENCE_OFFSET) - 1) & 0xffff);
    }
  }

  /** Writes the numbers of the packet mapped last into its header. */
  stamp(view: DataView, at: number): void {
    stampNumbers(this.#words, this.#at, view, at);
  }

  /** The stream's timestamp at a moment: what an SR pairs with the wall clock (RFC 3550 §6.4.1). */
  timestampAt(nowMs: number): number {
    const sinceMs = nowMs - (this.#doubles[(this.#at + REFERENCE_MS) >> 1] ?? 0);
    const units = Math.round((sinceMs * this.clockRateHz) / 1000);
    return (this.#get(REFERENCE_TIMESTAMP) + units) >>> 0;
  }

  #changeClock(rateHz: number, nowMs: number): void {
    this.#refer(this.timestamp, nowMs);
    this.#set(CLOCK_RATE, rateHz);
  }

  /** Exactly where the filling ends, unless that is long ago: the next packet of the source shows no seam. */
  #afterFill(byTime: number): number {
    this.#set(IS_FILLED, 0);
    const filledTo = this.#get(FILLED_TO);
    const packet = timestampDelta(filledTo, this.#get(REFERENCE_TIMESTAMP));
    return timestampDelta(byTime, filledTo) <= 2 * packet ? filledTo : byTime;
  }

  #begin(ssrc: number, sequence: number, timestamp: number, rateHz: number, nowMs: number): void {
    this.#set(CLOCK_RATE, rateHz);
    const reference = this.#get(REFERENCE_TIMESTAMP);
    let outTimestamp = reference;
    if (this.started) {
      const units = timestampDelta(this.timestampAt(nowMs), reference);
      // Two packets never share a moment, however close they came.
      outTimestamp = (reference + Math.max(1, units)) | 0;
      if (this.isFilled) {
        outTimestamp = this.#afterFill(outTimestamp);
      }
    }
    const outSequence = this.#takeNumber();
    this.started = true;
    this.#set(NEW_RUN, 0);
    this.#set(SOURCE_SSRC, ssrc);
    this.#set(SEQUENCE_OFFSET, (outSequence - sequence) & 0xffff);
    this.#set(TIMESTAMP_OFFSET, outTimestamp - timestamp);
    this.#refer(outTimestamp, nowMs);
    this.#number(outSequence, outTimestamp);
  }

  /** @returns the number after the highest one, which is the highest now. */
  #takeNumber(): number {
    const next = (this.#get(HIGHEST) + 1) & 0xffff;
    this.#set(HIGHEST, next);
    return next;
  }

  #number(sequence: number, timestamp: number): void {
    this.#set(SEQUENCE, sequence);
    this.#set(TIMESTAMP, timestamp);
  }

  #refer(timestamp: number, atMs: number): void {
    this.#set(REFERENCE_TIMESTAMP, timestamp);
    this.#doubles[(this.#at + REFERENCE_MS) >> 1] = atMs;
  }

  #get(word: number): number {
    return this.#words[this.#at + word] ?? 0;
  }

  #set(word: number, value: number): void {
    this.#words[this.#at + word] = value;
  }
}
