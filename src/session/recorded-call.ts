import {
  type Clock,
  errorMessage,
  type IdSource,
  type LegRole,
  type LocalEndpoint,
  type Logger,
  otherRole,
  type PayloadFormat,
  type RecordingId,
  type RemoteStream,
} from '#core';
import { type MediaCall, type MediaLeg, type MediaPlane } from '#media';
import {
  type AnswerFacts,
  type CallDelegate,
  type CallEnd,
  type IncomingCall,
  type InfoFacts,
  type ProgressFacts,
  type SrsClient,
} from '#sip';

import {
  decideRecording,
  identityClaims,
  identifyUser,
  type IdentifiedUser,
  initialIntent,
  type IntentEvent,
  type IntentState,
  type RecordingDecision,
  reduceIntent,
} from '../policy';
import { type Ledger } from '../ledger';
import { addressOfRecord } from './address-of-record';
import { callSummary } from './call-summary';
import { ledgerRecord } from './ledger-record';
import { type Metrics } from '../observability';
import {
  newSharedMetadataIds,
  OTHER_PARTY_LABEL,
  type PartyDescription,
  RECORDED_PARTY_LABEL,
  RecordingMetadata,
  type SharedMetadataIds,
} from './recording-metadata';
import { type RecordingFacts, RecordingSession } from './recording-session';
import { type RouteSettings, type SessionSettings, type TrunkSettings } from './settings';

/** What every call shares. */
export interface RecordedCallDeps {
  readonly media: MediaPlane;
  readonly srsClient: SrsClient;
  readonly settings: SessionSettings;
  readonly ledger: Ledger;
  readonly metrics: Metrics;
  readonly clock: Clock;
  readonly ids: IdSource;
  readonly logger: Logger;
}

/** One recorded party of the call: what should be recorded, and the session that does it. */
interface RecordingTrack {
  readonly recordingId: RecordingId;
  readonly decision: RecordingDecision;
  readonly metadata: RecordingMetadata;
  intent: IntentState;
  /** null until the media of the recording is open, and when that failed. */
  session: RecordingSession | null;
  /** Why there is no session although there should be one. */
  failure: string | null;
  /** Whether policy ever said "record": then there is a ledger record. */
  wasDesired: boolean;
}

/**
 * One call through the gateway, recorded or not. It is the delegate of the SIP call, owns its media, asks
 * policy what shall be recorded and carries the answer out. The only place that knows SIP, media and metadata
 * at once.
 */
export class RecordedCall implements CallDelegate {
  readonly #call: IncomingCall;
  readonly #deps: RecordedCallDeps;
  readonly #logger: Logger;
  readonly #trunk: TrunkSettings;
  readonly #route: RouteSettings;
  readonly #shared: SharedMetadataIds;
  readonly #legs = new Map<LegRole, MediaLeg>();
  readonly #remotes = new Map<LegRole, RemoteStream>();
  readonly #timedOut = new Set<LegRole>();
  readonly #tracks: RecordingTrack[] = [];
  readonly #arrivedAtMs: number;
  readonly #arrivedMonotonicMs: number;
  #media: MediaCall | null = null;
  #answeredAtMs: number | null = null;
  #endedAtMs: number | null = null;
  #isAnchored = true;
  readonly #finished: Promise<void>;
  #finish: () => void = () => undefined;

