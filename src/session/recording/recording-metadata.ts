import { type IdSource, type LegRole, otherRole } from '#core';
import {
  type CallDetails,
  type DialectChoice,
  dialectFlow,
  type DialectFlow,
  dialectHeaders,
  type MetadataId,
  MetadataTracker,
  newMetadataId,
  type PlayedNotice,
  type RecordingEventKind,
  type RecordingGap,
  type RecordingProperties,
  toXml,
} from '#metadata';

import {
  type PartyActivity,
  type PartyDescription,
  type SharedMetadataIds,
  type SideParticipant,
} from '../parties/party-description';
import { type StreamLabels } from '../settings';
import { type CallCircumstances, callDetails, numberOf } from '../parties/call-details';

/** One label is always the recorded party's and the other one the other side's, whoever called. */
export const DEFAULT_LABELS: StreamLabels = { recordedParty: '1', otherParties: '2' };

export interface RecordingMetadataOptions {
  readonly shared: SharedMetadataIds;
  readonly recordedRole: LegRole;
  readonly parties: Readonly<Record<LegRole, PartyDescription>>;
  readonly sipSessionId: string | null;
  readonly ids: IdSource;
  /** What the provider's SRS understands. Default `rfc7865`. */
  readonly dialect?: DialectChoice;
  readonly circumstances?: CallCircumstances;
  /** Default {@link DEFAULT_LABELS}. */
  readonly labels?: StreamLabels;
  /** Later documents: what changed, or everything. Default: what the dialect usually does. */
  readonly updates?: 'partial' | 'complete';
}

