import { type IdSource } from '#core';
import { isExpressible } from './date-time';
import { MetadataError } from './errors';
import {
  type CommunicationSession,
  NONE,
  type RecordingMetadata,
  type SessionGroup,
  type SessionReason,
  type SessionRecordingAssociation,
} from './model';
import { differenceOf } from './partial';
import {
  type CallDetails,
  type PlayedNotice,
  type RecordingEvent,
  type RecordingGap,
  type RecordingProperties,
} from './recording-details';
import { RecordingLog } from './recording-log';
import { shorten } from './shorten';
import { type ParticipantIdentity, TrackedParticipant } from './tracked-participant';
import { type MetadataId, newMetadataId } from './unique-id';

export interface MetadataTrackerOptions {
  /** Shared by all recordings of one call. Default: a new one. */
  readonly sessionId?: MetadataId;
  /** Shared by all sessions that belong together. Default: no group. */
  readonly groupId?: MetadataId;
  /** Session-ID of the call, `local;remote=…` (RFC 7989), when known. */
  readonly sipSessionId?: string;
  readonly ids: IdSource;
  /** Participants in one document, those who have left included. Default 32. */
  readonly maxParticipants?: number;
  /** Streams in one document. Default 16. */
  readonly maxStreams?: number;
}

/** Somebody takes part. */
export interface ParticipantFacts extends ParticipantIdentity {
  /** Shared by all recordings of one call. Default: a new one. */
  readonly participantId?: MetadataId;
}

/** Why a session ended, as a Reason header tells it (RFC 3326). */
export interface EndReason {
  /** A SIP status or Q.850 cause. One that is no xs:short cannot be told and is left out. */
  readonly cause: number;
  readonly text: string;
  /** Default `SIP`. */
  readonly protocol?: string;
}

const DEFAULT_MAX_PARTICIPANTS = 32;
const DEFAULT_MAX_STREAMS = 16;
/** A peer writes the Session-ID and the Reason; a document must stay small enough to be sent. */
const MAX_TEXT_CHARACTERS = 256;
const MAX_SIP_SESSION_IDS = 32;

/**
 * Turns what happens in a call into metadata documents for one recording session. Facts come with their times
 * (milliseconds since the epoch) in the order in which they happened. Those that only end something may come
 * twice, and those that change who sends and receives what may come after the session: they are ignored then.
 *
 * Illegal facts throw {@link MetadataError} and change nothing: `REC_ERR_METADATA_UNKNOWN_PARTICIPANT`,
 * `REC_ERR_METADATA_UNKNOWN_STREAM`, `REC_ERR_METADATA_DUPLICATE_ID`, `REC_ERR_METADATA_DUPLICATE_LABEL`,
 * `REC_ERR_METADATA_SESSION_ENDED`, `REC_ERR_METADATA_LIMIT`, `REC_ERR_METADATA_TIME`.
 */
export class MetadataTracker {
  readonly #ids: IdSource;
  readonly #maxParticipants: number;
  readonly #maxStreams: number;
  readonly #log = new RecordingLog();
  #sessionId: MetadataId;
  #groupId: MetadataId | null;
  #participants = new Map<MetadataId, TrackedParticipant>();
  /** Stream → label. */
  #streams = new Map<MetadataId, string>();
  #sipSessionIds: readonly string[] = NONE;
  #reasons: readonly SessionReason[] = NONE;
  #startedAtMs: number | null = null;
  #endedAtMs: number | null = null;
  #recording: { startedAtMs: number; stoppedAtMs: number | null } | null = null;
  #lastDocument: RecordingMetadata | null = null;

  constructor(options: MetadataTrackerOptions) {
    this.#ids = options.ids;
    this.#sessionId = options.sessionId ?? newMetadataId(options.ids);
    this.#groupId = options.groupId ?? null;
    this.#maxParticipants = options.maxParticipants ?? DEFAULT_MAX_PARTICIPANTS;
    this.#maxStreams = options.maxStreams ?? DEFAULT_MAX_STREAMS;
    this.sessionIdentified(options.sipSessionId === undefined ? [] : [options.sipSessionId]);
    if (this.#groupId === this.sessionId) {
      throw duplicateId(this.sessionId);
    }
  }

