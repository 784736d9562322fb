import { type RecordingId } from '#core';
import { type CallEnd, type IncomingCall } from '#sip';

import {
  decideRecording,
  type PartyDecision,
  type RecordingDecision,
  type VoicemailDetection,
} from '../../policy';
import { type EventSubject } from '../live-view';
import { type CallDeps } from '../deps';
import { ledgerRecord } from '../recording/ledger-record';

/** A user whose call would have been recorded, and is not: the provider's terms, or a mailbox. */
export interface LeftOut {
  readonly decision: RecordingDecision;
  readonly because: 'terms' | 'voicemail';
}

/**
 * Whom somebody will miss a recording of. Who is never recorded, and who would have had to ask for it, is not missed; the
 * latter is once it was asked for, see {@link leftOutOnDemand}.
 */
export function leftOutParty(party: PartyDecision): LeftOut | null {
  const leftOut = leftOutAnyway(party);
  return leftOut?.decision.mode === 'on-demand' ? null : leftOut;
}

/** Who would be recorded on demand, were the provider's terms accepted. */
export function leftOutOnDemand(party: PartyDecision): LeftOut | null {
  const leftOut = leftOutAnyway(party);
  return leftOut?.decision.mode === 'on-demand' && leftOut.because === 'terms' ? leftOut : null;
}

function leftOutAnyway({ identified, notRecorded }: PartyDecision): LeftOut | null {
  if (identified === null || (notRecorded !== 'terms' && notRecorded !== 'voicemail')) {
    return null;
  }
  const user = { ...identified.user, notRecordedBecause: null };
  const decision = decideRecording({ ...identified, user });
  return decision === null ? null : { decision, because: notRecorded };
}

export interface LeftOutFacts {
  readonly call: IncomingCall;
  readonly end: CallEnd;
  readonly answeredAtMs: number;
  readonly endedAtMs: number;
  readonly voicemail: VoicemailDetection | null;
}

/** The account of a recording that was not made. @returns its verdict */
export function recordLeftOut(
  { decision, because }: LeftOut,
  { voicemail, ...facts }: LeftOutFacts,
  deps: CallDeps,
  told: (subject: EventSubject, reason: LeftOut['because']) => void,
): string {
  const recordingId = deps.ids.uuid() as RecordingId;
  const record = ledgerRecord({
    ...facts,
    recordingId,
    decision,
    facts: null,
    failure: null,
    isAnchored: true,
    maxReportedLossRatio: deps.settings.maxReportedLossRatio,
    forbiddenBy: because === 'terms' ? 'terms' : 'policy',
    voicemail: voicemail === null ? null : { detectedBy: voicemail.by },
  });
  const { user, providerId } = decision;
  deps.metrics.recordingLeftOut(providerId, because);
  // The ledger logs and counts what it cannot take.
  deps.ledger.append(record).catch(() => undefined);
  told(
    { recordingId, providerId, userId: user.userId, organisationId: user.organisationId },
    because,
  );
  return record.verdict;
}