/** The rs-metadata of one recording, in its provider's dialect: facts of the call in, documents out. */
export class RecordingMetadata {
  readonly #tracker: MetadataTracker;
  readonly #options: RecordingMetadataOptions;
  readonly #dialect: DialectChoice;
  readonly #recordingSessionId: MetadataId;
  /** Since the beginning of this recording. */
  readonly #firstSessionId: MetadataId;
  #streamIds: Readonly<Record<LegRole, MetadataId>>;
  /** Who speaks on the stream of each side. */
  readonly #sides: Record<LegRole, readonly SideParticipant[]> = { caller: [], callee: [] };
  readonly #activity: Record<LegRole, PartyActivity> = {
    caller: { sends: true, receives: true },
    callee: { sends: true, receives: true },
  };
  #call: CallDetails | null = null;
  /** Kept only where it is needed, see {@link partial}. */
  #lastDocument: string | null = null;
  #isPrepared = false;
  #replacedCharacters = 0;

  constructor(options: RecordingMetadataOptions) {
    this.#options = options;
    this.#dialect = withLabel(options.dialect ?? { name: 'rfc7865' }, options.labels);
    this.#streamIds = { caller: newMetadataId(options.ids), callee: newMetadataId(options.ids) };
    this.#recordingSessionId = this.#streamIds.caller;
    const { sessionId, sinceTransferSessionId } = options.shared;
    this.#firstSessionId = this.#tellsTransferAsNewCall
      ? (sinceTransferSessionId ?? sessionId)
      : sessionId;
    this.#tracker = new MetadataTracker({
      sessionId: this.#firstSessionId,
      ids: options.ids,
      ...(options.sipSessionId === null ? {} : { sipSessionId: options.sipSessionId }),
    });
  }

  /** How the recording session signals what happens. */
  get flow(): DialectFlow {
    const flow = dialectFlow(this.#dialect);
    // A dialect without partial documents cannot be made to have them.
    return this.#options.updates === 'complete' ? { ...flow, updates: 'complete' } : flow;
  }

  /** What the dialect adds to the headers of the INVITE; the same for every attempt and after a transfer. */
  headers(): Readonly<Record<string, string>> {
    const { recordedRole, parties } = this.#options;
    return dialectHeaders(this.#dialect, {
      trackingId: callDetails(this.#firstSessionId, recordedRole, parties).trackingId,
      recordingSessionId: this.#recordingSessionId,
    });
  }

  /** Characters that XML cannot carry and that were replaced so far. */
  get replacedCharacters(): number {
    return this.#replacedCharacters;
  }

  /** The session is established ahead of the recording: of the call there are two streams, and nobody in it yet. */
  prepare(): void {
    if (this.#isPrepared) {
      return;
    }
    this.#isPrepared = true;
    const { recordedRole, labels = DEFAULT_LABELS } = this.#options;
    const [recorded, other] = [recordedRole, otherRole(recordedRole)];
    this.#tracker.streamAdded({
      streamId: this.#streamIds[recorded],
      label: labels.recordedParty,
    });
    this.#tracker.streamAdded({ streamId: this.#streamIds[other], label: labels.otherParties });
  }

  /**
   * The recording begins: both parties are in it, each sending one stream.
   * @param since when the call was answered and the parties came into it; default: now
   */
  begin(
    atMs: number,
    since: Readonly<Record<'session' | LegRole, number>> = {
      session: atMs,
      caller: atMs,
      callee: atMs,
    },
  ): void {
    const { recordedRole, parties } = this.#options;
    const other = otherRole(recordedRole);
    this.#describeCall();
    this.#tracker.sessionStarted(since.session);
    this.#tracker.recordingStarted(atMs);
    this.prepare();
    for (const role of [recordedRole, other]) {
      const participantId = this.#options.shared.participantIds[role];
      this.#join(role, { participantId, ...parties[role] }, since[role]);
      this.setActivity(role, { sends: true, receives: true }, atMs);
    }
  }

  /** Whether a side sends its stream and hears the other's, e.g. while it is held (RFC 8068 §3.2.2). */
  setActivity(role: LegRole, activity: PartyActivity, atMs: number): void {
    if (this.flow.hold === 'metadata') {
      this.#activity[role] = activity;
    }
    this.#sides[role].forEach(({ participantId }) =>
      this.#setActivityOf(participantId, role, atMs),
    );
  }

  /** How and for whom the call is recorded; told from the next document on. */
  setRecordingProperties(
    properties: Omit<RecordingProperties, 'retention'> & Partial<RecordingProperties>,
  ): void {
    this.#tracker.setRecordingProperties(properties);
  }

  /** @param by who or what caused it: `policy`, `user`, `api`, `system`. */
  recordingEvent(event: {
    readonly kind: RecordingEventKind;
    readonly atMs: number;
    readonly by: string;
  }): void {
    this.#tracker.recordingEvent(event);
  }

  /** A time that no SRS was sent; told to the next one. */
  recordingGap(gap: RecordingGap): void {
    this.#tracker.recordingGap(gap);
  }

  /** A notice has ended. @param notice.toRoles the sides that heard it. */
  noticePlayed({
    kind,
    language,
    startedAtMs,
    endedAtMs,
    toRoles,
  }: Omit<PlayedNotice, 'toParticipantIds'> & { readonly toRoles: readonly LegRole[] }): void {
    const heardBy = toRoles.flatMap(role => this.#sides[role]);
    const toParticipantIds = heardBy.map(({ participantId }) => participantId);
    this.#tracker.noticePlayed({ kind, language, startedAtMs, endedAtMs, toParticipantIds });
  }

  /**
   * Who is on a side now, all of them: who is not named any more has left, whose address is new joins, on the same stream.
   * A participant is known by its address; the id of one who stays does not change.
   * @throws MetadataError `REC_ERR_METADATA_LIMIT`, `REC_ERR_METADATA_SESSION_ENDED`.
   */
  setParticipants(role: LegRole, participants: readonly SideParticipant[], atMs: number): void {
    const before = this.#sides[role];
    before
      .filter(({ aor }) => !participants.some(each => each.aor === aor))
      .forEach(participant => this.#leave(role, participant, atMs));
    for (const participant of participants) {
      const present = before.find(({ aor }) => aor === participant.aor);
      if (present === undefined) {
        this.#join(role, participant, atMs);
        this.#setActivityOf(participant.participantId, role, atMs);
      } else if (present.displayName !== participant.displayName) {
        this.#rename(role, present, participant);
      }
    }
  }

  /**
   * Another party has taken the place of all who were on a side (transfer, pickup). It sends the same stream: who is on a
   * label never changes sides, only the name behind it does.
   */
  replaceParty(
    role: LegRole,
    participantId: MetadataId,
    party: PartyDescription,
    activity: PartyActivity,
    atMs: number,
  ): void {
    this.#sides[role].forEach(participant => this.#leave(role, participant, atMs));
    this.#join(role, { participantId, ...party }, atMs);
    this.setActivity(role, activity, atMs);
  }

  /**
   * The party of a side was blindly transferred to another. Where the dialect tells it as another call, every id and the
   * tracking id are new, and the call details name who redirected it to whom; the next document is complete then.
   */
  transferred(
    role: LegRole,
    participantId: MetadataId,
    to: PartyDescription,
    activity: PartyActivity,
    atMs: number,
  ): void {
    if (this.#tellsTransferAsNewCall) {
      this.#becomeNewCall(role, to);
    }
    this.replaceParty(role, participantId, to, activity, atMs);
  }

  get #tellsTransferAsNewCall(): boolean {
    return this.flow.transfer === 'sdp-only-then-complete-with-new-ids';
  }

  #becomeNewCall(role: LegRole, to: PartyDescription): void {
    const { parties, recordedRole, shared, ids } = this.#options;
    const sessionId = shared.sinceTransferSessionId ?? newMetadataId(ids);
    const newIds = this.#tracker.renewIds(sessionId);
    const newIdOf = (id: MetadataId): MetadataId => newIds.get(id) ?? id;
    const renewed = (side: LegRole): readonly SideParticipant[] =>
      this.#sides[side].map(each => ({ ...each, participantId: newIdOf(each.participantId) }));
    this.#streamIds = {
      caller: newIdOf(this.#streamIds.caller),
      callee: newIdOf(this.#streamIds.callee),
    };
    Object.assign(this.#sides, { caller: renewed('caller'), callee: renewed('callee') });
    const { trackingId } = callDetails(sessionId, recordedRole, parties);
    if (this.#call !== null) {
      this.#call = {
        ...this.#call,
        trackingId,
        redirectedCall: {
          newTrackingId: trackingId,
          fromPartyNumber: this.#otherNumber(role),
          toPartyNumber: numberOf(to.aor),
        },
      };
      this.#tracker.setCallDetails(this.#call);
    }
  }

  /** The recording ends and the call goes on. */
  stopped(atMs: number): void {
    this.#tracker.recordingStopped(atMs);
  }

  /** The call is over: everybody has left. */
  end(atMs: number, reason: { readonly cause: number; readonly text: string } | null): void {
    this.#tracker.sessionEnded(atMs, reason ?? undefined);
  }

  /** A complete document (RFC 7865 §5); resets what the next partial one is counted from. */
  complete(): string {
    const document = this.#print(this.#tracker.complete());
    this.#lastDocument = this.flow.updates === 'partial' ? null : document;
    return document;
  }

  /** What changed since the last document, or null; everything again where the dialect knows no partial ones. */
  partial(): string | null {
    const changed = this.#tracker.partial();
    if (changed === null) {
      return null;
    }
    if (this.flow.updates === 'partial') {
      return this.#print(changed);
    }
    // What has changed may be nothing that the dialect tells.
    const before = this.#lastDocument;
    const document = this.complete();
    return document === before ? null : document;
  }

  /** RFC 7865 says who called whom by itself. */
  #describeCall(): void {
    if (this.#dialect.name === 'broadworks') {
      const { recordedRole, parties, circumstances } = this.#options;
      this.#call = callDetails(this.#firstSessionId, recordedRole, parties, circumstances);
      this.#tracker.setCallDetails(this.#call);
    }
  }

  /** Of who is being replaced there. */
  #otherNumber(role: LegRole): string | null {
    const call = this.#call;
    const redirected = call?.redirectedCall ?? null;
    if (redirected !== null) {
      return redirected.toPartyNumber;
    }
    return (role === 'caller' ? call?.callingPartyNumber : call?.calledPartyNumber) ?? null;
  }

  #join(role: LegRole, { participantId, ...party }: SideParticipant, atMs: number): void {
    this.#tracker.participantJoined(atMs, { participantId, ...identityOf(party) });
    const { aor, displayName } = party;
    this.#sides[role] = this.#sides[role].concat({ participantId, aor, displayName });
  }

  #rename(role: LegRole, known: SideParticipant, party: PartyDescription): void {
    this.#tracker.participantRenamed(known.participantId, identityOf(party));
    this.#sides[role] = this.#sides[role].map(each =>
      each === known ? { ...each, ...party, participantId: known.participantId } : each,
    );
  }

  #leave(role: LegRole, participant: SideParticipant, atMs: number): void {
    this.#tracker.participantLeft(atMs, participant.participantId);
    this.#sides[role] = this.#sides[role].filter(each => each !== participant);
  }

  #setActivityOf(participantId: MetadataId, role: LegRole, atMs: number): void {
    const { sends, receives } = this.#activity[role];
    this.#tracker.setSending(atMs, participantId, sends ? [this.#streamIds[role]] : []);
    const otherStream = this.#streamIds[otherRole(role)];
    this.#tracker.setReceiving(participantId, receives ? [otherStream] : []);
  }

  #print(document: ReturnType<MetadataTracker['complete']>): string {
    const { xml, replacedCharacters } = toXml(document, { dialect: this.#dialect });
    this.#replacedCharacters += replacedCharacters;
    return xml;
  }
}

function identityOf({ aor, displayName }: PartyDescription): { aor: string; name: string | null } {
  return { aor, name: displayName };
}

/** That dialect has to know which stream is the recorded party's. */
function withLabel(dialect: DialectChoice, labels: StreamLabels = DEFAULT_LABELS): DialectChoice {
  return dialect.name === 'broadworks'
    ? { ...dialect, subscriberLabel: labels.recordedParty }
    : dialect;
}
