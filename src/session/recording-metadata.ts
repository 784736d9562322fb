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
  type RecordingProperties,
  toXml,
} from '#metadata';

import { type CallCircumstances, callDetails, numberOf } from './call-details';

/** Who a party is, as the metadata tells it. */
export interface PartyDescription {
  /** SIP or tel URI. */
  readonly aor: string;
  readonly displayName: string | null;
}

/** The ids that all recordings of one call share (RFC 7865 §6.10); a new party brings a new id. */
export interface SharedMetadataIds {
  readonly sessionId: MetadataId;
  readonly participantIds: Record<LegRole, MetadataId>;
}

export function newSharedMetadataIds(ids: IdSource): SharedMetadataIds {
  return {
    sessionId: newMetadataId(ids),
    participantIds: { caller: newMetadataId(ids), callee: newMetadataId(ids) },
  };
}

/** Label 1 is always the recorded party and label 2 the other side, whoever called. */
export const RECORDED_PARTY_LABEL = '1';
export const OTHER_PARTY_LABEL = '2';

export interface RecordingMetadataOptions {
  readonly shared: SharedMetadataIds;
  readonly recordedRole: LegRole;
  readonly parties: Readonly<Record<LegRole, PartyDescription>>;
  readonly sipSessionId: string | null;
  readonly ids: IdSource;
  /** What the provider's SRS understands. Default `rfc7865`. */
  readonly dialect?: DialectChoice;
  readonly circumstances?: CallCircumstances;
  /** Later documents: what changed, or everything. Default: what the dialect usually does. */
  readonly updates?: 'partial' | 'complete';
}

/** What one side of the call does with the streams. */
export interface PartyActivity {
  readonly sends: boolean;
  readonly receives: boolean;
}

