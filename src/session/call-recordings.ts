import {
  errorMessage,
  type LegRole,
  type Logger,
  otherRole,
  type RecordingId,
  withDeadline,
} from '#core';
import { type MediaCall } from '#media';
import { type CallEnd, type IncomingCall } from '#sip';

import {
  allowedActions,
  type Control,
  type ControlOrigin,
  type ControlOutcome,
  decideRecording,
  type IdentifiedUser,
  initialIntent,
  type IntentEvent,
  type IntentState,
  type RecordingDecision,
  reduceIntent,
} from '../policy';
import { type LedgerEntry, type LedgerRecord, SECURITY } from '../ledger';
import { type CallLegs } from './call-legs';
import { ledgerRecord, type LedgerRecordFacts } from './ledger-record';
import { type CallDeps } from './deps';
import { type ControlRequest, type RecordingView } from './live-view';
import {
  OTHER_PARTY_LABEL,
  type PartyDescription,
  RECORDED_PARTY_LABEL,
  RecordingMetadata,
  type SharedMetadataIds,
} from './recording-metadata';
import {
  DEFAULT_PROVIDER_SRTP,
  recordingProtection,
  type RecordingProtection,
} from './recording-protection';
import { RecordingSession } from './recording-session';
import { type ProviderSettings } from './settings';

/** One recorded party of the call: what should be recorded, and the session that does it. */
interface RecordingTrack {
  readonly recordingId: RecordingId;
  readonly decision: RecordingDecision;
  readonly metadata: RecordingMetadata;
  intent: IntentState;
  /** null until the media of the recording is open, and when that failed. */
  session: RecordingSession | null;
  /** Why there is no session although there should be one, or what else went wrong inside the gateway. */
  failure: string | null;
  /** Whether policy ever said "record": then there is a ledger record. */
  wasDesired: boolean;
  /** The ledger's entry, from the moment that policy said "record". */
  entry: LedgerEntry | null;
}

export interface CallRecordingsOptions {
  readonly call: IncomingCall;
  readonly media: MediaCall;
  readonly legs: CallLegs;
  /** Who the parties are now; changes as parties are replaced. */
  readonly parties: Readonly<Record<LegRole, PartyDescription>>;
  readonly shared: SharedMetadataIds;
  readonly deps: CallDeps;
  readonly logger: Logger;
}

/** How long the end of a call waits for its ledger records to be on the disk, ms. */
const LEDGER_DEADLINE_MS = 2000;
const ROLES = ['caller', 'callee'] as const;

/** All recordings of one call: feeds each one's intent machine and carries its commands out. */
export class CallRecordings {
  readonly #options: CallRecordingsOptions;
  readonly #tracks: RecordingTrack[] = [];
  #isStopped = false;

  constructor(options: CallRecordingsOptions) {
    this.#options = options;
  }

  get count(): number {
    return this.#tracks.length;
  }

  /** Whether that party is recorded, or was. */
  isPlannedFor(role: LegRole): boolean {
    return this.#tracks.some(({ decision }) => decision.role === role);
  }

  /** Opens a recording ahead of the answer, its gate shut, if policy wants one. Never rejects. */
  async plan(identified: IdentifiedUser): Promise<void> {
    await this.#open(identified);
  }

  /** The call is answered: recordings that shall begin now begin now. Synchronous. */
  answered(atMs: number): void {
    this.#tracks.forEach(track => this.#begin(track, atMs));
  }

