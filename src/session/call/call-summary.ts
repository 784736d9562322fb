import { type LegRole, type LogFields } from '#core';
import { type LegCounters } from '#media';
import { type CallEnd } from '#sip';

export interface CallSummaryFacts {
  readonly end: CallEnd;
  readonly arrivedAtMs: number;
  readonly answeredAtMs: number | null;
  readonly endedAtMs: number;
  readonly isAnchored: boolean;
  readonly trunkId: string;
  readonly routeId: string;
  /** null: the call never had media. */
  readonly counters: Readonly<Record<LegRole, LegCounters>> | null;
  /** Verdicts of the recordings. */
  readonly recordings: readonly string[];
}

/** The fields of the one summary line that every call leaves in the log. */
export function callSummary(facts: CallSummaryFacts): LogFields {
  const { end, counters } = facts;
  return {
    result: end.answered ? 'answered' : end.cause,
    status: end.status,
    endedBy: end.by,
    cause: end.cause,
    reason: end.reason,
    trunk: facts.trunkId,
    route: facts.routeId,
    anchored: facts.isAnchored,
    ringMs: (facts.answeredAtMs ?? facts.endedAtMs) - facts.arrivedAtMs,
    talkMs: facts.answeredAtMs === null ? 0 : facts.endedAtMs - facts.answeredAtMs,
    callerPackets: counters?.caller.packetsReceived ?? 0,
    calleePackets: counters?.callee.packetsReceived ?? 0,
    callerLost: counters?.caller.packetsLost ?? 0,
    calleeLost: counters?.callee.packetsLost ?? 0,
    recordings: facts.recordings,
  };
}