/** The rs-metadata of one recording, in its provider's dialect: facts of the call in, documents out. */
export class RecordingMetadata {
  readonly #tracker: MetadataTracker;
  readonly #options: RecordingMetadataOptions;
  readonly #dialect: DialectChoice;
  readonly #recordingSessionId: MetadataId;
  readonly #firstTrackingId: string;
  #streamIds: Readonly<Record<LegRole, MetadataId>>;
  readonly #participantIds: Record<LegRole, MetadataId>;
  /** Others who speak on the stream of a side, e.g. in a conference that the switch holds. */
  #guests: readonly { readonly participantId: MetadataId; readonly role: LegRole }[] = [];
  readonly #activity: Record<LegRole, PartyActivity> = {
    caller: { sends: true, receives: true },
    callee: { sends: true, receives: true },
  };
  #call: CallDetails | null = null;
  #isPrepared = false;
  #replacedCharacters = 0;

  constructor(options: RecordingMetadataOptions) {
    this.#options = options;
    this.#dialect = options.dialect ?? { name: 'rfc7865' };
    this.#streamIds = { caller: newMetadataId(options.ids), callee: newMetadataId(options.ids) };
    this.#recordingSessionId = this.#streamIds.caller;
    const { shared, recordedRole, parties } = options;
    this.#firstTrackingId = callDetails(shared.sessionId, recordedRole, parties).trackingId;
    // Until the recording begins, who is in the call may still change.
    this.#participantIds = { ...options.shared.participantIds };
    this.#tracker = new MetadataTracker({
      sessionId: options.shared.sessionId,
      ids: options.ids,
      ...(options.sipSessionId === null ? {} : { sipSessionId: options.sipSessionId }),
    });
  }

  /** How the recording session signals what happens. */
  get flow(): DialectFlow {
    return dialectFlow(this.#dialect);
  }

  /** What the dialect adds to the headers of the INVITE; the same for every attempt and after a transfer. */
  headers(): Readonly<Record<string, string>> {
    return dialectHeaders(this.#dialect, {
      trackingId: this.#firstTrackingId,
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
    const { recordedRole } = this.#options;
    const [recorded, other] = [recordedRole, otherRole(recordedRole)];
    this.#tracker.streamAdded({
      streamId: this.#streamIds[recorded],
      label: RECORDED_PARTY_LABEL,
    });
    this.#tracker.streamAdded({ streamId: this.#streamIds[other], label: OTHER_PARTY_LABEL });
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
    Object.assign(this.#participantIds, this.#options.shared.participantIds);
    this.#describeCall();
    this.#tracker.sessionStarted(since.session);
    this.#tracker.recordingStarted(atMs);
    for (const role of [recordedRole, other]) {
      const identity = identityOf(parties[role]);
      this.#tracker.participantJoined(since[role], {
        participantId: this.#participantIds[role],
        ...identity,
      });
    }
    this.prepare();
    this.setActivity(recordedRole, { sends: true, receives: true }, atMs);
    this.setActivity(other, { sends: true, receives: true }, atMs);
  }

  /** Whether a side sends its stream and hears the other's, e.g. while it is held (RFC 8068 §3.2.2). */
  setActivity(role: LegRole, activity: PartyActivity, atMs: number): void {
    if (this.flow.hold === 'metadata') {
      this.#activity[role] = activity;
    }
    const guests = this.#guests.filter(guest => guest.role === role);
    for (const participantId of [this.#participantIds[role], ...guests.map(idOf)]) {
      this.#setActivityOf(participantId, role, atMs);
    }
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

  /** A notice has ended. @param notice.toRoles the sides that heard it. */
  noticePlayed({
    toRoles,
    ...notice
  }: Omit<PlayedNotice, 'toParticipantIds'> & { readonly toRoles: readonly LegRole[] }): void {
    const heard = [
      ...toRoles.map(role => this.#participantIds[role]),
      ...this.#guests.filter(({ role }) => toRoles.includes(role)).map(idOf),
    ];
    this.#tracker.noticePlayed({ ...notice, toParticipantIds: heard });
  }

  /** The same party is known by another address or name. */
  renameParty(role: LegRole, party: PartyDescription): void {
    this.#tracker.participantRenamed(this.#participantIds[role], identityOf(party));
  }

  /**
   * Somebody else speaks on the stream of a side, e.g. in a conference that the switch holds.
   * @returns the id for {@link removeParticipant}; it changes with {@link transferred}.
   * @throws MetadataError `REC_ERR_METADATA_LIMIT`, `REC_ERR_METADATA_SESSION_ENDED`.
   */
  addParticipant(role: LegRole, party: PartyDescription, atMs: number): MetadataId {
    const participantId = this.#tracker.participantJoined(atMs, identityOf(party));
    this.#guests = [...this.#guests, { participantId, role }];
    this.#setActivityOf(participantId, role, atMs);
    return participantId;
  }

  /** @returns whether it was one of those added. */
  removeParticipant(participantId: MetadataId, atMs: number): boolean {
    const isGuest = this.#guests.some(guest => guest.participantId === participantId);
    if (isGuest) {
      this.#tracker.participantLeft(atMs, participantId);
      this.#guests = this.#guests.filter(guest => guest.participantId !== participantId);
    }
    return isGuest;
  }

  /**
   * Another party has taken the place of one (transfer, pickup). It sends the same stream: who is on a label never
   * changes sides, only the name behind it does.
   */
  replaceParty(
    role: LegRole,
    participantId: MetadataId,
    party: PartyDescription,
    activity: PartyActivity,
    atMs: number,
  ): void {
    const before = this.#participantIds[role];
    this.#tracker.setSending(atMs, before, []);
    this.#tracker.setReceiving(before, []);
    this.#tracker.participantLeft(atMs, before);
    this.#participantIds[role] = participantId;
    this.#tracker.participantJoined(atMs, { participantId, ...identityOf(party) });
    this.setActivity(role, activity, atMs);
  }

  /**
   * The other party was blindly transferred to somebody, as `sdp-only-then-complete-with-new-ids` wants it: every
   * id and the tracking id are new, the call details name who redirected it to whom. The next document is complete.
   */
  transferred(role: LegRole, party: PartyDescription, activity: PartyActivity, atMs: number): void {
    const { ids, parties, recordedRole } = this.#options;
    const newIds = this.#tracker.renewIds();
    const newIdOf = (id: MetadataId): MetadataId => newIds.get(id) ?? id;
    this.#streamIds = {
      caller: newIdOf(this.#streamIds.caller),
      callee: newIdOf(this.#streamIds.callee),
    };
    this.#participantIds.caller = newIdOf(this.#participantIds.caller);
    this.#participantIds.callee = newIdOf(this.#participantIds.callee);
    this.#guests = this.#guests.map(guest => ({
      ...guest,
      participantId: newIdOf(guest.participantId),
    }));
    const { trackingId } = callDetails(this.#tracker.sessionId, recordedRole, parties);
    this.#call &&= {
      ...this.#call,
      trackingId,
      redirectedCall: {
        newTrackingId: trackingId,
        fromPartyNumber: this.#otherNumber(role),
        toPartyNumber: numberOf(party.aor),
      },
    };
    this.#tellCall();
    this.replaceParty(role, newMetadataId(ids), party, activity, atMs);
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
    return this.#print(this.#tracker.complete());
  }

  /** What changed since the last document, or null; everything again where the dialect knows no partial ones. */
  partial(): string | null {
    const changed = this.#tracker.partial();
    if (changed === null) {
      return null;
    }
    const { updates = this.flow.updates } = this.#options;
    // A dialect without partial documents cannot be made to have them.
    return updates === 'complete' || this.flow.updates === 'complete'
      ? this.complete()
      : this.#print(changed);
  }

  #describeCall(): void {
    const { shared, recordedRole, parties, circumstances } = this.#options;
    this.#call = callDetails(shared.sessionId, recordedRole, parties, circumstances);
    this.#tellCall();
  }

  /** RFC 7865 says who called whom by itself. */
  #tellCall(): void {
    if (this.#call !== null && this.#dialect.name === 'broadworks') {
      this.#tracker.setCallDetails(this.#call);
    }
  }

  #otherNumber(role: LegRole): string | null {
    const call = this.#call;
    return (role === 'caller' ? call?.callingPartyNumber : call?.calledPartyNumber) ?? null;
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

function idOf({ participantId }: { readonly participantId: MetadataId }): MetadataId {
  return participantId;
}
