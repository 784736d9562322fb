import { type RecordingReport } from '#media';

import { type SrsLossCause } from '../../ledger';
import { type FailoverSettings } from '../settings';

/** A time during which no SRS had the recording, although one had had it before. Wall clock, ms. */
export interface Outage {
  /** When it was noticed. */
  readonly noticedAtMs: number;
  /** What gave the loss away. */
  readonly cause: SrsLossCause;
  /** Audio up to here is taken as delivered. */
  readonly deliveredUntilMs: number;
  /** When another SRS, or the same one again, took the recording; null: none did. */
  readonly restoredAtMs: number | null;
  /** The oldest packet that it was sent, again or for the first time; null: there was none. */
  readonly replayedFromMs: number | null;
}

/**
 * How far the audio is known to have arrived when an SRS is found gone: the oldest stream's last receiver report; without
 * reports, the last moment at which the slowest watch would still have been content. An SRS that says goodbye had
 * everything until then.
 */
export function deliveredUntilMs(facts: {
  readonly cause: SrsLossCause;
  readonly noticedAtMs: number;
  /** When this SRS accepted, ms. */
  readonly sinceMs: number;
  readonly report: RecordingReport;
  readonly failover: FailoverSettings;
}): number {
  const { cause, noticedAtMs, sinceMs, report, failover } = facts;
  const reportedAtMs = report.streams
    .map(({ lastReceiverReportAtMs }) => lastReceiverReportAtMs ?? -Infinity)
    .filter(atMs => atMs >= sinceMs);
  const silent = report.streams.length - reportedAtMs.length;
  if (silent === 0 && reportedAtMs.length > 0) {
    return Math.min(...reportedAtMs);
  }
  return cause === 'bye'
    ? noticedAtMs
    : Math.max(sinceMs, noticedAtMs - detectionWindowMs(failover));
}

/** @returns when the SRS that accepted at `sinceMs` last reported on any stream, wall clock; null: it never did. */
export function newestReportAtMs(report: RecordingReport, sinceMs: number): number | null {
  const times = report.streams.flatMap(({ lastReceiverReportAtMs: atMs }) =>
    atMs !== null && atMs >= sinceMs ? [atMs] : [],
  );
  return times.length === 0 ? null : Math.max(...times);
}

/** How long the death of an SRS may go unnoticed, ms. */
export function detectionWindowMs(failover: FailoverSettings): number {
  const { optionsIntervalMs, optionsDeadlineMs, rtcpSilenceMs } = failover;
  // Without OPTIONS at intervals a lost connection still leads to one.
  return optionsIntervalMs > 0
    ? optionsIntervalMs + optionsDeadlineMs
    : Math.max(rtcpSilenceMs, optionsDeadlineMs);
}

/** What no SRS was ever sent, of an outage, ms. */
export function missedMs(outage: Outage): number {
  const { deliveredUntilMs: untilMs, replayedFromMs, restoredAtMs } = outage;
  if (restoredAtMs === null || replayedFromMs === null) {
    // The ring keeps the newest packets: an empty one says that nothing was captured.
    return 0;
  }
  // Packets lie up to a few packet times apart.
  return replayedFromMs - untilMs > PACKET_SLACK_MS ? replayedFromMs - untilMs : 0;
}

const PACKET_SLACK_MS = 200;
