import { isContinuation, sequenceDelta } from './sequence';
import { ownRow, type StateRow } from './state-row';

/** Words that {@link ReceptionStats} keeps in its row. */
export const RECEPTION_WORDS = 5;
const SSRC = 0;
const HIGHEST = 1;
const RECEIVED = 2;
const TRANSIT = 3;
/** In sixteenths of timestamp units: whole numbers, as in RFC 3550 §A.8. */
const JITTER16 = 4;

/**
 * Whether a packet is the very next one of the source that is counted, within its cycle of sequence numbers.
 * Only once {@link ReceptionStats.started}.
 *
 * @param at first word of the stats in `words`.
 */
export function isNextOfSource(
  words: Int32Array,
  at: number,
  ssrc: number,
  sequence: number,
): boolean {
  return words[at + SSRC] === ssrc && (words[at + HIGHEST] ?? 0) + 1 === sequence;
}

/** Counts the packet that {@link isNextOfSource} said yes to. */
export function countNext(
  words: Int32Array,
  at: number,
  sequence: number,
  timestamp: number,
  clockRateHz: number,
  nowMs: number,
): void {
  words[at + HIGHEST] = sequence;
  countArrival(words, at, transitOf(timestamp, clockRateHz, nowMs), clockRateHz);
}

/** Arrival minus timestamp, in timestamp units; only its changes mean something. */
function transitOf(timestamp: number, clockRateHz: number, nowMs: number): number {
  return ((nowMs * clockRateHz) / 1000 - timestamp) | 0;
}

/** RFC 3550 §A.8. A jump of the timestamps by more than ten seconds is a new timeline, not jitter. */
function countArrival(words: Int32Array, at: number, transit: number, clockRateHz: number): void {
  words[at + RECEIVED] = (words[at + RECEIVED] ?? 0) + 1;
  const difference = Math.abs((transit - (words[at + TRANSIT] ?? 0)) | 0);
  words[at + TRANSIT] = transit;
  if (difference < clockRateHz * 10) {
    const jitter16 = words[at + JITTER16] ?? 0;
    words[at + JITTER16] = jitter16 + difference - ((jitter16 + 8) >> 4);
  }
}

/** What a receiver knows about the sources that sent to it (RFC 3550 §A.1, A.3, A.8). No clock of its own. */
export class ReceptionStats {
  started = false;
  readonly #words: Int32Array;
  readonly #at: number;
  #cycles = 0;
  #base = 0;
  #expectedPrior = 0;
  #receivedPrior = 0;
  #lostBefore = 0;

  /** @param row of {@link RECEPTION_WORDS} words, cleared here. */
  constructor({ words, at }: StateRow = ownRow()) {
    this.#words = words;
    this.#at = at;
    words.fill(0, at, at + RECEPTION_WORDS);
  }

  /** The source of the figures, as the caller names it; 0 before the first packet. */
  get ssrc(): number {
    return this.#words[this.#at + SSRC] ?? 0;
  }

  /**
   * Counts one packet.
   *
   * @param ssrc as a signed 32-bit integer.
   * @param clockRateHz of its payload format.
   * @param nowMs arrival, any monotonic origin.
   * @returns whether {@link packetsLost} may have changed.
   */
  update(
    ssrc: number,
    sequence: number,
    timestamp: number,
    clockRateHz: number,
    nowMs: number,
  ): boolean {
    const transit = transitOf(timestamp, clockRateHz, nowMs);
    const highest = this.#highest;
    const delta = sequenceDelta(sequence, highest);
    if (!this.started || (ssrc | 0) !== this.ssrc || !isContinuation(delta)) {
      this.#restart(ssrc, sequence, transit);
      return true;
    }
    countArrival(this.#words, this.#at, transit, clockRateHz);
    if (delta > 0) {
      if (sequence < highest) {
        this.#cycles += 0x10000;
      }
      this.#words[this.#at + HIGHEST] = sequence;
    }
    return delta !== 1;
  }

  /** Lost since the first packet, over all sources; negative when packets were doubled (RFC 3550 §A.3). */
  get packetsLost(): number {
    return this.#lostBefore + this.#expected - this.#received;
  }

  /** RFC 3550 §6.4.1: cycles in the upper, highest sequence number in the lower 16 bits. */
  get extendedHighest(): number {
    return (this.#cycles + this.#highest) >>> 0;
  }

  /** Timestamp units. */
  get jitter(): number {
    return (this.#words[this.#at + JITTER16] ?? 0) >> 4;
  }

  /** Loss since the last call, as the fixed point fraction of a report block: 0–255 (RFC 3550 §A.3). */
  takeFractionLost(): number {
    const expected = this.#expected - this.#expectedPrior;
    const lost = expected - (this.#received - this.#receivedPrior);
    this.#expectedPrior = this.#expected;
    this.#receivedPrior = this.#received;
    return expected <= 0 || lost <= 0 ? 0 : Math.min(255, Math.floor((lost * 256) / expected));
  }

  get #highest(): number {
    return this.#words[this.#at + HIGHEST] ?? 0;
  }

  get #received(): number {
    return this.#words[this.#at + RECEIVED] ?? 0;
  }

  get #expected(): number {
    return this.started ? this.#cycles + this.#highest - this.#base + 1 : 0;
  }

  #restart(ssrc: number, sequence: number, transit: number): void {
    this.#lostBefore = this.packetsLost;
    this.started = true;
    this.#base = sequence;
    this.#cycles = 0;
    this.#expectedPrior = 0;
    this.#receivedPrior = 0;
    const words = this.#words;
    words[this.#at + SSRC] = ssrc;
    words[this.#at + HIGHEST] = sequence;
    words[this.#at + RECEIVED] = 1;
    words[this.#at + TRANSIT] = transit;
    words[this.#at + JITTER16] = 0;
  }
}