  get sessionId(): MetadataId {
    return this.#sessionId;
  }

  sessionStarted(atMs: number): void {
    this.#startedAtMs = legalTime(atMs);
  }

  /** The Session-ID values of the call's dialogs, replacing those known. */
  sessionIdentified(sipSessionIds: readonly string[]): void {
    this.#sipSessionIds = sipSessionIds
      .slice(0, MAX_SIP_SESSION_IDS)
      .map(id => shorten(id, MAX_TEXT_CHARACTERS));
  }

  /**
   * Everybody leaves and the recording ends with the session; who sent and received what stays as it was, so that
   * a last complete document still says whose stream is whose.
   */
  sessionEnded(atMs: number, reason?: EndReason): void {
    if (this.#endedAtMs !== null) {
      return;
    }
    this.#endedAtMs = legalTime(atMs);
    if (reason !== undefined && isShort(reason.cause)) {
      const { cause, text, protocol = 'SIP' } = reason;
      this.#reasons = [{ cause, text: shorten(text, MAX_TEXT_CHARACTERS), protocol }];
    }
    for (const participant of this.#participants.values()) {
      participant.leaveWithSession(atMs);
    }
    this.recordingStopped(atMs);
  }

  /**
   * Somebody takes part, for the first time or again. @returns the id to use in later facts.
   * With all places taken, the one who left first is forgotten.
   */
  participantJoined(atMs: number, facts: ParticipantFacts): MetadataId {
    legalTime(atMs);
    this.#expectSession();
    const participantId = facts.participantId ?? newMetadataId(this.#ids);
    const known = this.#participants.get(participantId);
    if (known !== undefined && known.leftAtMs !== null) {
      known.joinAgain(atMs, facts);
      return participantId;
    }
    this.#expectNewId(participantId);
    this.#makeRoom();
    this.#participants.set(participantId, new TrackedParticipant(participantId, atMs, facts));
    return participantId;
  }

  /** The participant is no longer in the session and on no stream. */
  participantLeft(atMs: number, participantId: MetadataId): void {
    this.#participant(participantId).leave(legalTime(atMs));
  }

  /** The same participant is known by another address or name from now on. */
  participantRenamed(participantId: MetadataId, identity: ParticipantIdentity): void {
    this.#participant(participantId).rename(identity);
  }

  /** A stream with that `a=label` goes to the SRS. @returns the id to use in later facts. */
  streamAdded(stream: { readonly streamId?: MetadataId; readonly label: string }): MetadataId {
    this.#expectSession();
    const streamId = stream.streamId ?? newMetadataId(this.#ids);
    this.#expectNewId(streamId);
    if ([...this.#streams.values()].includes(stream.label)) {
      const message = `the label ${JSON.stringify(stream.label)} is taken`;
      throw new MetadataError('REC_ERR_METADATA_DUPLICATE_LABEL', message);
    }
    if (this.#streams.size >= this.#maxStreams) {
      throw new MetadataError('REC_ERR_METADATA_LIMIT', `${this.#maxStreams} streams at most`);
    }
    this.#streams.set(streamId, stream.label);
    return streamId;
  }

  /** The stream goes no longer to the SRS; nobody is on it any more. */
  streamRemoved(atMs: number, streamId: MetadataId): void {
    legalTime(atMs);
    this.#expectStreams([streamId]);
    for (const participant of this.#participants.values()) {
      participant.forgetStream(atMs, streamId);
    }
    this.#streams.delete(streamId);
  }

  /** The participant contributes to exactly these streams from now on (RFC 7865 §6.8.1). */
  setSending(atMs: number, participantId: MetadataId, streamIds: readonly MetadataId[]): void {
    legalTime(atMs);
    this.#present(participantId, streamIds)?.sendTo(atMs, streamIds);
  }

  /** The participant receives exactly these streams from now on (RFC 7865 §6.8.1). */
  setReceiving(participantId: MetadataId, streamIds: readonly MetadataId[]): void {
    this.#present(participantId, streamIds)?.receiveFrom(streamIds);
  }

  /** The session is being recorded from now on, for the first time or again (RFC 7865 §6.4). */
  recordingStarted(atMs: number): void {
    legalTime(atMs);
    this.#expectSession();
    if (this.#recording === null || this.#recording.stoppedAtMs !== null) {
      this.#recording = { startedAtMs: atMs, stoppedAtMs: null };
    }
  }

  recordingStopped(atMs: number): void {
    legalTime(atMs);
    if (this.#recording?.stoppedAtMs === null) {
      this.#recording.stoppedAtMs = atMs;
    }
  }

  /** How and for whom the call is recorded, from now on. */
  setRecordingProperties(
    properties: Omit<RecordingProperties, 'retention'> & Partial<RecordingProperties>,
  ): void {
    this.#log.properties = { retention: null, ...properties };
  }

  /** The call as the recorded party's telephone system sees it, from now on. */
  setCallDetails(call: CallDetails): void {
    this.#log.call = call;
  }

  /** The recording started, stopped, paused or went on. The newest 32 are told. */
  recordingEvent(event: RecordingEvent): void {
    legalTime(event.atMs);
    this.#log.addEvent(event);
  }

  /**
   * A notice was heard, and has ended. It may come after the end of the session: an announcement of the stop does.
   * The newest 32 announcements and 8 tones are told.
   */
  noticePlayed(notice: PlayedNotice): void {
    legalTime(notice.startedAtMs);
    legalTime(notice.endedAtMs);
    notice.toParticipantIds.forEach(id => this.#participant(id));
    this.#log.addNotice(notice);
  }

  /** A time is missing from the recording. The newest 32 are told. */
  recordingGap(gap: RecordingGap): void {
    legalTime(gap.startMs);
    legalTime(gap.endMs);
    this.#log.addGap(gap);
  }

  /**
   * Everything gets a new id and who has left is forgotten, as if another recording began; the next document is a
   * complete one. BroadWorks tells a blind transfer so. @returns the new ids by the old ones.
   * @param sessionId of the session from now on, when its recordings share one. Default: a new one.
   * @throws MetadataError `REC_ERR_METADATA_DUPLICATE_ID`.
   */
  renewIds(sessionId: MetadataId = newMetadataId(this.#ids)): ReadonlyMap<MetadataId, MetadataId> {
    this.#expectNewId(sessionId);
    const newIds = new Map([[this.#sessionId, sessionId]]);
    const renew = (id: MetadataId): MetadataId => {
      const newId = newMetadataId(this.#ids);
      newIds.set(id, newId);
      return newId;
    };
    const newIdOf = (id: MetadataId): MetadataId => newIds.get(id) ?? id;
    this.#sessionId = sessionId;
    this.#groupId = this.#groupId === null ? null : renew(this.#groupId);
    this.#streams = new Map([...this.#streams].map(([id, label]) => [renew(id), label]));
    const present = [...this.#participants.values()].filter(({ leftAtMs }) => leftAtMs === null);
    this.#participants = new Map(
      present.map(participant => {
        const renewed = participant.withIds(renew(participant.participantId), newIdOf);
        return [renewed.participantId, renewed];
      }),
    );
    this.#log.mapParticipants(newIdOf);
    this.#lastDocument = null;
    return newIds;
  }

  /** Everything that is known. Later partial documents count from it (RFC 7866 §9.2). */
  complete(): RecordingMetadata {
    this.#lastDocument = this.#snapshot();
    return this.#lastDocument;
  }

  /**
   * What has changed since the last document, or null when nothing has. Before the first complete document there
   * is nothing to count from, and the complete one is returned (RFC 7866 §9.1).
   */
  partial(): RecordingMetadata | null {
    if (this.#lastDocument === null) {
      return this.complete();
    }
    const before = this.#lastDocument;
    return differenceOf(before, this.complete());
  }

  #snapshot(): RecordingMetadata {
    const participants = [...this.#participants.values()];
    const details = this.#log.toDetails(this.#sessionId, id => this.#participants.has(id));
    return {
      kind: 'recording',
      dataMode: 'complete',
      groups: this.#groups(),
      sessions: [this.#session()],
      participants: participants.map(participant => participant.toParticipant()),
      streams: [...this.#streams].map(([streamId, label]) => ({
        streamId,
        sessionId: this.sessionId,
        label,
        extensions: NONE,
      })),
      sessionRecordingAssociations: this.#sessionRecordings(),
      participantSessionAssociations: participants.map(participant =>
        participant.toSessionAssociation(this.sessionId),
      ),
      participantStreamAssociations: participants.map(participant =>
        participant.toStreamAssociation(),
      ),
      ...(details && { details }),
      extensions: NONE,
    };
  }

  #groups(): readonly SessionGroup[] {
    const times = { associateTimeMs: this.#startedAtMs, disassociateTimeMs: this.#endedAtMs };
    return this.#groupId === null ? NONE : [{ groupId: this.#groupId, ...times, extensions: NONE }];
  }

  #sessionRecordings(): readonly SessionRecordingAssociation[] {
    if (this.#recording === null) {
      return NONE;
    }
    const { startedAtMs, stoppedAtMs } = this.#recording;
    const times = { associateTimeMs: startedAtMs, disassociateTimeMs: stoppedAtMs };
    return [{ sessionId: this.sessionId, ...times, extensions: NONE }];
  }

  #session(): CommunicationSession {
    return {
      sessionId: this.sessionId,
      sipSessionIds: this.#sipSessionIds,
      reasons: this.#reasons,
      groupRef: this.#groupId,
      startTimeMs: this.#startedAtMs,
      stopTimeMs: this.#endedAtMs,
      extensions: NONE,
    };
  }

  #participant(participantId: MetadataId): TrackedParticipant {
    const participant = this.#participants.get(participantId);
    if (participant === undefined) {
      throw unknownParticipant(participantId);
    }
    return participant;
  }

  /** The participant, who must be present to be put on these streams; null when the session has ended. */
  #present(participantId: MetadataId, streamIds: readonly MetadataId[]): TrackedParticipant | null {
    const participant = this.#participant(participantId);
    this.#expectStreams(streamIds);
    if (this.#endedAtMs !== null) {
      return null;
    }
    if (participant.leftAtMs !== null && streamIds.length > 0) {
      throw unknownParticipant(participantId);
    }
    return participant;
  }

  #expectStreams(streamIds: readonly MetadataId[]): void {
    for (const streamId of streamIds) {
      if (!this.#streams.has(streamId)) {
        throw new MetadataError('REC_ERR_METADATA_UNKNOWN_STREAM', `no stream ${streamId}`);
      }
    }
  }

  #expectSession(): void {
    if (this.#endedAtMs !== null) {
      throw new MetadataError('REC_ERR_METADATA_SESSION_ENDED', 'the session has ended');
    }
  }

  /** RFC 7865 §6.10: one id, one thing. */
  #expectNewId(id: MetadataId): void {
    const isTaken =
      id === this.sessionId ||
      id === this.#groupId ||
      this.#participants.has(id) ||
      this.#streams.has(id);
    if (isTaken) {
      throw duplicateId(id);
    }
  }

  #makeRoom(): void {
    if (this.#participants.size < this.#maxParticipants) {
      return;
    }
    const gone = [...this.#participants.values()]
      .filter(({ leftAtMs }) => leftAtMs !== null)
      .sort((a, b) => (a.leftAtMs ?? 0) - (b.leftAtMs ?? 0))[0];
    if (gone === undefined) {
      const message = `${this.#maxParticipants} participants at most`;
      throw new MetadataError('REC_ERR_METADATA_LIMIT', message);
    }
    this.#participants.delete(gone.participantId);
  }
}

function isShort(value: number): boolean {
  return Number.isInteger(value) && value >= -32_768 && value <= 32_767;
}

function legalTime(atMs: number): number {
  if (!isExpressible(atMs)) {
    throw new MetadataError('REC_ERR_METADATA_TIME', `${atMs} is no time in ms since the epoch`);
  }
  return atMs;
}

function duplicateId(id: MetadataId): MetadataError {
  return new MetadataError('REC_ERR_METADATA_DUPLICATE_ID', `the id ${id} is taken`);
}

function unknownParticipant(id: MetadataId): MetadataError {
  return new MetadataError('REC_ERR_METADATA_UNKNOWN_PARTICIPANT', `no participant ${id}`);
}
