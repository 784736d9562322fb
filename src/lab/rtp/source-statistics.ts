import { type ReportBlock } from './rtcp';

/** Packets this far behind the newest are still told apart from duplicates. */
const DUPLICATE_WINDOW = 1024;
/** RFC 3550 A.1: a jump of more than this is a restart, not a loss. */
const MAX_DROPOUT = 3000;

/** What is counted about one received SSRC; loss as in RFC 3550 A.3. */
export interface SourceCounts {
  readonly ssrc: number;
  readonly packets: number;
  readonly bytes: number;
  /** Expected by sequence number and not received (duplicates do not fill holes). */
  readonly lost: number;
  readonly duplicates: number;
  /** Came after a packet with a higher sequence number. */
  readonly reordered: number;
  /** Sequence jumps of more than 3000: the source started anew. */
  readonly restarts: number;
  readonly jitterMs: number;
  readonly firstPacketWallMs: number;
  readonly lastPacketWallMs: number;
}

export type SequenceVerdict = 'next' | 'gap' | 'reordered' | 'duplicate' | 'restart';

/** Sequence numbers and arrival times of one SSRC (RFC 3550 A.1, A.3, A.8). */
export class SourceStatistics {
  readonly ssrc: number;
  readonly #unitsPerMs: number;
  readonly #seen = new Int32Array(DUPLICATE_WINDOW).fill(-1);
  readonly #firstWallMs: number;
  #lastWallMs: number;
  #base = 0;
  #highest = -1;
  #packets = 0;
  #bytes = 0;
  #expectedBefore = 0;
  #duplicates = 0;
  #reordered = 0;
  #restarts = 0;
  #jitterUnits = 0;
  #lastTransit: number | null = null;
  #reportedExpected = 0;
  #reportedReceived = 0;

  constructor(ssrc: number, clockRateHz: number, wallMs: number) {
    this.ssrc = ssrc;
    this.#unitsPerMs = clockRateHz / 1000;
    this.#firstWallMs = wallMs;
    this.#lastWallMs = wallMs;
  }

  /** Packets received so far, duplicates included. */
  get packets(): number {
    return this.#packets;
  }

  /** Packets that were not duplicates. */
  get #unique(): number {
    return this.#packets - this.#duplicates;
  }

  get #expected(): number {
    return this.#highest < 0 ? 0 : this.#expectedBefore + this.#highest - this.#base + 1;
  }

  /** @param bytes length of the whole packet. */
  receive(sequence: number, timestamp: number, bytes: number, wallMs: number): SequenceVerdict {
    this.#packets += 1;
    this.#bytes += bytes;
    this.#lastWallMs = wallMs;
    const verdict = this.#follow(sequence);
    if (verdict !== 'duplicate') {
      this.#measureJitter(timestamp, wallMs);
    }
    return verdict;
  }

  counts(): SourceCounts {
    return {
      ssrc: this.ssrc,
      packets: this.#packets,
      bytes: this.#bytes,
      lost: Math.max(0, this.#expected - this.#unique),
      duplicates: this.#duplicates,
      reordered: this.#reordered,
      restarts: this.#restarts,
      jitterMs: this.#jitterUnits / this.#unitsPerMs,
      firstPacketWallMs: this.#firstWallMs,
      lastPacketWallMs: this.#lastWallMs,
    };
  }

  /** The block for our next report; begins a new interval for the lost fraction (RFC 3550 A.3). */
  takeReportBlock(): Omit<ReportBlock, 'lastSenderReport' | 'delaySinceLastSenderReport'> {
    const expected = this.#expected;
    const received = this.#unique;
    const expectedInterval = expected - this.#reportedExpected;
    const lostInterval = expectedInterval - (received - this.#reportedReceived);
    this.#reportedExpected = expected;
    this.#reportedReceived = received;
    return {
      ssrc: this.ssrc,
      fractionLost:
        expectedInterval <= 0 || lostInterval <= 0
          ? 0
          : Math.min(255, Math.floor((lostInterval * 256) / expectedInterval)),
      packetsLost: Math.min(0x7fffff, expected - received),
      highestSequence: Math.max(0, this.#highest - 65536),
      jitter: Math.floor(this.#jitterUnits),
    };
  }

  #follow(sequence: number): SequenceVerdict {
    if (this.#highest < 0) {
      this.#begin(sequence);
      return 'next';
    }
    const delta = ((sequence - this.#highest) << 16) >> 16;
    if (Math.abs(delta) > MAX_DROPOUT) {
      this.#expectedBefore = this.#expected;
      this.#restarts += 1;
      this.#begin(sequence);
      return 'restart';
    }
    const extended = this.#highest + delta;
    const slot = mod(extended, DUPLICATE_WINDOW);
    if (this.#seen[slot] === extended) {
      this.#duplicates += 1;
      return 'duplicate';
    }
    // A packet from before the first one, or behind the window, is late: it belongs to no count of ours.
    if (delta > -DUPLICATE_WINDOW) {
      this.#seen[slot] = extended;
    }
    if (delta < 0) {
      this.#reordered += 1;
      this.#base = Math.min(this.#base, extended);
      return 'reordered';
    }
    this.#highest = extended;
    return delta === 1 ? 'next' : 'gap';
  }

  #begin(sequence: number): void {
    // One cycle ahead, so that packets from just before the first one stay above zero.
    const extended = sequence + 65536;
    this.#seen.fill(-1);
    this.#base = extended;
    this.#highest = extended;
    this.#seen[mod(extended, DUPLICATE_WINDOW)] = extended;
  }

  #measureJitter(timestamp: number, wallMs: number): void {
    const transit = wallMs * this.#unitsPerMs - timestamp;
    if (this.#lastTransit !== null) {
      const difference = Math.abs(transit - this.#lastTransit);
      // A timestamp jump (hold, catch-up) is not jitter.
      if (difference < this.#unitsPerMs * 2000) {
        this.#jitterUnits += (difference - this.#jitterUnits) / 16;
      }
    }
    this.#lastTransit = transit;
  }
}

function mod(value: number, modulus: number): number {
  return ((value % modulus) + modulus) % modulus;
}
