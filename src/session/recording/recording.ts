import { errorMessage, otherRole, type RecordingId, withDeadline, LEG_ROLES } from '#core';

import { type LedgerControl, type LedgerEntry, type LedgerRecord, SECURITY } from '../../ledger';
import { type DesiredRecording, type RecordingDecision } from '../../policy';
import { type CallContext } from '../call/call-context';
import { type NoticeResult } from '../notices/call-notices';
import { type PartyChange } from '../parties/parties-of-call';
import { RecordingSession } from '../recording-session/recording-session';
import { type ProviderSettings } from '../settings';
import { CapturedStreams } from './captured-streams';
import { type LedgerRecordFacts } from './ledger-record';
import { dialectOf, withHeadersOf } from './provider-dialect';
import { RecordingAccount } from './recording-account';
import { DEFAULT_LABELS, RecordingMetadata } from './recording-metadata';
import { type RecordingTrouble, RecordingTroubles } from './recording-trouble';

/** How long the end of a call waits for a ledger record to be on the disk, ms. */
const LEDGER_DEADLINE_MS = 2000;
/** Reason in the metric of SRS failures. */
const UNTRANSCODABLE = 'codec';

/** What is known only when a recording, or its call, has ended. */
export type RecordingEnd = Pick<LedgerRecordFacts, 'isAnchored' | 'voicemail' | 'kept'> & {
  readonly end: NonNullable<LedgerRecordFacts['end']>;
  readonly endedAtMs: number;
};

/**
 * One recording of one recorded party: the media of a recording session, its metadata, the session, and what the
 * ledger says of it. A party that starts and stops several times has several.
 */
export class Recording {
  readonly recordingId: RecordingId;
  readonly metadata: RecordingMetadata;
  readonly #context: CallContext;
  readonly #decision: RecordingDecision;
  readonly #troubles: RecordingTroubles;
  readonly #streams: CapturedStreams;
  readonly #account: RecordingAccount;
  readonly #provider: ProviderSettings | null;
  /** null until the media of the recording is open, and when that failed. */
  #session: RecordingSession | null = null;
  #entry: LedgerEntry | null = null;
  #desired: DesiredRecording = 'none';
  #begunAtMs: number | null = null;
  #haltedAtMs: number | null = null;
  #isStopped = false;
  #opening: Promise<void> = Promise.resolve();

