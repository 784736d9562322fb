/**
 * From RTP timestamps to wall-clock time, so that two streams of one call land time-aligned in one file.
 *
 * Until the first sender report a stream is placed by the arrival of its first packet. A sender report
 * (RFC 3550 §6.4.1) ties an RTP timestamp to the sender's clock, which all streams of a session share.
 */

/**
 * Clocks this near to ours are taken as synchronised: the sender's time is used as it is, which is more exact
 * than an offset measured by the arrival of one report, after whatever delays in network and process.
 */
const SYNCHRONISED_WITHIN_MS = 5000;
/** An anchor is moved only by more than this, so that clock jitter does not tear the audio. */
const CORRECTION_THRESHOLD_MS = 10;
/** A report that would move a stream by more than this is not believed. */
const MAX_CORRECTION_MS = 120_000;

/** The sender's NTP clock in terms of ours; one per recording session (RFC 3550 §5.1, same CNAME). */
export class SenderClock {
  #offsetMs: number | null = null;

  /** Wall-clock time, ms, of an instant on the sender's clock. The first report decides about the offset. */
  wallMs(ntpMs: number, arrivalWallMs: number): number {
    if (this.#offsetMs === null) {
      const offsetMs = arrivalWallMs - ntpMs;
      this.#offsetMs = Math.abs(offsetMs) <= SYNCHRONISED_WITHIN_MS ? 0 : offsetMs;
    }
    return ntpMs + this.#offsetMs;
  }
}

export interface StreamTimelineOptions {
  readonly clockRateHz: number;
  readonly senderClock: SenderClock;
  /** A packet this much earlier than its timestamp says re-anchors the stream. Default 120 000 (catch-up). */
  readonly maxEarlyMs?: number;
  /** Likewise for one that is later. Default 120 000. */
  readonly maxLateMs?: number;
}

interface Anchor {
  readonly timestamp: number;
  readonly wallMs: number;
}

/** The timeline of one SSRC. Timestamps are extended (see `TimestampUnwrapper`). */
export class StreamTimeline {
  readonly #unitsPerMs: number;
  readonly #senderClock: SenderClock;
  readonly #maxEarlyMs: number;
  readonly #maxLateMs: number;
  #anchor: Anchor | null = null;
  #reports = 0;
  #discontinuities = 0;
  #implausibleReports = 0;

  constructor(options: StreamTimelineOptions) {
    this.#unitsPerMs = options.clockRateHz / 1000;
    this.#senderClock = options.senderClock;
    this.#maxEarlyMs = options.maxEarlyMs ?? 120_000;
    this.#maxLateMs = options.maxLateMs ?? 120_000;
  }

  /** Whether a sender report has tied the stream to the sender's clock. */
  get isSynchronised(): boolean {
    return this.#reports > 0;
  }

  /** Timestamps that could not be true and re-anchored the stream. */
  get discontinuities(): number {
    return this.#discontinuities;
  }

  /** Sender reports that were not believed. */
  get implausibleReports(): number {
    return this.#implausibleReports;
  }

  /**
   * Places a packet.
   * @returns wall-clock time of the first sample of the packet, ms since the epoch.
   */
  place(timestamp: number, arrivalWallMs: number): number {
    if (this.#anchor !== null) {
      const wallMs = this.#wallMs(this.#anchor, timestamp);
      const earlyMs = wallMs - arrivalWallMs;
      if (earlyMs <= this.#maxEarlyMs && -earlyMs <= this.#maxLateMs) {
        return wallMs;
      }
      this.#discontinuities += 1;
    }
    this.#anchor = { timestamp, wallMs: arrivalWallMs };
    return arrivalWallMs;
  }

  /**
   * Takes a sender report.
   * @returns by how many ms the stream moves from now on (0: not at all). What was placed by arrival before the
   * first report should be moved as well: `isFirst`.
   */
  senderReport(report: { timestamp: number; ntpMs: number; arrivalWallMs: number }): {
    correctionMs: number;
    isFirst: boolean;
  } {
    const wallMs = this.#senderClock.wallMs(report.ntpMs, report.arrivalWallMs);
    const isFirst = this.#reports === 0;
    const expected = this.#anchor === null ? wallMs : this.#wallMs(this.#anchor, report.timestamp);
    const correctionMs = wallMs - expected;
    if (Math.abs(correctionMs) > MAX_CORRECTION_MS) {
      this.#implausibleReports += 1;
      return { correctionMs: 0, isFirst: false };
    }
    this.#reports += 1;
    if (this.#anchor !== null && Math.abs(correctionMs) < CORRECTION_THRESHOLD_MS && !isFirst) {
      return { correctionMs: 0, isFirst };
    }
    this.#anchor = { timestamp: report.timestamp, wallMs };
    return { correctionMs, isFirst };
  }

  #wallMs(anchor: Anchor, timestamp: number): number {
    return anchor.wallMs + (timestamp - anchor.timestamp) / this.#unitsPerMs;
  }
}

/** Extends 32-bit RTP timestamps to a number that does not wrap. */
export class TimestampUnwrapper {
  #last: number | null = null;

  /** Takes the shorter way round from the last timestamp. */
  unwrap(timestamp: number): number {
    this.#last = this.#last === null ? timestamp : this.#last + ((timestamp - this.#last) | 0);
    return this.#last;
  }

  /** As unwrap(), without moving on: for timestamps of sender reports. */
  peek(timestamp: number): number {
    return this.#last === null ? timestamp : this.#last + ((timestamp - this.#last) | 0);
  }
}
