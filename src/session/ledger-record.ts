import { otherRole } from '#core';
import { type CallEnd, type IncomingCall } from '#sip';

import {
  decideVerdict,
  type LedgerGap,
  type LedgerRecord,
  type LedgerStream,
  type StreamFacts,
  type VerdictFacts,
} from '../ledger';
import { type RecordingDecision } from '../policy';
import { RECORDED_PARTY_LABEL } from './recording-metadata';
import { type RecordingFacts } from './recording-session';

export interface LedgerRecordFacts {
  readonly call: IncomingCall;
  readonly recordingId: string;
  readonly decision: RecordingDecision;
  /** null: there was never a session, see `failure`. */
  readonly facts: RecordingFacts | null;
  /** Why there is no session, or what else went wrong inside the gateway. */
  readonly failure: string | null;
  readonly isAnchored: boolean;
  readonly answeredAtMs: number;
  readonly endedAtMs: number;
  readonly end: CallEnd;
}

/** The ledger's account of one recording: what was recorded, what was not, and why. Pure. */
export function ledgerRecord(input: LedgerRecordFacts): LedgerRecord {
  const { call, decision, facts } = input;
  const verdict = decideVerdict(verdictFacts(input));
  const startedAtMs = facts?.startedAtMs ?? input.answeredAtMs;
  return {
    version: 1,
    recordingId: input.recordingId,
    callId: call.id,
    sipCallId: call.invite.sipCallId,
    provider: decision.providerId,
    srsAttempts: facts?.attempts ?? [],
    recordedParty: {
      identity: decision.identity,
      role: decision.role,
      identifiedBy: decision.identifiedBy,
    },
    policy: {
      mode: decision.mode,
      why: `user ${decision.user.userId} of organisation ${decision.user.organisationId} has mode ${decision.mode}`,
    },
    startedAt: iso(startedAtMs),
    endedAt: iso(facts?.stoppedAtMs ?? input.endedAtMs),
    verdict: verdict.verdict,
    verdictReasons: verdict.reasons,
    verdictText: verdict.text,
    streams: streams(input),
    gaps: gaps(input, startedAtMs),
    endedBy: `${input.end.by}: ${input.end.cause}`,
  };
}

function verdictFacts({ facts, failure, isAnchored }: LedgerRecordFacts): VerdictFacts {
  const isMediaLost = failure === 'media-lost';
  return {
    forbiddenBy: null,
    isAnchored,
    attempts: facts?.attempts ?? [],
    srsLost: facts !== null && facts.lostAtMs !== null,
    mediaLost: isMediaLost,
    interrupted: false,
    internalError: isMediaLost || !isAnchored ? null : failure,
    streams: streamFacts(facts),
  };
}

function streamFacts(facts: RecordingFacts | null): readonly StreamFacts[] {
  return (facts?.report.streams ?? []).map((stream, index) => ({
    ...stream,
    isAccepted: (facts?.answers[index] ?? null) !== null,
    isUnreachable: facts?.unreachableLabels.includes(stream.label) ?? false,
    packetsLostTowardSrs: Math.max(0, stream.lastReceiverReport?.packetsLost ?? 0),
  }));
}

function streams({ facts, decision }: LedgerRecordFacts): readonly LedgerStream[] {
  return (facts?.report.streams ?? []).map(stream => ({
    label: stream.label,
    party:
      stream.label === RECORDED_PARTY_LABEL
        ? `recorded party (${decision.role})`
        : `other party (${otherRole(decision.role)})`,
    packetsCaptured: stream.packetsCaptured,
    packetsSent: stream.packetsSent,
    bytesSent: stream.bytesSent,
    packetsOverflowed: stream.packetsOverflowed,
    packetsUnaccepted: stream.packetsUnaccepted,
    packetsPending: stream.packetsPending,
    firstPacketAt: isoOrNull(stream.firstPacketAtMs),
    lastPacketAt: isoOrNull(stream.lastPacketAtMs),
    lossBySrsReports:
      stream.lastReceiverReport === null
        ? null
        : {
            packetsLost: stream.lastReceiverReport.packetsLost,
            fractionLost: stream.lastReceiverReport.fractionLost,
          },
  }));
}

/** What should have been recorded and certainly was not: all of it, or the rest after the SRS went away. */
function gaps(
  { facts, failure, isAnchored }: LedgerRecordFacts,
  startedAtMs: number,
): readonly LedgerGap[] {
  const endAt = isoOrNull(facts?.stoppedAtMs ?? null);
  const from = (startMs: number, reason: LedgerGap['reason']): readonly LedgerGap[] => [
    { startAt: iso(startMs), endAt, reason },
  ];
  if (!isAnchored) {
    return from(startedAtMs, 'media-not-anchored');
  }
  if (facts === null) {
    return from(startedAtMs, failure === 'media-lost' ? 'media-lost' : 'internal-error');
  }
  if (facts.establishedAtMs === null) {
    const last = facts.attempts.at(-1);
    return from(
      startedAtMs,
      last === undefined ? 'srs-not-tried' : last.status === null ? 'srs-silent' : 'srs-refused',
    );
  }
  return facts.lostAtMs === null ? [] : from(facts.lostAtMs, 'srs-lost');
}

function iso(atMs: number): string {
  return new Date(atMs).toISOString();
}

function isoOrNull(atMs: number | null): string | null {
  return atMs === null ? null : iso(atMs);
}
