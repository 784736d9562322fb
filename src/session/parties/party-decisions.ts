import { type LegRole, type Logger, otherRole, LEG_ROLES } from '#core';
import {
  type AnswerFacts,
  type CallEnd,
  type IncomingCall,
  type NameAddr,
  type PartyFacts,
} from '#sip';

import {
  type CallDecision,
  decideParty,
  detectVoicemail,
  type IdentityClaim,
  type NoticePlan,
  type PartyDecision,
  type RecordingDecision,
  type VoicemailDetection,
} from '../../policy';
import { type EventSubject } from '../live-view';
import { type CallDeps } from '../deps';
import { type RouteSettings, type TrunkSettings } from '../settings';
import { BarredUsers } from './barred-users';
import { LeftOutUsers } from './left-out-users';
import { PartiesOfCall, type PartyChange } from './parties-of-call';

/** What was decided of one recorded party. */
export interface PlannedRecording {
  readonly decision: RecordingDecision;
  readonly plan: NoticePlan;
}

/** The recordings of the call, as far as who is in it concerns them. */
export interface RecordingsOfParties {
  /** Somebody is recorded on that leg, or may be. */
  isPlanned(role: LegRole): boolean;
  hasBegun(role: LegRole): boolean;
  /** Somebody else is on that leg now. */
  partyReplaced(role: LegRole, how: PartyChange, atMs: number): void;
  /** Somebody has come into the call who is to be recorded. */
  record(planned: PlannedRecording): void;
}

/**
 * Who is in a call, and who of them is recorded: decided when the call arrives, and again whenever somebody else answers it, is
 * transferred to, or picks it up.
 */
export class PartyDecisions {
  readonly parties: PartiesOfCall;
  readonly barred: BarredUsers;
  readonly #call: IncomingCall;
  readonly #trunk: TrunkSettings;
  readonly #route: RouteSettings;
  readonly #deps: CallDeps;
  readonly #logger: Logger;
  readonly #recordings: RecordingsOfParties;
  readonly #atArrival: CallDecision;
  readonly #leftOut: LeftOutUsers;
  #voicemail: VoicemailDetection | null;
  #isAnswered = false;

  /** @param decided of the call as it has arrived. */
  constructor(
    call: IncomingCall,
    trunk: TrunkSettings,
    route: RouteSettings,
    decided: CallDecision,
    deps: CallDeps,
    logger: Logger,
    recordings: RecordingsOfParties,
  ) {
    this.#call = call;
    this.#trunk = trunk;
    this.#route = route;
    this.#deps = deps;
    this.#logger = logger;
    this.#recordings = recordings;
    this.#atArrival = decided;
    this.#voicemail = decided.voicemail;
    this.#leftOut = new LeftOutUsers(decided.parties);
    this.parties = new PartiesOfCall(call, trunk, route, deps.ids);
    this.barred = new BarredUsers(deps, logger);
    for (const role of LEG_ROLES) {
      this.#note(decided.parties[role]);
    }
  }

  /** Why the one who has answered, or will, is taken for a mailbox; null: it is none. */
  get voicemail(): VoicemailDetection | null {
    return this.#voicemail;
  }

  /** Who is to be recorded of those for whom the call was when it arrived. */
  get plannedAtArrival(): readonly PlannedRecording[] {
    return LEG_ROLES.map(role => plannedRecording(this.#atArrival.parties[role])).filter(
      planned => planned !== null,
    );
  }

  /** Who has answered may be a mailbox, or another than the one who was called: redirected, or picked up elsewhere. */
  answered(facts: AnswerFacts, atMs: number): void {
    this.#isAnswered = true;
    if (this.#voicemail === null) {
      this.#voicemail = this.#detectVoicemail(facts);
      this.#leaveOutOfVoicemail();
    }
    this.#followAnswer(facts, atMs);
  }

  /** A leg's peer is somebody else now: its own switch has transferred it, or another phone has picked up. */
  identityChanged(role: LegRole, identities: readonly NameAddr[]): void {
    const [identity] = identities;
    if (this.#isTrusted(role) && identity !== undefined) {
      const claims = identities.map(({ uri }) => ({ uri, source: 'P-Asserted-Identity' as const }));
      this.#replace(role, identity, claims, 'replaced');
    }
  }

  /** The gateway has transferred a party. Whom the referrer named counts like a Request-URI. */
  transferred(role: LegRole, party: PartyFacts): void {
    const asserted = this.#isTrusted(role) ? party.assertedIdentities : [];
    const claims: readonly IdentityClaim[] = [
      ...asserted.map(({ uri }) => ({ uri, source: 'P-Asserted-Identity' as const })),
      { uri: party.uri, source: 'Request-URI' },
    ];
    const [identity = party] = asserted;
    // Who was consulted before is told like somebody who picks up.
    const how = party.isAttended ? 'replaced' : 'transferred';
    this.#replace(role, identity, claims, how);
  }

  /** @returns a verdict for each user who would have been recorded in this answered call, and was not. */
  concludeLeftOut(
    facts: { readonly end: CallEnd; readonly answeredAtMs: number; readonly endedAtMs: number },
    told: (subject: EventSubject, reason: 'terms' | 'voicemail') => void,
  ): readonly string[] {
    return this.#leftOut.conclude(
      { ...facts, call: this.#call, voicemail: this.#voicemail },
      this.#deps,
      told,
    );
  }

  #isTrusted(role: LegRole): boolean {
    return role === 'caller' ? this.#trunk.trusted : this.#route.trusted;
  }

