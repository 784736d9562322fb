import { type RecordingReport } from '#media';

import { type SrsLossCause } from '../../ledger';
import { type FailoverSettings } from '../settings';
import { deliveredUntilMs, type Outage } from './outages';
import { remembered } from './remember';
import { pauseBeforeRound } from './retry-pause';

/** An SRS that keeps a recording shorter than this is not asked again at once, ms. */
const STABLE_AFTER_MS = 5_000;

/** An SRS that had a recording, and is found gone. Wall clock. */
export interface SrsLoss {
  readonly cause: SrsLossCause;
  readonly noticedAtMs: number;
  /** When it accepted. */
  readonly sinceMs: number;
  readonly report: RecordingReport;
}

/** Keeps account of the SRSs that one recording has lost: what each may have missed, and how soon another is asked. */
export class OutageLog {
  readonly #failover: FailoverSettings;
  #outages: readonly Outage[] = [];
  #replayFromMs: number | null = null;
  /** Losses in a row soon after an answer. */
  #quickLosses = 0;

  constructor(failover: FailoverSettings) {
    this.#failover = failover;
  }

  /** In order, the first and the newest; the recording went on after all but, perhaps, the last. */
  get outages(): readonly Outage[] {
    return this.#outages;
  }

  /** The outage that has not ended; null: an SRS has the recording, or none has had it yet. */
  get present(): Outage | null {
    const last = this.#outages.at(-1);
    return last?.restoredAtMs === null ? last : null;
  }

  /** From where the next SRS is sent audio again, wall clock; null: nothing was delivered yet. */
  get replayFromMs(): number | null {
    return this.#replayFromMs;
  }

  /**
   * @returns from where the next SRS is sent audio, wall clock; and how long to wait before others are asked, ms: whoever takes
   * and drops it again and again shall not keep us busy.
   */
  lost({ cause, noticedAtMs, sinceMs, report }: SrsLoss): {
    readonly replayFromMs: number;
    readonly pauseMs: number;
  } {
    const failover = this.#failover;
    const deliveredMs = deliveredUntilMs({ cause, noticedAtMs, sinceMs, report, failover });
    // A second SRS lost before it had caught up has not got what the first one missed.
    const replayFromMs = deliveredMs - failover.overlapMs;
    this.#replayFromMs = replayFromMs;
    this.#outages = remembered(this.#outages, {
      noticedAtMs,
      cause,
      deliveredUntilMs: deliveredMs,
      restoredAtMs: null,
      replayedFromMs: null,
    });
    const isQuick = noticedAtMs - sinceMs < STABLE_AFTER_MS;
    this.#quickLosses = isQuick ? this.#quickLosses + 1 : 0;
    return { replayFromMs, pauseMs: pauseBeforeRound(this.#quickLosses - 1) };
  }

  /**
   * An SRS has taken the recording. @returns the outage that ends with it; null: there was none.
   * @param replayedFromMs the oldest packet that waited for it; null: none did.
   */
  restored(atMs: number, replayedFromMs: number | null): Outage | null {
    const { present } = this;
    if (present === null) {
      return null;
    }
    const ended = { ...present, restoredAtMs: atMs, replayedFromMs };
    this.#outages = this.#outages.with(-1, ended);
    return ended;
  }
}
