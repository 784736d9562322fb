import { isContinuation, sequenceDelta } from './sequence';

/** What a receiver knows about the sources that sent to it (RFC 3550 §A.1, A.3, A.8). No clock of its own. */
export class ReceptionStats {
  /** The source of the figures, as the caller names it; 0 before the first packet. */
  ssrc = 0;
  started = false;
  #highest = 0;
  #cycles = 0;
  #base = 0;
  #received = 0;
  #expectedPrior = 0;
  #receivedPrior = 0;
  #lostBefore = 0;
  #transit = 0;
  /** In sixteenths of timestamp units: whole numbers, as in RFC 3550 §A.8. */
  #jitter16 = 0;

  /**
   * Counts one packet.
   *
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
    const transit = ((nowMs * clockRateHz) / 1000 - timestamp) | 0;
    const delta = sequenceDelta(sequence, this.#highest);
    if (!this.started || ssrc !== this.ssrc || !isContinuation(delta)) {
      this.#restart(ssrc, sequence, transit);
      return true;
    }
    this.#received++;
    const difference = Math.abs((transit - this.#transit) | 0);
    this.#transit = transit;
    // RFC 3550 §A.8. A jump of the timestamps by more than ten seconds is a new timeline, not jitter.
    if (difference < clockRateHz * 10) {
      this.#jitter16 += difference - ((this.#jitter16 + 8) >> 4);
    }
    if (delta > 0) {
      if (sequence < this.#highest) {
        this.#cycles += 0x10000;
      }
      this.#highest = sequence;
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
    return this.#jitter16 >> 4;
  }

  /** Loss since the last call, as the fixed point fraction of a report block: 0–255 (RFC 3550 §A.3). */
  takeFractionLost(): number {
    const expected = this.#expected - this.#expectedPrior;
    const lost = expected - (this.#received - this.#receivedPrior);
    this.#expectedPrior = this.#expected;
    this.#receivedPrior = this.#received;
    return expected <= 0 || lost <= 0 ? 0 : Math.min(255, Math.floor((lost * 256) / expected));
  }

  get #expected(): number {
    return this.started ? this.#cycles + this.#highest - this.#base + 1 : 0;
  }

  #restart(ssrc: number, sequence: number, transit: number): void {
    this.#lostBefore = this.packetsLost;
    this.started = true;
    this.ssrc = ssrc;
    this.#highest = sequence;
    this.#base = sequence;
    this.#cycles = 0;
    this.#received = 1;
    this.#expectedPrior = 0;
    this.#receivedPrior = 0;
    this.#transit = transit;
    this.#jitter16 = 0;
  }
}