  #followAnswer({ target, assertedIdentities }: AnswerFacts, atMs: number): void {
    const asserted = this.#route.trusted ? assertedIdentities : [];
    const isRedirected = !this.#route.targets.some(
      ({ requestUri }) => requestUri === target.requestUri,
    );
    const claims: readonly IdentityClaim[] = [
      ...asserted.map(({ uri }) => ({
        uri,
        source: 'P-Asserted-Identity of the 200' as const,
      })),
      ...(isRedirected ? [{ uri: target.requestUri, source: 'Request-URI' as const }] : []),
    ];
    // A mailbox answers in the place of its user, whose call it stays.
    if (claims.length === 0 || this.#voicemail !== null) {
      return;
    }
    const decided = this.#decide('callee', claims);
    const planned = this.#atArrival.parties.callee.identified;
    const isOther =
      decided.identified === null
        ? isRedirected && planned !== null
        : decided.identified.user.userId !== planned?.user.userId;
    if (!isOther) {
      return;
    }
    const [identity = { uri: target.requestUri, displayName: null }] = asserted;
    this.parties.replace('callee', identity.uri, identity.displayName, atMs);
    this.#hasLeft('callee', 'replaced', atMs);
    this.#hasCome(decided);
  }

  #replace(
    role: LegRole,
    { uri, displayName }: NameAddr | PartyFacts,
    claims: readonly IdentityClaim[],
    how: PartyChange,
  ): void {
    const atMs = this.#deps.clock.wallNowMs();
    if (!this.parties.replace(role, uri, displayName, atMs, how === 'transferred')) {
      return;
    }
    this.#logger.info('party replaced', { leg: role });
    if (this.#isAnswered) {
      this.#voicemail = null;
      this.#hasLeft(role, how, atMs);
      this.#hasCome(this.#decide(role, claims));
      this.#takenOutOfVoicemail(otherRole(role));
    }
  }

  #hasLeft(role: LegRole, how: PartyChange, atMs: number): void {
    this.#leftOut.forget(role);
    this.barred.release(role);
    this.#recordings.partyReplaced(role, how, atMs);
  }

  #hasCome(decided: PartyDecision): void {
    this.#note(decided);
    const planned = plannedRecording(decided);
    if (planned !== null) {
      this.#recordings.record(planned);
    }
  }

  #note(decided: PartyDecision): void {
    this.#leftOut.note(decided);
    this.#leftOut.bar(this.barred, decided);
  }

  /** It was a mailbox that answered: whose recording was planned and leaves mailboxes out is missed. */
  #leaveOutOfVoicemail(): void {
    if (this.#voicemail === null) {
      return;
    }
    for (const role of LEG_ROLES) {
      const planned = this.#leftOut.decided(role);
      if (planned.recording?.user.recordVoicemail === false && !this.#recordings.hasBegun(role)) {
        this.#leftOut.note({ ...planned, notRecorded: 'voicemail' });
      }
    }
  }

  /** The one who had the mailbox on the line is recorded from now on like in any other call. */
  #takenOutOfVoicemail(role: LegRole): void {
    const { notRecorded, claims } = this.#leftOut.decided(role);
    if (notRecorded === 'voicemail') {
      this.#leftOut.forget(role);
      const decided = this.#decide(role, claims);
      if (this.#recordings.isPlanned(role)) {
        this.#leftOut.forget(role, decided);
      } else {
        this.#hasCome(decided);
      }
    }
  }

  #decide(role: LegRole, claims: readonly IdentityClaim[]): PartyDecision {
    const { findUser } = this.#deps.settings;
    const scope = (role === 'callee' ? this.#route.scope : undefined) ?? this.#trunk.scope ?? null;
    return decideParty(role, claims, findUser, this.parties.kinds, this.#voicemail, scope);
  }

  #detectVoicemail({ assertedIdentities, contact }: AnswerFacts): VoicemailDetection | null {
    const { requestUri, diversions, historyInfo } = this.#call.invite;
    return detectVoicemail(
      {
        callerTrusted: this.#trunk.trusted,
        requestUri,
        diversions,
        historyInfo,
        answer: this.#route.trusted
          ? {
              assertedIdentities: assertedIdentities.map(({ uri }) => uri),
              contact: contact?.uri ?? null,
            }
          : null,
      },
      this.#deps.settings.callPolicy.voicemail,
    );
  }
}

function plannedRecording({ recording, notices }: PartyDecision): PlannedRecording | null {
  return recording === null || notices === null ? null : { decision: recording, plan: notices };
}