  /** Somebody who must be recorded has come into an answered call: the recording begins now. */
  beginLate(identified: IdentifiedUser): void {
    const { shared } = this.#options;
    const { role } = identified;
    const participantId = shared.participantIds[role];
    void this.#open(identified).then(track => {
      if (track === null) {
        return;
      }
      // While the ports were being opened the call may have ended, or the party may have gone again.
      if (this.#isStopped || shared.participantIds[role] !== participantId) {
        track.intent = { ...track.intent, phase: 'ended' };
        track.session?.stop();
      } else {
        this.#begin(track, this.#options.deps.clock.wallNowMs());
      }
    });
  }

  /** Formats or directions of the legs have changed. */
  streamsChanged(atMs: number): void {
    for (const track of this.#active()) {
      if (this.#refusesInsecure(track)) {
        continue;
      }
      track.session?.setFormats(this.#formatsOf(track));
      this.#setActivity(track, atMs);
      track.session?.metadataChanged();
    }
  }

  /** The recorded party's recording ends with it; one of the other party goes on with a new participant. */
  partyReplaced(role: LegRole, atMs: number): void {
    const { shared, parties, legs } = this.#options;
    for (const track of this.#active()) {
      if (track.decision.role === role) {
        this.#stop(track, { kind: 'recorded-party-left' }, atMs);
      } else {
        track.metadata.replaceParty(
          role,
          shared.participantIds[role],
          parties[role],
          legs.activityOf(role),
          atMs,
        );
        this.#apply(track, { kind: 'other-party-replaced' });
        track.session?.metadataChanged();
      }
    }
  }

  /** Applies a control to the recordings that it is for; the answers, one per recording. */
  control(request: ControlRequest, origin: ControlOrigin): readonly ControlOutcome[] {
    const { action, recordingId, userId } = request;
    const { ids } = this.#options.deps;
    return this.#tracks
      .filter(track => recordingId === undefined || track.recordingId === recordingId)
      .filter(({ decision }) => userId === undefined || decision.user.userId === userId)
      .map(track => this.#apply(track, controlEvent({ controlId: ids.uuid(), action, origin })));
  }

  views(): readonly RecordingView[] {
    return this.#tracks.map(track => viewOf(track));
  }

  /** Something inside the gateway keeps the recordings from being made. */
  fail(reason: string): void {
    for (const track of this.#tracks) {
      track.failure ??= reason;
    }
  }

  markUnreachable(recordingId: string, label: string): void {
    this.#tracks.find(track => track.recordingId === recordingId)?.session?.markUnreachable(label);
  }

  /** The talk is over: the gates shut now. */
  stop(atMs: number): void {
    this.#isStopped = true;
    this.#tracks
      .filter(({ intent }) => intent.phase !== 'ended')
      .forEach(track => this.#stop(track, { kind: 'call-ended' }, atMs));
  }

  /** Waits until every recording is closed and in the ledger. @returns their verdicts. Never rejects. */
  async conclude(facts: {
    readonly end: CallEnd;
    readonly answeredAtMs: number | null;
    readonly endedAtMs: number;
    readonly isAnchored: boolean;
  }): Promise<readonly string[]> {
    const { answeredAtMs } = facts;
    const verdicts = await Promise.all(
      this.#tracks.map(async track => {
        const session = (await track.session?.finished) ?? null;
        return answeredAtMs === null || !track.wasDesired
          ? null
          : this.#account(track, { ...facts, answeredAtMs, facts: session });
      }),
    );
    return verdicts.filter(verdict => verdict !== null);
  }

  /** Begun and not ended: only these have anything to tell an SRS. */
  #active(): readonly RecordingTrack[] {
    return this.#tracks.filter(({ intent }) => !['waiting', 'ended'].includes(intent.phase));
  }

  async #open(identified: IdentifiedUser): Promise<RecordingTrack | null> {
    const decision = decideRecording(identified);
    if (decision === null) {
      return null;
    }
    const { deps, shared, parties, call } = this.#options;
    const track: RecordingTrack = {
      recordingId: deps.ids.uuid() as RecordingId,
      decision,
      metadata: new RecordingMetadata({
        shared,
        recordedRole: decision.role,
        parties,
        sipSessionId: call.invite.sessionId,
        ids: deps.ids,
      }),
      intent: initialIntent(decision.mode),
      session: null,
      failure: null,
      wasDesired: false,
      entry: null,
    };
    this.#tracks.push(track);
    const provider = deps.settings.findProvider(decision.providerId);
    if (provider === null) {
      track.failure = 'no-provider';
    } else {
      await this.#openSession(track, provider);
    }
    return track;
  }

  /** A failure is told and accounted for, and never hurts the call. */
  async #openSession(track: RecordingTrack, provider: ProviderSettings): Promise<void> {
    const { recordingId, decision, metadata } = track;
    const { deps, logger } = this.#options;
    try {
      const media = await this.#options.media.openRecording({
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
        srcUri: deps.settings.srcUri,
        drainMs: deps.settings.drainMs,
        srtpSuites: () => {
          const protection = this.#protectionOf(track);
          return protection.kind === 'srtp' ? protection.suites : [];
        },
        media,
        metadata,
        srsClient: deps.srsClient,
        metrics: deps.metrics,
        clock: deps.clock,
        logger: logger.child({ recordingId, provider: provider.providerId }),
      });
    } catch (error) {
      track.failure = 'no-media';
      deps.metrics.srsFailure(decision.providerId, 'no-media');
      logger.error('no media for a recording that must be made', {
        recordingId,
        error: errorMessage(error),
      });
    }
  }

  #begin(track: RecordingTrack, atMs: number): void {
    track.metadata.begin(atMs);
    this.#setActivity(track, atMs);
    this.#apply(track, { kind: 'answered' });
  }

  #stop(track: RecordingTrack, event: IntentEvent, atMs: number): void {
    if (track.wasDesired) {
      track.metadata.end(atMs, null);
    }
    this.#apply(track, event);
    track.session?.stop();
  }

  /** @returns the answer to a control; without meaning for other events. */
  #apply(track: RecordingTrack, event: IntentEvent): ControlOutcome {
    const step = reduceIntent(track.intent, event, track.decision.mode);
    let outcome: ControlOutcome = 'unchanged';
    track.intent = step.state;
    for (const command of step.commands) {
      if (command.kind === 'answer-control') {
        outcome = command.outcome;
      }
      if (command.kind !== 'desire') {
        continue;
      }
      if (command.recording === 'recording' && !track.wasDesired) {
        track.wasDesired = true;
        this.#options.deps.metrics.recordingStarted(track.decision.providerId);
        const begunAtMs = this.#options.deps.clock.wallNowMs();
        track.entry = this.#options.deps.ledger.begin(() => this.#snapshot(track, begunAtMs));
      }
      if (command.recording === 'recording' && this.#refusesInsecure(track)) {
        continue;
      }
      track.session?.setDesired(command.recording, this.#formatsOf(track));
    }
    return outcome;
  }

  #setActivity(track: RecordingTrack, atMs: number): void {
    for (const role of ROLES) {
      track.metadata.setActivity(role, this.#options.legs.activityOf(role), atMs);
    }
  }

  #protectionOf({ decision }: RecordingTrack): RecordingProtection {
    const provider = this.#options.deps.settings.findProvider(decision.providerId);
    return recordingProtection(provider?.srtp ?? DEFAULT_PROVIDER_SRTP, this.#options.legs.remotes);
  }

  /** RFC 7866 §12.2: what may not be recorded in the clear is not recorded. @returns whether that is so. */
  #refusesInsecure(track: RecordingTrack): boolean {
    if (this.#protectionOf(track).kind !== 'refused') {
      return false;
    }
    const { recordingId, decision } = track;
    const { deps, logger } = this.#options;
    if (track.failure === null) {
      track.failure = SECURITY;
      deps.metrics.srsFailure(decision.providerId, SECURITY);
      logger.error('call that must be recorded is not: its recording would be less protected', {
        recordingId,
        provider: decision.providerId,
      });
      track.session?.stop();
    }
    return true;
  }

  /** In the order of the streams: label 1 is the recorded party. */
  #formatsOf(track: RecordingTrack): ReturnType<CallLegs['formatsOf']>[] {
    const recorded = track.decision.role;
    return [recorded, otherRole(recorded)].map(role => this.#options.legs.formatsOf(role));
  }

  /** What the ledger would say if the gateway were cut off now. */
  #snapshot(track: RecordingTrack, begunAtMs: number): LedgerRecord {
    return this.#record(track, {
      facts: track.session?.facts() ?? null,
      end: null,
      answeredAtMs: begunAtMs,
      endedAtMs: this.#options.deps.clock.wallNowMs(),
      isAnchored: track.failure !== 'not-anchored',
    });
  }

  async #account(track: RecordingTrack, facts: EndFacts): Promise<string> {
    const { clock, metrics } = this.#options.deps;
    const record = this.#record(track, facts);
    metrics.recordingEnded(track.decision.providerId, record.verdict);
    // The ledger goes on trying, and tells by itself what it cannot write.
    const written = track.entry?.close(record) ?? Promise.resolve();
    const late = (): Error => new Error('the disk is slow');
    await withDeadline(clock, written, LEDGER_DEADLINE_MS, late).catch(() => undefined);
    return record.verdict;
  }

  #record(track: RecordingTrack, facts: EndFacts): LedgerRecord {
    const { call, deps } = this.#options;
    const { recordingId, decision, failure } = track;
    const { maxReportedLossRatio } = deps.settings;
    return ledgerRecord({ ...facts, call, recordingId, decision, failure, maxReportedLossRatio });
  }
}

function controlEvent(control: Control): IntentEvent {
  return { kind: 'control', control };
}

function viewOf({ decision, intent, session, recordingId }: RecordingTrack): RecordingView {
  const { user, role, mode, providerId } = decision;
  return {
    recordingId,
    userId: user.userId,
    organisationId: user.organisationId,
    providerId,
    role,
    mode,
    ...intent,
    session: session?.state ?? null,
    startedAtMs: session?.facts().startedAtMs ?? null,
    actions: intent.phase === 'ended' ? [] : allowedActions(mode),
    notices: [],
  };
}

type EndFacts = Pick<
  LedgerRecordFacts,
  'facts' | 'end' | 'answeredAtMs' | 'endedAtMs' | 'isAnchored'
>;
