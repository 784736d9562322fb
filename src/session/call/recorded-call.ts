import {
  errorMessage,
  type LegRole,
  type LocalEndpoint,
  type Logger,
  type NetworkKind,
  otherRole,
  type RemoteStream,
} from '#core';
import {
  type AnswerFacts,
  type CallDelegate,
  type CallEnd,
  type CallTarget,
  type HangUpCause,
  type IncomingCall,
  type InfoFacts,
  type InfoVerdict,
  type NameAddr,
  type PartyFacts,
  type ProgressFacts,
  type RecordPreference,
} from '#sip';

import {
  type CallDecision,
  combinedOutcome,
  decideParty,
  detectVoicemail,
  type IdentityClaim,
  type PartyDecision,
  type VoicemailDetection,
} from '../../policy';
import { BarredUsers } from '../parties/barred-users';
import { type PlannedRecording } from '../recording/call-recordings';
import { type CallDeps } from '../deps';
import { type EventHub } from '../event-hub';
import {
  type CallView,
  type ControlAnswer,
  type ControlRequest,
  type PartyView,
  type RecordingEventView,
} from '../live-view';
import { LeftOutUsers } from '../parties/left-out-users';
import {
  type ParticipantsOutcome,
  areDistinct,
  tellParticipants,
} from '../parties/call-participants';
import { PartiesOfCall } from '../parties/parties-of-call';
import { type PartyChange } from '../recording/recording';
import { type PartyDescription } from '../recording/recording-metadata';
import { type RouteSettings, type TrunkSettings } from '../settings';
import { type EventSubject } from './call-context';
import { CallMedia } from './call-media';
import { decisionFor, planFor } from './call-plan';
import { callSummary } from './call-summary';

const ROLES = ['caller', 'callee'] as const;
/** Recorded parties of one call, those who have left included; more are not recorded, loudly. */
const MAX_RECORDED_PARTIES = 32;

/**
 * One call through the gateway, recorded or not. It is the delegate of the SIP call, asks policy who shall be recorded
 * whenever who is in the call changes, and leaves the rest to its media: legs, recordings, controls.
 */
export class RecordedCall implements CallDelegate {
  /** Resolves when the call is over and its recordings are closed and in the ledger. Never rejects. */
  readonly finished: Promise<void>;
  readonly #finish: () => void;
  readonly #call: IncomingCall;
  readonly #deps: CallDeps;
  readonly #events: EventHub;
  readonly #logger: Logger;
  readonly #trunk: TrunkSettings;
  readonly #route: RouteSettings;
  readonly #parties: PartiesOfCall;
  readonly #barred: BarredUsers;
  readonly #decision: CallDecision;
  readonly #arrivedAtMs: number;
  readonly #arrivedMonotonicMs: number;
  readonly #leftOut: LeftOutUsers;
  #opening: Promise<CallMedia> | null = null;
  #media: CallMedia | null = null;
  #voicemail: VoicemailDetection | null;
  #answeredAtMs: number | null = null;
  #endedAtMs: number | null = null;
  #isAnchored: boolean;

  constructor(
    call: IncomingCall,
    trunk: TrunkSettings,
    route: RouteSettings,
    deps: CallDeps,
    events: EventHub,
  ) {
    this.#call = call;
    this.#deps = deps;
    this.#events = events;
    this.#trunk = trunk;
    this.#route = route;
    this.#logger = deps.logger.child({ callId: call.id });
    this.#barred = new BarredUsers(deps, this.#logger);
    this.#parties = new PartiesOfCall(call, trunk, route, deps.ids);
    this.#decision = decisionFor(call.invite, trunk, route, deps.settings);
    this.#leftOut = new LeftOutUsers(this.#decision.parties);
    this.#voicemail = this.#decision.voicemail;
    this.#isAnchored = this.#decision.anchor;
    this.#arrivedAtMs = deps.clock.wallNowMs();
    this.#arrivedMonotonicMs = deps.clock.monotonicMs();
    let finish: () => void = () => undefined;
    this.finished = new Promise(resolve => {
      finish = resolve;
    });
    this.#finish = finish;
  }

