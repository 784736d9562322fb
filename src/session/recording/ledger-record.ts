import { otherRole } from '#core';
import { type CallEnd, type IncomingCall } from '#sip';

import {
  decideVerdict,
  type LedgerControl,
  type LedgerGap,
  type LedgerInterval,
  type LedgerNotice,
  type LedgerParticipants,
  type LedgerRecord,
  type LedgerStream,
  type StreamFacts,
  type VerdictFacts,
} from '../../ledger';
import { type RecordingDecision } from '../../policy';
import { type RecordingFacts } from '../recording-session/recording-session';
import { missedMs } from '../srs/outages';

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
  /** When the call ended; of a record that is made ahead, now. */
  readonly endedAtMs: number;
  /** null: the call goes on. The record then says what is known in case the gateway is cut off now. */
  readonly end: CallEnd | null;
  /** Share of a stream's packets (0–1) that an SRS may report lost before the recording is partial. */
  readonly maxReportedLossRatio: number;
  /** Policy or terms keep from recording what was asked for. Default null. */
  readonly forbiddenBy?: 'policy' | 'terms' | null;
  readonly notices?: readonly LedgerNotice[];
  readonly controls?: readonly LedgerControl[];
  readonly participants?: readonly LedgerParticipants[];
  readonly intervals?: readonly LedgerInterval[];
  readonly voicemail?: LedgerRecord['voicemail'];
  readonly kept?: boolean | null;
  readonly remarks?: readonly string[];
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
      userId: decision.user.userId,
      organisationId: decision.user.organisationId,
      locationId: decision.user.locationId,
    },
    startedAt: isoTime(startedAtMs),
    endedAt: isoTime(facts?.stoppedAtMs ?? input.endedAtMs),
    verdict: verdict.verdict,
    verdictReasons: verdict.reasons,
    verdictText: verdict.text,
    streams: streams(input),
    gaps: [...missed(input), ...gaps(input, startedAtMs), ...unknownRest(input)],
    endedBy: input.end === null ? 'gateway: cut off' : `${input.end.by}: ${input.end.cause}`,
    srsLosses: (facts?.outages ?? []).map(({ noticedAtMs, cause, restoredAtMs }) => ({
      noticedAt: isoTime(noticedAtMs),
      cause,
      restoredAt: isoOrNull(restoredAtMs),
    })),
    replayedS: Math.round(replayedMs(facts)) / 1000,
    notices: input.notices ?? [],
    controls: input.controls ?? [],
    participants: input.participants ?? [],
    intervals: input.intervals ?? [],
    voicemail: input.voicemail ?? null,
    kept: input.kept ?? null,
    remarks: [...remarks(facts), ...(input.remarks ?? [])],
  };
}

/** What no SRS was sent although the recording went on at another one. */
function missed({ facts }: LedgerRecordFacts): readonly LedgerGap[] {
  // Without any SRS, or after the last one, everything is missing anyway.
  const isGone = (facts?.establishedAtMs ?? null) === null || facts?.lostAtMs !== null;
  const withheld = (isGone ? [] : facts.withheld).map(({ fromMs, untilMs }) => ({
    startAt: isoTime(fromMs),
    endAt: isoOrNull(untilMs),
    reason: 'gap' as const,
  }));
  const lost = (facts?.outages ?? [])
    .filter(outage => missedMs(outage) > 0)
    .map(outage => ({
      startAt: isoTime(outage.deliveredUntilMs),
      endAt: isoTime(outage.deliveredUntilMs + missedMs(outage)),
      reason: outage.cause,
    }));
  return [...lost, ...withheld];
}

/** Audio of before the loss that was sent once more, ms. */
function replayedMs(facts: RecordingFacts | null): number {
  return (facts?.outages ?? []).reduce(
    (sum, { noticedAtMs, replayedFromMs }) =>
      sum + (replayedFromMs === null ? 0 : Math.max(0, noticedAtMs - replayedFromMs)),
    0,
  );
}

/** What became of the time after the last checkpoint nobody knows. */
function unknownRest({ end, endedAtMs }: LedgerRecordFacts): readonly LedgerGap[] {
  return end === null
    ? [{ startAt: isoTime(endedAtMs), endAt: null, reason: 'gateway-stopped' }]
    : [];
}

function remarks(facts: RecordingFacts | null): readonly string[] {
  const replaced = facts?.replacedCharacters ?? 0;
  const transcoded = (facts?.report.streams ?? []).filter(stream => stream.packetsTranscoded > 0);
  return [
    ...(replaced === 0
      ? []
      : [`${replaced} characters that XML cannot hold were replaced in the metadata`]),
    ...(facts?.pauses.filled === true
      ? [
          'pauses were filled with silence, so that the timeline of the recording is that of the call',
        ]
      : []),
    ...(facts?.pauses.unfillable === true
      ? [
          'a pause is a gap in the recording: no silence can be made in the codec that the recorder took',
        ]
      : []),
    ...transcoded.map(
      ({ label, packetsTranscoded }) =>
        `${packetsTranscoded} packets of label ${label} were transcoded for the recorder`,
    ),
  ];
}

