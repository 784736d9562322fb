import { type LegRole, type NetworkKind } from '#core';

import { type ClaimedIdentities, type IdentityClaim, identityClaims } from './identity';
import { mayAnnounceFailure } from './failure-rules';
import { needsMixing, type NoticePlan, planNotices } from './notice-plan';
import {
  decideRecording,
  type FindUser,
  type IdentifiedUser,
  identifyUser,
  type IdentityScope,
  type NotRecordedReason,
  notRecordedBecause,
  type RecordingDecision,
} from './recording-decision';
import { type CallPolicy } from './user-policy';
import { detectVoicemail, type RedirectEntry, type VoicemailDetection } from './voicemail';

/** What is known of a call when it arrives. */
export interface CallFacts {
  readonly identities: ClaimedIdentities;
  /** Diversion (RFC 5806), most recent first. */
  readonly diversions: readonly RedirectEntry[];
  /** History-Info (RFC 7044), in order. */
  readonly historyInfo: readonly RedirectEntry[];
  readonly trunk: {
    readonly kind: NetworkKind;
    readonly trusted: boolean;
    readonly scope?: IdentityScope;
  };
  /** Without a scope of its own, extensions are those of the trunk's. */
  readonly route: { readonly kind: NetworkKind; readonly scope?: IdentityScope };
}

/** What policy knows. */
export interface PolicyLookups {
  readonly findUser: FindUser;
  readonly callPolicy: CallPolicy;
}

/** What is decided about one party. */
export interface PartyDecision {
  readonly role: LegRole;
  /** Who the party may be, in order of trust; empty for a caller who is not believed. */
  readonly claims: readonly IdentityClaim[];
  /** null: nobody whom policy knows. */
  readonly identified: IdentifiedUser | null;
  /** null: not recorded, see `notRecorded`. */
  readonly recording: RecordingDecision | null;
  /** null: recorded, or no user. */
  readonly notRecorded: NotRecordedReason | null;
  /** What the parties hear of this recording; null without one. */
  readonly notices: NoticePlan | null;
}

/** Why the media of a call passes through us, or not. */
export type AnchoringReason =
  | 'configured-always'
  /** A party is recorded, or may be on demand. */
  | 'recordable'
  | 'nobody-recordable';

/** Everything that policy decides when a call arrives, and why. Plain data. */
export interface CallDecision {
  readonly kinds: Readonly<Record<LegRole, NetworkKind>>;
  readonly voicemail: VoicemailDetection | null;
  readonly parties: Readonly<Record<LegRole, PartyDecision>>;
  readonly anchor: boolean;
  readonly anchorBecause: AnchoringReason;
  /** Notices are due and codecs that cannot be mixed must be taken out of offers. */
  readonly stripCodecs: boolean;
}

/**
 * Who is recorded in a new call, how, and what the parties hear. Pure: calls and `config explain` ask the same.
 * Both parties may be recorded, independently of each other.
 */
export function decideCall(facts: CallFacts, lookups: PolicyLookups): CallDecision {
  const kinds = { caller: facts.trunk.kind, callee: facts.route.kind };
  const { callPolicy } = lookups;
  const voicemail = detectVoicemail(
    {
      callerTrusted: facts.trunk.trusted,
      requestUri: facts.identities.requestUri,
      diversions: facts.diversions,
      historyInfo: facts.historyInfo,
      answer: null,
    },
    callPolicy.voicemail,
  );
  const decide = (role: LegRole): PartyDecision => {
    const claims = identityClaims(role, facts.identities, facts.trunk.trusted);
    const redirected = role === 'callee' && voicemail !== null ? redirectingUsers(facts) : [];
    const scope = (role === 'callee' ? facts.route.scope : undefined) ?? facts.trunk.scope ?? null;
    return decideParty(role, [...claims, ...redirected], lookups.findUser, kinds, voicemail, scope);
  };
  const parties = { caller: decide('caller'), callee: decide('callee') };
  const recordings = [parties.caller, parties.callee].filter(party => party.recording !== null);
  const anchorBecause =
    callPolicy.anchor === 'always'
      ? 'configured-always'
      : recordings.length > 0
        ? 'recordable'
        : 'nobody-recordable';
  return {
    kinds,
    voicemail,
    parties,
    anchor: anchorBecause !== 'nobody-recordable',
    anchorBecause,
    stripCodecs:
      callPolicy.notices.codecs === 'strip' &&
      recordings.some(
        ({ notices, recording }) =>
          (notices !== null && needsMixing(notices)) ||
          (recording !== null && mayAnnounceFailure(recording.user, recording.mode)),
      ),
  };
}

/** One party, when the call arrives or when somebody else takes its place. Pure. */
export function decideParty(
  role: LegRole,
  claims: readonly IdentityClaim[],
  findUser: FindUser,
  kinds: Readonly<Record<LegRole, NetworkKind>>,
  voicemail: VoicemailDetection | null,
  scope: IdentityScope | null = null,
): PartyDecision {
  const identified = identifyUser(role, claims, findUser, scope);
  const isVoicemail = voicemail !== null;
  const recording = identified === null ? null : decideRecording(identified, isVoicemail);
  return {
    role,
    claims,
    identified,
    recording,
    notRecorded: identified === null ? null : notRecordedBecause(identified.user, isVoicemail),
    notices: recording === null ? null : planNotices(recording.user, role, kinds),
  };
}

/** Whose mailbox it is: who redirected the call, most recent first. Only where the caller's peer is believed. */
function redirectingUsers({ trunk, diversions, historyInfo }: CallFacts): IdentityClaim[] {
  return !trunk.trusted
    ? []
    : [
        ...diversions.map(({ uri }) => ({ uri, source: 'Diversion' as const })),
        ...[...historyInfo].reverse().map(({ uri }) => ({ uri, source: 'History-Info' as const })),
      ];
}
