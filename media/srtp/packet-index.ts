/** Packets that may come late and are still told from replays; 64 at least (RFC 3711 §3.3.2). Divides 65536. */
export const REPLAY_WINDOW = 128;
const HALF = 0x8000;

/**
 * The packet index of one source: rollover counter and sequence number, estimated as RFC 3711 §3.3.1 and appendix A
 * say, and the sliding window of those that were seen (§3.3.2). SRTCP's explicit index is kept by the same window,
 * its upper half as the rollover counter.
 */
export class PacketIndex {
  /** What {@link estimate} found. */
  roc = 0;
  #highestRoc = 0;
  #highestSequence = 0;
  #started = false;
  /** One bit per index modulo the window. */
  readonly #seen = new Uint32Array(REPLAY_WINDOW / 32);

  reset(): void {
    this.roc = 0;
    this.#highestRoc = 0;
    this.#highestSequence = 0;
    this.#started = false;
    this.#seen.fill(0);
  }

  /**
   * Leaves the rollover counter that a sequence number most likely belongs to in {@link roc}. The first packet of a
   * source has zero (RFC 4568 §6.4).
   *
   * @returns false for a packet from before the first one, which has no index.
   */
  estimate(sequence: number): boolean {
    let roc = this.#highestRoc;
    if (this.#started) {
      if (this.#highestSequence < HALF) {
        roc -= sequence - this.#highestSequence > HALF ? 1 : 0;
      } else {
        roc += this.#highestSequence - HALF > sequence ? 1 : 0;
      }
    }
    this.roc = roc;
    return roc >= 0;
  }

  /** Whether an index can be taken: neither seen before nor older than the window. */
  isNew(roc: number, sequence: number): boolean {
    if (!this.#started) {
      return true;
    }
    const ahead = (roc - this.#highestRoc) * 0x1_0000 + sequence - this.#highestSequence;
    if (ahead > 0) {
      return true;
    }
    const bit = sequence % REPLAY_WINDOW;
    return ahead > -REPLAY_WINDOW && (((this.#seen[bit >> 5] ?? 0) >>> (bit & 31)) & 1) === 0;
  }

  /** The packet was authentic. {@link isNew} has been asked before. */
  accept(roc: number, sequence: number): void {
    const ahead = this.#started
      ? (roc - this.#highestRoc) * 0x1_0000 + sequence - this.#highestSequence
      : REPLAY_WINDOW;
    if (ahead >= REPLAY_WINDOW) {
      this.#seen.fill(0);
    } else {
      for (let i = 1; i < ahead; i++) {
        this.#mark(sequence - i + 0x1_0000, false);
      }
    }
    if (ahead > 0) {
      this.#highestRoc = roc;
      this.#highestSequence = sequence;
      this.#started = true;
    }
    this.#mark(sequence, true);
  }

  /** Takes an accepted index back: the packet was not sent and will be made again. */
  retract(sequence: number): void {
    this.#mark(sequence, false);
  }

  #mark(sequence: number, isSeen: boolean): void {
    const bit = sequence % REPLAY_WINDOW;
    const mask = 1 << (bit & 31);
    const word = this.#seen[bit >> 5] ?? 0;
    this.#seen[bit >> 5] = isSeen ? word | mask : word & ~mask;
  }
}

/** The sources of a stream that are known; more than these are forgotten, oldest first. */
const MAX_SOURCES = 8;

/** One {@link PacketIndex} per SSRC. Only authentic packets make a source known. */
export class SourceTable {
  readonly #indexes = new Map<number, PacketIndex>();
  #lastSsrc = 0;
  #last: PacketIndex | null = null;
  #candidate = new PacketIndex();

  /** The index of a source, or a fresh one that {@link adopt} keeps. */
  find(ssrc: number): PacketIndex {
    if (this.#last !== null && ssrc === this.#lastSsrc) {
      return this.#last;
    }
    const known = this.#indexes.get(ssrc);
    if (known === undefined) {
      this.#candidate.reset();
      return this.#candidate;
    }
    this.#last = known;
    this.#lastSsrc = ssrc;
    return known;
  }

  /** What {@link find} gave belongs to this source from now on. */
  adopt(ssrc: number, index: PacketIndex): void {
    if (index !== this.#candidate) {
      return;
    }
    const [oldest] = this.#indexes.keys();
    if (this.#indexes.size >= MAX_SOURCES && oldest !== undefined) {
      this.#indexes.delete(oldest);
    }
    this.#indexes.set(ssrc, index);
    this.#last = index;
    this.#lastSsrc = ssrc;
    this.#candidate = new PacketIndex();
  }
}