function verdictFacts(input: LedgerRecordFacts): VerdictFacts {
  const { facts, failure, isAnchored } = input;
  const isMediaLost = failure === 'media-lost';
  return {
    forbiddenBy: input.forbiddenBy ?? null,
    isAnchored,
    attempts: facts?.attempts ?? [],
    srsLost: facts !== null && facts.lostAtMs !== null,
    srsLossCause: facts?.lostReason ?? null,
    mediaLost: isMediaLost,
    interrupted: input.end === null,
    internalError: isMediaLost || !isAnchored ? null : failure,
    streams: streamFacts(facts),
    maxReportedLossRatio: input.maxReportedLossRatio,
    gaps: missed(input).map(
      ({ startAt, endAt, reason }) =>
        `not delivered from ${startAt} to ${endAt ?? 'the end'}: ${reason}`,
    ),
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

/** The recorded party's stream is the first one. */
function streams({ facts, decision }: LedgerRecordFacts): readonly LedgerStream[] {
  return (facts?.report.streams ?? []).map((stream, index) => ({
    label: stream.label,
    party:
      index === 0
        ? `recorded party (${decision.role})`
        : `other party (${otherRole(decision.role)})`,
    packetsCaptured: stream.packetsCaptured,
    packetsSent: stream.packetsSent,
    bytesSent: stream.bytesSent,
    packetsOverflowed: stream.packetsOverflowed,
    packetsUnaccepted: stream.packetsUnaccepted,
    packetsPending: stream.packetsPending,
    ...(stream.packetsOfSilence === 0 ? {} : { packetsOfSilence: stream.packetsOfSilence }),
    firstPacketAt: isoOrNull(stream.firstPacketAtMs),
    lastPacketAt: isoOrNull(stream.lastPacketAtMs),
    lossBySrsReports:
      stream.lastReceiverReport === null
        ? null
        : {
            packetsLost: stream.lastReceiverReport.packetsLost,
            fractionLost: stream.lastReceiverReport.fractionLost,
          },
    codec: codecOf(facts?.answers[index] ?? null, stream.sentPayloadType),
    cryptoSuite: facts?.answers[index]?.crypto?.suite ?? null,
  }));
}

/** What was sent last; before anything was, the first format that the SRS took, which is the one that it prefers. */
function codecOf(
  answer: RecordingFacts['answers'][number],
  sentPayloadType: number | null,
): string | null {
  const format =
    answer?.formats.find(({ payloadType }) => payloadType === sentPayloadType) ??
    answer?.formats.find(({ encoding }) => !NOT_SPEECH.includes(encoding));
  return format === undefined ? null : `${format.encoding}/${format.clockRateHz}`;
}

const NOT_SPEECH: readonly string[] = ['TELEPHONE-EVENT', 'CN'];

/** What should have been recorded and certainly was not: all of it, or the rest after the SRS went away. */
function gaps(
  { facts, failure, isAnchored, forbiddenBy }: LedgerRecordFacts,
  startedAtMs: number,
): readonly LedgerGap[] {
  if (forbiddenBy === 'policy' || forbiddenBy === 'terms') {
    return [];
  }
  const endAt = isoOrNull(facts?.stoppedAtMs ?? null);
  const from = (startMs: number, reason: LedgerGap['reason']): readonly LedgerGap[] => [
    { startAt: isoTime(startMs), endAt, reason },
  ];
  if (!isAnchored) {
    return from(startedAtMs, 'media-not-anchored');
  }
  if (facts === null) {
    return from(startedAtMs, failure === 'media-lost' ? 'media-lost' : 'internal-error');
  }
  if (facts.establishedAtMs === null) {
    if (isInProgress(facts)) {
      // Nothing is lost yet: what was said is in the ring.
      return [];
    }
    const last = facts.attempts.at(-1);
    return from(
      startedAtMs,
      last === undefined ? 'srs-not-tried' : last.status === null ? 'srs-silent' : 'srs-refused',
    );
  }
  if (facts.lostAtMs === null) {
    return [];
  }
  // What came between the last sign of life and the discovery nobody is known to have.
  const lostFromMs = facts.outages.at(-1)?.deliveredUntilMs ?? facts.lostAtMs;
  return from(lostFromMs, facts.lostReason ?? 'srs-lost');
}

function isInProgress({ state }: RecordingFacts): boolean {
  return state === 'idle' || state === 'inviting';
}

export function isoTime(atMs: number): string {
  return new Date(atMs).toISOString();
}

function isoOrNull(atMs: number | null): string | null {
  return atMs === null ? null : isoTime(atMs);
}
