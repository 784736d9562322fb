import {
  errorMessage,
  type LegRole,
  type LocalEndpoint,
  type Logger,
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

import { type CallDecision, combinedOutcome } from '../../policy';
import { type CallDeps } from '../deps';
import { type EventHub } from '../event-hub';
import {
  type CallView,
  type ControlAnswer,
  type ControlRequest,
  type EventSubject,
  type RecordingEventView,
} from '../live-view';
import {
  areDistinct,
  type ParticipantsOutcome,
  tellParticipants,
} from '../parties/call-participants';
import { PartyDecisions, type PlannedRecording } from '../parties/party-decisions';
import { type PartyDescription } from '../parties/party-description';
import { type RouteSettings, type TrunkSettings } from '../settings';
import { CallMedia } from './call-media';
import { decisionFor, planFor } from './call-plan';
import { callSummary } from './call-summary';
import { callView } from './call-view';

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
  readonly #decision: CallDecision;
  readonly #who: PartyDecisions;
  readonly #arrivedAtMs: number;
  readonly #arrivedMonotonicMs: number;
  #opening: Promise<CallMedia> | null = null;
  #media: CallMedia | null = null;
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
    this.#decision = decisionFor(call.invite, trunk, route, deps.settings);
    this.#who = new PartyDecisions(call, trunk, route, this.#decision, deps, this.#logger, {
      isPlanned: role => (this.#media?.recordings.of(role) ?? null) !== null,
      hasBegun: role => this.#media?.recordings.of(role)?.hasBegun ?? false,
      partyReplaced: (role, how, atMs) => this.#media?.recordings.partyReplaced(role, how, atMs),
      record: planned => this.#beginLate(planned),
    });
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
    const outcomes = this.#media?.recordings.control(request) ?? this.#who.barred.control(request);
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
    tellParticipants(named, recorded, this.#who.parties, this.#deps.clock.wallNowMs());
    this.#logger.info('participants told', { participants: named.length });
    return 'done';
  }

  watchLevels(on: boolean): void {
    this.#media?.watchLevels(on);
  }

  view(): CallView {
    return callView({
      callId: this.#call.id,
      invite: this.#call.invite,
      parties: this.#who.parties,
      findUser: this.#deps.settings.findUser,
      arrivedAtMs: this.#arrivedAtMs,
      answeredAtMs: this.#answeredAtMs,
      endedAtMs: this.#endedAtMs,
      trunkId: this.#trunk.trunkId,
      routeId: this.#route.routeId,
      isAnchored: this.#isAnchored,
      levelDbfs: role => this.#media?.level(role) ?? null,
      recordings: this.#media?.recordings.views() ?? [],
    });
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
    this.#who.answered(facts, atMs);
    this.#beginRecordings(atMs);
    this.#emit('call.answered', {}, { voicemail: this.#who.voicemail?.by ?? null });
    this.#logger.info('call answered', {
      recordings: this.#media?.recordings.count ?? 0,
      ringMs: atMs - this.#arrivedAtMs,
    });
  }

  infoReceived(role: LegRole, info: InfoFacts): InfoVerdict {
    return (
      this.#media?.controls.infoReceived(role, info) ?? this.#who.barred.infoReceived(role, info)
    );
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
    if (this.#endedAtMs === null) {
      this.#who.identityChanged(role, identities);
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

  /** The gateway has transferred a party. */
  partyReplaced(role: LegRole, party: PartyFacts): void {
    if (this.#endedAtMs === null) {
      this.#who.transferred(role, party);
    }
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
        parties: this.#who.parties,
        barred: this.#who.barred,
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
    const { plannedAtArrival, voicemail } = this.#who;
    await Promise.all(plannedAtArrival.map(planned => recordings.plan(planned, voicemail)));
  }

  #beginRecordings(atMs: number): void {
    this.#who.parties.sessionStartedAtMs ??= atMs;
    this.#media?.recordings.answered(atMs, this.#who.voicemail);
    if (this.#answeredAtMs !== null) {
      this.#media?.controls.answered();
    }
  }

  /** Somebody has come into the call who has to be recorded; its media is taken through us where it is not. */
  #beginLate(planned: PlannedRecording): void {
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
    return this.#who.concludeLeftOut({ end, answeredAtMs, endedAtMs }, (subject, reason) =>
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