  /** Opens the media and rings the callee. Never throws. */
  async begin(): Promise<void> {
    const { metrics, clock, settings } = this.#deps;
    metrics.callStarted();
    this.#emit('call.started', {}, {});
    for (const role of ROLES) {
      this.#leftOut.note(this.#decision.parties[role]);
      this.#leftOut.bar(this.#barred, this.#decision.parties[role]);
    }
    try {
      if (this.#decision.anchor) {
        await this.#planRecordings(await this.#openMedia());
      }
    } catch (error) {
      this.#logger.error('no media for the call', { error: errorMessage(error) });
      this.#call.reject(503, { reason: 'No Media', headers: { 'Retry-After': '5' } });
      metrics.callEnded('failed');
      this.#emit('call.ended', {}, { answered: false, cause: 'no-media' });
      this.#finish();
      return;
    }
    metrics.observeCallSetup((clock.monotonicMs() - this.#arrivedMonotonicMs) / 1000);
    this.#call.connect(planFor(this.#decision, this.#trunk, this.#route, settings), this);
  }

  hangUp(status: number, text: string): Promise<void> {
    return this.#call.hangUp({ status, text });
  }

  control(request: ControlRequest): ControlAnswer {
    const outcomes = this.#media?.recordings.control(request) ?? this.#barred.control(request);
    return { outcome: combinedOutcome(outcomes) };
  }

  /** Who is on the other side of a recorded party now, as the switch that holds the conference says. */
  setParticipants(named: readonly PartyDescription[], userId: string | null): ParticipantsOutcome {
    if (!areDistinct(named)) {
      return 'refused-duplicate';
    }
    if (this.#answeredAtMs === null) {
      return 'refused-not-answered';
    }
    const { recordings } = this.#media ?? {};
    if (this.#endedAtMs !== null || (recordings?.recordedParties(null) ?? []).length === 0) {
      return 'refused-not-recorded';
    }
    const recorded = recordings?.recordedParties(userId) ?? [];
    if (recorded.length === 0) {
      return 'refused-unknown';
    }
    tellParticipants(named, recorded, this.#parties, this.#deps.clock.wallNowMs());
    this.#logger.info('participants told', { participants: named.length });
    return 'done';
  }

  watchLevels(on: boolean): void {
    this.#media?.watchLevels(on);
  }

  view(): CallView {
    const party = (role: LegRole, kind: NetworkKind): PartyView => ({
      ...this.#parties.descriptions[role],
      kind,
      userId: this.#deps.settings.findUser(this.#parties.descriptions[role].aor)?.userId ?? null,
      levelDbfs: this.#media?.level(role) ?? null,
      participants:
        this.#parties.participants[role]?.map(({ aor, displayName }) => ({
          aor,
          displayName,
        })) ?? null,
    });
    return {
      callId: this.#call.id,
      sipCallId: this.#call.invite.sipCallId,
      state:
        this.#endedAtMs !== null ? 'ending' : this.#answeredAtMs === null ? 'ringing' : 'answered',
      arrivedAtMs: this.#arrivedAtMs,
      answeredAtMs: this.#answeredAtMs,
      trunkId: this.#trunk.trunkId,
      routeId: this.#route.routeId,
      isAnchored: this.#isAnchored,
      parties: {
        caller: party('caller', this.#parties.kinds.caller),
        callee: party('callee', this.#parties.kinds.callee),
      },
      recordings: this.#media?.recordings.views() ?? [],
    };
  }

  // -------------------------------------------------------------------------------------------------
  // CallDelegate

  /** Of a call that passed untouched this is asked when it must be anchored after all. */
  async openLeg(role: LegRole): Promise<LocalEndpoint> {
    return (await this.#openMedia()).legs.local(role);
  }

  remoteStream(role: LegRole, stream: RemoteStream): void {
    this.#media?.legs.setRemote(role, stream);
    if (this.#answeredAtMs !== null) {
      this.#media?.recordings.streamsChanged(this.#deps.clock.wallNowMs());
    }
  }

  notAnchored(reason: string): void {
    this.#isAnchored = false;
    this.#media?.recordings.fail('not-anchored');
    this.#logger.error('call passes without media through the gateway and is not recorded', {
      reason,
      recordings: this.#media?.recordings.count ?? 0,
    });
  }

  progressed(facts: ProgressFacts): void {
    this.#logger.debug('call progress', { status: facts.status, earlyMedia: facts.hasMedia });
    if (facts.hasMedia && this.#deps.settings.callPolicy.recordEarlyMedia) {
      this.#beginRecordings(this.#deps.clock.wallNowMs());
    }
  }

  /** RFC 3326: the caller of a call that must not be without its recording is told why nobody was rung. */
  async beforeRinging(): Promise<HangUpCause | null> {
    const { recordings } = this.#media ?? {};
    if (recordings?.hasCompulsory !== true || (await recordings.establishCompulsory())) {
      return null;
    }
    this.#logger.error('call refused: it cannot be recorded');
    return { status: 503, text: 'Call cannot be recorded' };
  }

  async preConnect(): Promise<void> {
    await this.#media?.recordings.playCompliance('caller');
  }

  answering(facts: AnswerFacts): void {
    const atMs = this.#deps.clock.wallNowMs();
    this.#answeredAtMs = atMs;
    if (this.#voicemail === null) {
      this.#voicemail = this.#detectVoicemail(facts);
      this.#leaveOutOfVoicemail();
    }
    this.#followAnswer(facts, atMs);
    this.#beginRecordings(atMs);
    this.#emit('call.answered', {}, { voicemail: this.#voicemail?.by ?? null });
    this.#logger.info('call answered', {
      recordings: this.#media?.recordings.count ?? 0,
      ringMs: atMs - this.#arrivedAtMs,
    });
  }

  infoReceived(role: LegRole, info: InfoFacts): InfoVerdict {
    return this.#media?.controls.infoReceived(role, info) ?? this.#barred.infoReceived(role, info);
  }

  recordPreference(role: LegRole, preference: RecordPreference): void {
    this.#media?.controls.recordPreference(role, preference);
  }

  codecsNotStripped(role: LegRole): void {
    this.#logger.warn('no codec of an offer can carry notices', { leg: role });
    this.#media?.recordings.remark(`no codec of the ${role}'s offer can carry notices`);
  }

  /** A leg's peer is somebody else now: its own switch has transferred it, or another phone has picked up. */
  identityChanged(role: LegRole, identities: readonly NameAddr[]): void {
    const isTrusted = role === 'caller' ? this.#trunk.trusted : this.#route.trusted;
    const [identity] = identities;
    if (isTrusted && identity !== undefined) {
      const claims = identities.map(({ uri }) => ({ uri, source: 'P-Asserted-Identity' as const }));
      this.#replaceParty(role, identity, claims, 'replaced');
    }
  }

  resolveTransfer(role: LegRole, referTo: NameAddr): readonly CallTarget[] | null {
    const invite = { ...this.#call.invite, requestUri: referTo.uri };
    const route = this.#deps.settings.findRoute(invite, this.#trunk);
    if (route === null) {
      this.#logger.warn('transfer without a route declined', { leg: role });
    }
    return route?.targets ?? null;
  }

  /** The gateway has transferred a party. Whom the referrer named counts like a Request-URI. */
  partyReplaced(role: LegRole, party: PartyFacts): void {
    const isTrusted = role === 'caller' ? this.#trunk.trusted : this.#route.trusted;
    const asserted = isTrusted ? party.assertedIdentities : [];
    const claims: readonly IdentityClaim[] = [
      ...asserted.map(({ uri }) => ({ uri, source: 'P-Asserted-Identity' as const })),
      { uri: party.uri, source: 'Request-URI' },
    ];
    const [identity = party] = asserted;
    // Who was consulted before is told like somebody who picks up.
    const how = party.isAttended ? 'replaced' : 'transferred';
    this.#replaceParty(role, identity, claims, how);
  }

  ending(): void {
    this.#stopRecordings();
  }

  ended(end: CallEnd): void {
    this.#stopRecordings();
    void this.#conclude(end);
  }

  // -------------------------------------------------------------------------------------------------

  #openMedia(): Promise<CallMedia> {
    this.#opening ??= CallMedia.open(
      this.#call,
      { caller: this.#trunk.network, callee: this.#route.network },
      this.#deps,
      this.#logger,
      {
        parties: this.#parties,
        barred: this.#barred,
        emit: (kind, subject, facts) => this.#emit(kind, subject, facts),
      },
      {
        legTimedOut: role => this.#legTimedOut(role),
        mediaLost: cause => this.#mediaLost(cause),
      },
    ).then(media => (this.#media = media));
    return this.#opening;
  }

  async #planRecordings({ recordings }: CallMedia): Promise<void> {
    const { parties } = this.#decision;
    await Promise.all(
      ROLES.map(role => plannedRecording(parties[role])).map(planned =>
        planned === null ? Promise.resolve() : recordings.plan(planned, this.#voicemail),
      ),
    );
  }

  #beginRecordings(atMs: number): void {
    this.#parties.sessionStartedAtMs ??= atMs;
    this.#media?.recordings.answered(atMs, this.#voicemail);
    if (this.#answeredAtMs !== null) {
      this.#media?.controls.answered();
    }
  }

  /** Who has answered may be another than the one who was called: the call was redirected, or picked up elsewhere. */
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
    const decided = this.#decideParty('callee', claims);
    const planned = this.#decision.parties.callee.identified;
    const isOther =
      decided.identified === null
        ? isRedirected && planned !== null
        : decided.identified.user.userId !== planned?.user.userId;
    if (!isOther) {
      return;
    }
    const [identity = { uri: target.requestUri, displayName: null }] = asserted;
    this.#parties.replace('callee', identity.uri, identity.displayName, atMs);
    this.#leftOut.forget('callee');
    this.#barred.release('callee');
    this.#media?.recordings.partyReplaced('callee', 'replaced', atMs);
    this.#beginLate(decided);
  }

  #replaceParty(
    role: LegRole,
    { uri, displayName }: NameAddr | PartyFacts,
    claims: readonly IdentityClaim[],
    how: PartyChange,
  ): void {
    const atMs = this.#deps.clock.wallNowMs();
    const isTransfer = how === 'transferred';
    if (
      this.#endedAtMs !== null ||
      !this.#parties.replace(role, uri, displayName, atMs, isTransfer)
    ) {
      return;
    }
    this.#logger.info('party replaced', { leg: role });
    if (this.#answeredAtMs !== null) {
      this.#voicemail = null;
      this.#leftOut.forget(role);
      this.#barred.release(role);
      this.#media?.recordings.partyReplaced(role, how, atMs);
      this.#beginLate(this.#decideParty(role, claims));
      this.#takenOutOfVoicemail(otherRole(role));
    }
  }

  /** It was a mailbox that answered: whose recording was planned and leaves mailboxes out is missed. */
  #leaveOutOfVoicemail(): void {
    if (this.#voicemail === null) {
      return;
    }
    for (const role of ROLES) {
      const planned = this.#leftOut.decided(role);
      const isBegun = this.#media?.recordings.of(role)?.hasBegun ?? false;
      if (planned.recording?.user.recordVoicemail === false && !isBegun) {
        this.#leftOut.note({ ...planned, notRecorded: 'voicemail' });
      }
    }
  }

  /** The one who had the mailbox on the line is recorded from now on like in any other call. */
  #takenOutOfVoicemail(role: LegRole): void {
    const { notRecorded, claims } = this.#leftOut.decided(role);
    if (notRecorded === 'voicemail') {
      this.#leftOut.forget(role);
      const decided = this.#decideParty(role, claims);
      if ((this.#media?.recordings.of(role) ?? null) === null) {
        this.#beginLate(decided);
      } else {
        this.#leftOut.forget(role, decided);
      }
    }
  }

  #decideParty(role: LegRole, claims: readonly IdentityClaim[]): PartyDecision {
    const { findUser } = this.#deps.settings;
    const scope = (role === 'callee' ? this.#route.scope : undefined) ?? this.#trunk.scope ?? null;
    return decideParty(role, claims, findUser, this.#parties.kinds, this.#voicemail, scope);
  }

  /** Somebody has come into the call who may have to be recorded; its media is taken through us where it is not. */
  #beginLate(decided: PartyDecision): void {
    this.#leftOut.note(decided);
    this.#leftOut.bar(this.#barred, decided);
    const planned = plannedRecording(decided);
    if (planned === null) {
      return;
    }
    if ((this.#media?.recordings.count ?? 0) >= MAX_RECORDED_PARTIES) {
      this.#logger.error('too many recorded parties in one call: one is not recorded');
      return;
    }
    if (this.#media !== null) {
      this.#media.recordings.beginLate(planned);
    } else {
      void this.#anchor(planned);
    }
  }

  async #anchor(planned: PlannedRecording): Promise<void> {
    try {
      // The delegate's openLeg() opens the media. The answer that is being given goes out first.
      await Promise.resolve();
      await this.#call.anchor();
      const media = await this.#openMedia();
      this.#isAnchored = true;
      media.recordings.beginLate(planned);
    } catch (error) {
      this.#logger.error('call that must be recorded cannot be taken through the gateway', {
        error: errorMessage(error),
      });
      const media = await this.#openMedia().catch(() => null);
      media?.recordings.beginLate(planned);
      media?.recordings.fail('not-anchored');
    }
  }

  #detectVoicemail({ assertedIdentities, contact }: AnswerFacts): VoicemailDetection | null {
    const { invite } = this.#call;
    return detectVoicemail(
      {
        callerTrusted: this.#trunk.trusted,
        requestUri: invite.requestUri,
        diversions: invite.diversions,
        historyInfo: invite.historyInfo,
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

  #legTimedOut(role: LegRole): void {
    this.#logger.warn('no rtp from a leg that should send', { leg: role });
    const isSilent = this.#media?.legs.noteTimeout(role) ?? false;
    if (isSilent && this.#deps.settings.hangUpOnMediaTimeout) {
      void this.hangUp(408, 'Media timeout');
    }
  }

  #mediaLost(cause: string): void {
    this.#logger.error('media lost', { cause });
    this.#media?.recordings.fail('media-lost');
    void this.hangUp(500, 'media-lost');
  }

  /** The talk is over: the gates shut now, whatever the dialogs still have to say to each other. */
  #stopRecordings(): void {
    if (this.#endedAtMs === null) {
      this.#endedAtMs = this.#deps.clock.wallNowMs();
      this.#media?.controls.stop();
      this.#media?.recordings.stop(this.#endedAtMs);
    }
  }

  async #conclude(end: CallEnd): Promise<void> {
    const endedAtMs = this.#endedAtMs ?? this.#deps.clock.wallNowMs();
    const answeredAtMs = this.#answeredAtMs;
    // The call may end while its media is being opened.
    const media = (await this.#opening?.catch(() => null)) ?? null;
    const counters = media?.legs.counters() ?? null;
    media?.legs.close();
    const recordings = [
      ...((await media?.recordings.conclude(end, endedAtMs, this.#isAnchored)) ?? []),
      ...this.#concludeLeftOut(end, endedAtMs),
    ];
    await media?.close();
    this.#deps.metrics.callEnded(
      end.answered ? 'answered' : end.cause === 'cancel' ? 'cancelled' : 'rejected',
    );
    this.#emit('call.ended', {}, { answered: end.answered, cause: end.cause, by: end.by });
    this.#logger.info(
      'call ended',
      callSummary({
        end,
        arrivedAtMs: this.#arrivedAtMs,
        answeredAtMs,
        endedAtMs,
        isAnchored: this.#isAnchored,
        trunkId: this.#trunk.trunkId,
        routeId: this.#route.routeId,
        counters,
        recordings,
      }),
    );
    this.#finish();
  }

  /** @returns a verdict for each user who would have been recorded in this answered call, and was not. */
  #concludeLeftOut(end: CallEnd, endedAtMs: number): readonly string[] {
    const answeredAtMs = this.#answeredAtMs;
    if (answeredAtMs === null) {
      return [];
    }
    const facts = { call: this.#call, end, answeredAtMs, endedAtMs, voicemail: this.#voicemail };
    return this.#leftOut.conclude(facts, this.#deps, (subject, reason) =>
      this.#emit('recording.not-recorded', subject, { reason }),
    );
  }

  #emit(
    kind: RecordingEventView['kind'],
    subject: EventSubject,
    facts: RecordingEventView['facts'],
  ): void {
    this.#events.emit({
      kind,
      atMs: this.#deps.clock.wallNowMs(),
      callId: this.#call.id,
      recordingId: null,
      userId: null,
      organisationId: null,
      providerId: null,
      ...subject,
      facts,
    });
  }
}

function plannedRecording({ recording, notices }: PartyDecision): PlannedRecording | null {
  return recording === null || notices === null ? null : { decision: recording, plan: notices };
}