  constructor(
    call: IncomingCall,
    trunk: TrunkSettings,
    route: RouteSettings,
    deps: RecordedCallDeps,
  ) {
    this.#call = call;
    this.#deps = deps;
    this.#trunk = trunk;
    this.#route = route;
    this.#logger = deps.logger.child({ callId: call.id });
    this.#shared = newSharedMetadataIds(deps.ids);
    this.#arrivedAtMs = deps.clock.wallNowMs();
    this.#arrivedMonotonicMs = deps.clock.monotonicMs();
    this.#finished = new Promise(resolve => {
      this.#finish = resolve;
    });
  }

  /** Resolves when the call is over and its recordings are closed and in the ledger. Never rejects. */
  get finished(): Promise<void> {
    return this.#finished;
  }

  /** Opens the media and rings the callee. Never throws. */
  async begin(): Promise<void> {
    this.#deps.metrics.callStarted();
    try {
      this.#media = this.#deps.media.openCall(
        { callId: this.#call.id },
        {
          legTimedOut: legId => this.#legTimedOut(legId as LegRole),
          intruderSeen: (legId, source) =>
            this.#logger.warn('rtp from a foreign source refused', { leg: legId, source }),
          recordingUnreachable: (recordingId, label) => this.#unreachable(recordingId, label),
          mediaLost: cause => this.#mediaLost(cause),
        },
      );
      await this.#openLegs(this.#media);
      await this.#planRecordings();
    } catch (error) {
      this.#logger.error('no media for the call', { error: errorMessage(error) });
      this.#call.reject(503, { reason: 'No Media', headers: { 'Retry-After': '5' } });
      await this.#media?.close();
      this.#deps.metrics.callEnded('failed');
      this.#finish();
      return;
    }
    this.#deps.metrics.observeCallSetup(
      (this.#deps.clock.monotonicMs() - this.#arrivedMonotonicMs) / 1000,
    );
    this.#call.connect(
      {
        targets: this.#route.targets,
        srtpOnly: this.#deps.settings.srtpOnly,
        calleeTrusted: this.#route.trusted,
        callerTrusted: this.#trunk.trusted,
      },
      this,
    );
  }

  hangUp(status: number, text: string): Promise<void> {
    return this.#call.hangUp({ status, text });
  }

  // -------------------------------------------------------------------------------------------------
  // CallDelegate

  openLeg(role: LegRole): Promise<LocalEndpoint> {
    const leg = this.#legs.get(role);
    return leg === undefined
      ? Promise.reject(new Error(`leg ${role} has no media`))
      : Promise.resolve(leg.local);
  }

  remoteStream(role: LegRole, stream: RemoteStream): void {
    this.#remotes.set(role, stream);
    this.#timedOut.delete(role);
    this.#legs.get(role)?.setRemote(stream);
    if (this.#answeredAtMs === null) {
      return;
    }
    const atMs = this.#deps.clock.wallNowMs();
    for (const track of this.#tracks) {
      track.session?.setFormats(this.#formatsOf(track));
      for (const party of ['caller', 'callee'] as const) {
        track.metadata.setActivity(party, this.#activityOf(party), atMs);
      }
      track.session?.metadataChanged();
    }
  }

  notAnchored(reason: string): void {
    this.#isAnchored = false;
    this.#logger.error('call passes without media through the gateway and is not recorded', {
      reason,
      recordings: this.#tracks.length,
    });
    for (const track of this.#tracks) {
      track.failure = 'not-anchored';
    }
  }

  progressed(facts: ProgressFacts): void {
    this.#logger.debug('call progress', { status: facts.status, earlyMedia: facts.hasMedia });
  }

  answering(facts: AnswerFacts): void {
    const atMs = this.#deps.clock.wallNowMs();
    this.#answeredAtMs = atMs;
    this.#identifyAnswerer(facts);
    for (const track of this.#tracks) {
      track.metadata.begin(atMs);
      for (const party of ['caller', 'callee'] as const) {
        track.metadata.setActivity(party, this.#activityOf(party), atMs);
      }
      this.#apply(track, { kind: 'answered' });
    }
    this.#logger.info('call answered', {
      recordings: this.#tracks.length,
      ringMs: atMs - this.#arrivedAtMs,
    });
  }

  infoReceived(_role: LegRole, _info: InfoFacts): 'relay' | 'consumed' {
    return 'relay';
  }

  ending(): void {
    this.#stopRecordings();
  }

  ended(end: CallEnd): void {
    this.#stopRecordings();
    void this.#conclude(end);
  }

  // -------------------------------------------------------------------------------------------------

  async #openLegs(media: MediaCall): Promise<void> {
    const [caller, callee] = await Promise.all([
      media.openLeg({ legId: 'caller', network: this.#trunk.network }),
      media.openLeg({ legId: 'callee', network: this.#route.network }),
    ]);
    this.#legs.set('caller', caller).set('callee', callee);
    media.connect('caller', 'callee');
  }

  async #planRecordings(): Promise<void> {
    const { invite } = this.#call;
    const identities = {
      requestUri: invite.requestUri,
      from: invite.from.uri,
      assertedIdentities: invite.assertedIdentities.map(identity => identity.uri),
      remotePartyId: invite.remotePartyId?.uri ?? null,
    };
    const plans: Promise<void>[] = [];
    for (const role of ['caller', 'callee'] as const) {
      const claims = identityClaims(role, identities, this.#trunk.trusted);
      const identified = identifyUser(role, claims, this.#deps.settings.findUser);
      if (identified !== null) {
        plans.push(this.#plan(identified));
      }
    }
    await Promise.all(plans);
  }

  /** Opens the media of a recording ahead of the answer, its gate shut. A failure never hurts the call. */
  async #plan(identified: IdentifiedUser): Promise<void> {
    const decision = decideRecording(identified);
    if (decision === null) {
      return;
    }
    const recordingId = this.#deps.ids.uuid() as RecordingId;
    const track: RecordingTrack = {
      recordingId,
      decision,
      metadata: new RecordingMetadata({
        shared: this.#shared,
        recordedRole: decision.role,
        parties: { caller: this.#party('caller'), callee: this.#party('callee') },
        sipSessionId: this.#call.invite.sessionId,
        ids: this.#deps.ids,
      }),
      intent: initialIntent(decision.mode),
      session: null,
      failure: null,
      wasDesired: false,
    };
    this.#tracks.push(track);
    const provider = this.#deps.settings.findProvider(decision.providerId);
    if (provider === null || this.#media === null) {
      track.failure = 'no-provider';
      return;
    }
    try {
      const media = await this.#media.openRecording({
        recordingId,
        network: provider.network,
        streams: [
          { label: RECORDED_PARTY_LABEL, sourceLegId: decision.role, formats: [] },
          { label: OTHER_PARTY_LABEL, sourceLegId: otherRole(decision.role), formats: [] },
        ],
        gateOpen: false,
      });
      track.session = new RecordingSession({
        decision,
        provider,
        srcUri: this.#deps.settings.srcUri,
        drainMs: this.#deps.settings.drainMs,
        media,
        metadata: track.metadata,
        srsClient: this.#deps.srsClient,
        metrics: this.#deps.metrics,
        clock: this.#deps.clock,
        logger: this.#logger.child({ recordingId, provider: provider.providerId }),
      });
    } catch (error) {
      track.failure = 'no-media';
      this.#deps.metrics.srsFailure(decision.providerId, 'no-media');
      this.#logger.error('no media for a recording that must be made', {
        recordingId,
        error: errorMessage(error),
      });
    }
  }

  /** The 200 of a trusted side may tell that the callee is another user than the one who was called. */
  #identifyAnswerer(facts: AnswerFacts): void {
    const isKnown = this.#tracks.some(track => track.decision.role === 'callee');
    if (isKnown || !this.#route.trusted) {
      return;
    }
    const identified = identifyUser(
      'callee',
      facts.assertedIdentities.map(identity => ({
        uri: identity.uri,
        source: 'P-Asserted-Identity of the 200' as const,
      })),
      this.#deps.settings.findUser,
    );
    if (identified === null) {
      return;
    }
    const before = this.#tracks.length;
    void this.#plan(identified).then(() => {
      const track = this.#tracks[before];
      if (track !== undefined && this.#answeredAtMs !== null) {
        track.metadata.begin(this.#answeredAtMs);
        this.#apply(track, { kind: 'answered' });
      }
    });
  }

  #apply(track: RecordingTrack, event: IntentEvent): void {
    const step = reduceIntent(track.intent, event, track.decision.mode);
    track.intent = step.state;
    for (const command of step.commands) {
      if (command.kind === 'desire') {
        if (command.recording === 'recording' && !track.wasDesired) {
          track.wasDesired = true;
          this.#deps.metrics.recordingStarted(track.decision.providerId);
        }
        track.session?.setDesired(command.recording, this.#formatsOf(track));
      }
    }
  }

  /** What each stream may carry: the payload formats that its party sends with. */
  #formatsOf(track: RecordingTrack): readonly (readonly PayloadFormat[])[] {
    const recorded = track.decision.role;
    return [recorded, otherRole(recorded)].map(role => this.#remotes.get(role)?.formats ?? []);
  }

  /** A party that is held still sends, or still hears, only as its SDP and the other's say. */
  #activityOf(role: LegRole): { sends: boolean; receives: boolean } {
    const own = this.#remotes.get(role);
    const other = this.#remotes.get(otherRole(role));
    return {
      sends: (own?.sends ?? true) && (other?.receives ?? true),
      receives: (own?.receives ?? true) && (other?.sends ?? true),
    };
  }

  #party(role: LegRole): PartyDescription {
    const { invite } = this.#call;
    if (role === 'callee') {
      return { aor: addressOfRecord(invite.requestUri), displayName: invite.to.displayName };
    }
    const asserted = this.#trunk.trusted ? invite.assertedIdentities[0] : undefined;
    return {
      aor: addressOfRecord(asserted?.uri ?? invite.from.uri),
      displayName: asserted?.displayName ?? invite.from.displayName,
    };
  }

  #legTimedOut(role: LegRole): void {
    this.#timedOut.add(role);
    this.#logger.warn('no rtp from a leg that should send', { leg: role });
    const expected = [...this.#remotes].filter(([, remote]) => remote.sends).map(([leg]) => leg);
    const isSilent = expected.length > 0 && expected.every(leg => this.#timedOut.has(leg));
    if (isSilent && this.#deps.settings.hangUpOnMediaTimeout) {
      void this.hangUp(408, 'Media timeout');
    }
  }

  #unreachable(recordingId: string, label: string): void {
    const track = this.#tracks.find(candidate => candidate.recordingId === recordingId);
    track?.session?.markUnreachable(label);
    this.#logger.error('recorder does not listen for rtp', { recordingId, label });
  }

  #mediaLost(cause: string): void {
    this.#logger.error('media lost', { cause });
    for (const track of this.#tracks) {
      track.failure ??= 'media-lost';
    }
    void this.hangUp(500, 'media-lost');
  }

  /** The talk is over: the gates shut now, whatever the dialogs still have to say to each other. */
  #stopRecordings(): void {
    if (this.#endedAtMs !== null) {
      return;
    }
    this.#endedAtMs = this.#deps.clock.wallNowMs();
    for (const track of this.#tracks) {
      if (this.#answeredAtMs !== null && track.session !== null) {
        track.metadata.end(this.#endedAtMs, null);
      }
      this.#apply(track, { kind: 'call-ended' });
      track.session?.stop();
    }
  }

  async #conclude(end: CallEnd): Promise<void> {
    const endedAtMs = this.#endedAtMs ?? this.#deps.clock.wallNowMs();
    const counters = {
      caller: this.#legs.get('caller')?.counters() ?? null,
      callee: this.#legs.get('callee')?.counters() ?? null,
    };
    this.#legs.forEach(leg => leg.close());
    const recordings = await Promise.all(this.#tracks.map(track => this.#account(track, end)));
    await this.#media?.close();
    this.#deps.metrics.callEnded(
      end.answered ? 'answered' : end.cause === 'cancel' ? 'cancelled' : 'rejected',
    );
    this.#logger.info(
      'call ended',
      callSummary({
        end,
        arrivedAtMs: this.#arrivedAtMs,
        answeredAtMs: this.#answeredAtMs,
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

  /** Waits for a recording to be closed and writes its ledger record. @returns its verdict, or null. */
  async #account(track: RecordingTrack, end: CallEnd): Promise<string | null> {
    const facts: RecordingFacts | null = (await track.session?.finished) ?? null;
    if (this.#answeredAtMs === null || !track.wasDesired) {
      return null;
    }
    const record = ledgerRecord({
      call: this.#call,
      recordingId: track.recordingId,
      decision: track.decision,
      facts,
      failure: track.failure,
      isAnchored: this.#isAnchored,
      answeredAtMs: this.#answeredAtMs,
      endedAtMs: this.#endedAtMs ?? this.#deps.clock.wallNowMs(),
      end,
    });
    this.#deps.metrics.recordingEnded(track.decision.providerId, record.verdict);
    await this.#deps.ledger.append(record).catch((error: unknown) => {
      this.#logger.error('ledger record not written', { error: errorMessage(error) });
    });
    return record.verdict;
  }
}