  /** @param troubled told when the recording cannot be made, was lost, or is made again. */
  constructor(
    context: CallContext,
    decision: RecordingDecision,
    troubled: (event: RecordingTrouble) => void = () => undefined,
  ) {
    const { deps, parties, call } = context;
    this.#context = context;
    this.#decision = decision;
    this.#provider = deps.settings.findProvider(decision.providerId);
    this.recordingId = deps.ids.uuid() as RecordingId;
    this.#account = new RecordingAccount({
      call,
      recordingId: this.recordingId,
      decision,
      maxReportedLossRatio: deps.settings.maxReportedLossRatio,
    });
    this.metadata = new RecordingMetadata({
      shared: parties.shared,
      recordedRole: decision.role,
      parties: parties.descriptions,
      sipSessionId: call.invite.sessionId,
      circumstances: parties.circumstances,
      ids: deps.ids,
      dialect: dialectOf(this.#provider?.metadata),
      labels: this.#provider?.labels ?? DEFAULT_LABELS,
      ...(this.#provider?.metadata?.updates === undefined
        ? {}
        : { updates: this.#provider.metadata.updates }),
    });
    const { recordingId, metadata } = this;
    this.#troubles = new RecordingTroubles({
      recordingId,
      decision,
      emit: (...event) => context.emit(...event),
      troubled,
    });
    this.#streams = new CapturedStreams({
      recordingId,
      recordedRole: decision.role,
      provider: this.#provider,
      legs: context.legs,
      media: context.media,
      metadata,
      untranscodable: encoding => this.#warnOf(encoding),
    });
  }

  /** null: there is none (yet). */
  get sessionState(): RecordingSession['state'] | null {
    return this.#session?.state ?? null;
  }

  /** Policy has said "record": there is something to account for. */
  get begunAtMs(): number | null {
    return this.#begunAtMs;
  }

  /**
   * Opens the media, the gate open if recording is desired by now. A failure is told and accounted for, and never hurts
   * the call. Never rejects.
   */
  open(): Promise<void> {
    if (this.#provider === null) {
      this.fail('no-provider');
    } else {
      this.#opening = this.#openSession(this.#provider);
    }
    return this.#opening;
  }

  /** From now on it is a recording: in the metadata, in the ledger. What is desired of it comes next. */
  begin(atMs: number): void {
    const { parties, legs, deps } = this.#context;
    this.#begunAtMs = atMs;
    const since = parties.sessionStartedAtMs ?? atMs;
    this.metadata.begin(atMs, {
      session: since,
      caller: parties.joinedAtMs.caller ?? since,
      callee: parties.joinedAtMs.callee ?? since,
    });
    LEG_ROLES.forEach(role => this.metadata.setActivity(role, legs.activityOf(role), atMs));
    this.#tellParticipants(atMs);
    deps.metrics.recordingStarted(this.#decision.providerId);
    this.#entry = deps.ledger.begin(() => this.#snapshot());
    if (this.#account.failure !== null) {
      this.#troubles.tell('failed', this.#account.failure);
    }
  }

  /** The gate follows at once; what has to be told to the SRS must be in the metadata before. */
  setDesired(desired: Exclude<DesiredRecording, 'none'>, atMs: number): void {
    if (this.#haltedAtMs !== null) {
      return;
    }
    this.#desired = desired;
    this.#account.markInterval(desired, atMs);
    if (!this.#refusesInsecure()) {
      this.#session?.setDesired(desired, this.#streams.formats());
    }
  }

  /** Nothing is captured from now on; the session waits, inactive, for {@link stop}. */
  halt(atMs: number): void {
    if (this.#haltedAtMs === null) {
      this.#haltedAtMs = atMs;
      this.#account.markInterval(null, atMs);
      this.#desired = 'paused';
      this.#session?.halt(this.#streams.formats());
    }
  }

  /** Ends the session; what was captured is still delivered. Idempotent. */
  stop(atMs: number): void {
    if (this.#haltedAtMs === null) {
      this.#haltedAtMs = atMs;
      this.#account.markInterval(null, atMs);
    }
    this.#isStopped = true;
    this.#session?.stop();
  }

  /** Nothing is captured while the parties believe not to be recorded, whatever is desired. */
  withhold(isWithheld: boolean): void {
    this.#session?.withhold(isWithheld);
  }

  /**
   * Establishes the session ahead of the call's answer, its streams inactive. @returns whether there is one.
   * Bounded by the time that one round of invitations may take. Never rejects.
   */
  async establish(): Promise<boolean> {
    await this.#opening;
    if (this.#session === null || this.#refusesInsecure()) {
      return false;
    }
    this.metadata.prepare();
    this.#session.setDesired('paused', this.#streams.expectedFormats());
    return this.#session.firstOutcome;
  }

  /** Formats or directions of the legs have changed. */
  streamsChanged(atMs: number): void {
    const { legs } = this.#context;
    if (this.#refusesInsecure()) {
      return;
    }
    this.#session?.setFormats(this.#streams.formats());
    LEG_ROLES.forEach(role => this.metadata.setActivity(role, legs.activityOf(role), atMs));
    this.metadataChanged();
  }

  /** The SRS is told what has changed in the metadata. */
  metadataChanged(): void {
    this.#session?.metadataChanged();
  }

  /** Who else is on the other side has changed: the SRS is told. Who is on label 1 never changes. */
  participantsChanged(atMs: number): void {
    this.#tellParticipants(atMs);
    this.metadataChanged();
  }

  #tellParticipants(atMs: number): void {
    const role = otherRole(this.#decision.role);
    const participants = this.#context.parties.participants[role];
    if (participants !== null) {
      this.metadata.setParticipants(role, participants, atMs);
      this.#account.participants(
        participants.map(({ aor }) => aor),
        atMs,
      );
    }
  }

  /** Who the recorded party talks to is somebody else now; the SRS is told with the next change. */
  replaceOtherParty(how: PartyChange, atMs: number): void {
    const { parties, legs } = this.#context;
    const role = otherRole(this.#decision.role);
    const { shared, descriptions } = parties;
    const facts = [
      role,
      shared.participantIds[role],
      descriptions[role],
      legs.activityOf(role),
      atMs,
    ] as const;
    if (how === 'transferred') {
      this.metadata.transferred(...facts);
      this.#session?.transferred();
    } else {
      this.metadata.replaceParty(...facts);
    }
  }

  /** Something inside the gateway keeps the recording from being made. The first reason counts. */
  fail(reason: string): void {
    if (this.#account.fail(reason) && this.#begunAtMs !== null) {
      this.#troubles.tell('failed', reason);
    }
  }

  markUnreachable(label: string): void {
    this.#session?.markUnreachable(label);
  }

  noticed(notice: NoticeResult): void {
    this.#account.noticed(notice);
  }

  controlled(control: LedgerControl): void {
    this.#account.controlled(control);
  }

  remark(text: string): void {
    this.#account.remark(text);
  }

  /** Waits until the session is closed and the record is in the ledger. @returns the verdict; null: nothing to account for. */
  async conclude(end: RecordingEnd): Promise<string | null> {
    await this.#opening;
    const facts = (await this.#session?.finished) ?? null;
    const begunAtMs = this.#begunAtMs;
    if (begunAtMs === null) {
      return null;
    }
    const { clock, metrics } = this.#context.deps;
    const record = this.#account.record({
      ...end,
      facts: facts === null ? null : { ...facts, stoppedAtMs: this.#haltedAtMs },
      answeredAtMs: begunAtMs,
    });
    metrics.recordingEnded(this.#decision.providerId, record.verdict);
    // The ledger goes on trying, and tells by itself what it cannot write.
    const written = this.#entry?.close(record) ?? Promise.resolve();
    const late = (): Error => new Error('the disk is slow');
    await withDeadline(clock, written, LEDGER_DEADLINE_MS, late).catch(() => undefined);
    return record.verdict;
  }

  async #openSession(provider: ProviderSettings): Promise<void> {
    const { deps, logger } = this.#context;
    const { recordingId } = this;
    const { providerId } = this.#decision;
    try {
      const isCaptured = (): boolean => this.#desired === 'recording' && !this.#isStopped;
      const isGateOpen = isCaptured() && !this.#refusesInsecure();
      const recording = await this.#streams.open(provider, isGateOpen, isCaptured);
      const session = new RecordingSession({
        decision: this.#decision,
        provider: withHeadersOf(
          provider,
          recordingId,
          this.#decision,
          this.metadata,
          this.#context,
        ),
        srcUri: deps.settings.srcUri,
        drainMs: deps.settings.drainMs,
        srtpSuites: () => this.#streams.srtpSuites,
        isHeld: index => this.#streams.isHeld(index),
        media: recording,
        metadata: this.metadata,
        srsClient: deps.srsClient,
        health: deps.srsHealth,
        metrics: deps.metrics,
        clock: deps.clock,
        logger: logger.child({ recordingId, provider: providerId }),
        changed: change =>
          this.#troubles.sessionChanged(change, () => this.#session?.facts() ?? null),
      });
      this.#session = session;
      this.#catchUp(session);
    } catch (error) {
      this.fail('no-media');
      deps.metrics.srsFailure(providerId, 'no-media');
      logger.error('no media for a recording that must be made', {
        recordingId,
        error: errorMessage(error),
      });
    }
  }

  /** What was desired while the ports were being opened. */
  #catchUp(session: RecordingSession): void {
    if (this.#desired !== 'none' && !this.#refusesInsecure()) {
      session.setDesired(this.#desired, this.#streams.formats());
    }
    if (this.#isStopped) {
      session.stop();
    }
  }

  /** RFC 7866 §12.2: what may not be recorded in the clear is not recorded. @returns whether that is so. */
  #refusesInsecure(): boolean {
    if (!this.#streams.isProtectionRefused) {
      return false;
    }
    const { deps, logger } = this.#context;
    const { providerId } = this.#decision;
    if (this.#account.failure === null) {
      this.fail(SECURITY);
      deps.metrics.srsFailure(providerId, SECURITY);
      logger.error('call that must be recorded is not: its recording would be less protected', {
        recordingId: this.recordingId,
        provider: providerId,
      });
      this.#session?.stop();
    }
    return true;
  }

  /** Once for an encoding: the SRS decides whether it takes what it is not known to take. */
  #warnOf(encoding: string): void {
    const remark = `${encoding} is no codec of the provider and cannot be transcoded; it was offered as it is`;
    if (this.#account.remark(remark)) {
      const { deps, logger } = this.#context;
      const { providerId } = this.#decision;
      deps.metrics.srsFailure(providerId, UNTRANSCODABLE);
      logger.warn('codec of a call is not for its recorder, and cannot be transcoded', {
        recordingId: this.recordingId,
        provider: providerId,
        encoding,
      });
    }
  }

  /** What the ledger would say if the gateway were cut off now. */
  #snapshot(): LedgerRecord {
    const nowMs = this.#context.deps.clock.wallNowMs();
    return this.#account.record({
      facts: this.#session?.facts() ?? null,
      end: null,
      answeredAtMs: this.#begunAtMs ?? nowMs,
      endedAtMs: nowMs,
      isAnchored: this.#account.failure !== 'not-anchored',
    });
  }
}
