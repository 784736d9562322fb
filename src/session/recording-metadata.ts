import { type IdSource, type LegRole, otherRole } from '#core';
import { type MetadataId, MetadataTracker, newMetadataId, toXml } from '#metadata';

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
}

/** The rs-metadata of one recording (RFC 7865): facts of the call in, documents out. */
export class RecordingMetadata {
  readonly #tracker: MetadataTracker;
  readonly #options: RecordingMetadataOptions;
  readonly #streamIds: Readonly<Record<LegRole, MetadataId>>;
  readonly #participantIds: Record<LegRole, MetadataId>;
  #replacedCharacters = 0;

  constructor(options: RecordingMetadataOptions) {
    this.#options = options;
    this.#streamIds = { caller: newMetadataId(options.ids), callee: newMetadataId(options.ids) };
    // Until the recording begins, who is in the call may still change.
    this.#participantIds = { ...options.shared.participantIds };
    this.#tracker = new MetadataTracker({
      sessionId: options.shared.sessionId,
      ids: options.ids,
      ...(options.sipSessionId === null ? {} : { sipSessionId: options.sipSessionId }),
    });
  }

  /** Characters that XML cannot carry and that were replaced so far. */
  get replacedCharacters(): number {
    return this.#replacedCharacters;
  }

  /** The call was answered and its recording begins: both parties are in it, each sending one stream. */
  begin(atMs: number): void {
    const { recordedRole, parties } = this.#options;
    const other = otherRole(recordedRole);
    Object.assign(this.#participantIds, this.#options.shared.participantIds);
    this.#tracker.sessionStarted(atMs);
    this.#tracker.recordingStarted(atMs);
    for (const role of [recordedRole, other]) {
      this.#tracker.participantJoined(atMs, {
        participantId: this.#participantIds[role],
        aor: parties[role].aor,
        name: parties[role].displayName,
      });
    }
    this.#tracker.streamAdded({
      streamId: this.#streamIds[recordedRole],
      label: RECORDED_PARTY_LABEL,
    });
    this.#tracker.streamAdded({ streamId: this.#streamIds[other], label: OTHER_PARTY_LABEL });
    this.setActivity(recordedRole, { sends: true, receives: true }, atMs);
    this.setActivity(other, { sends: true, receives: true }, atMs);
  }

  /** Whether a party sends its stream and hears the other's, e.g. while it is held (RFC 8068 §3.2.2). */
  setActivity(
    role: LegRole,
    activity: { readonly sends: boolean; readonly receives: boolean },
    atMs: number,
  ): void {
    const participantId = this.#participantIds[role];
    const ownStream = this.#streamIds[role];
    const otherStream = this.#streamIds[otherRole(role)];
    this.#tracker.setSending(atMs, participantId, activity.sends ? [ownStream] : []);
    this.#tracker.setReceiving(participantId, activity.receives ? [otherStream] : []);
  }

  /**
   * Another party has taken the place of one (transfer, pickup). It sends the same stream: who is on a label never
   * changes sides, only the name behind it does.
   */
  replaceParty(
    role: LegRole,
    participantId: MetadataId,
    party: PartyDescription,
    activity: { readonly sends: boolean; readonly receives: boolean },
    atMs: number,
  ): void {
    const before = this.#participantIds[role];
    this.#tracker.setSending(atMs, before, []);
    this.#tracker.setReceiving(before, []);
    this.#tracker.participantLeft(atMs, before);
    this.#participantIds[role] = participantId;
    this.#tracker.participantJoined(atMs, {
      participantId,
      aor: party.aor,
      name: party.displayName,
    });
    this.setActivity(role, activity, atMs);
  }

  /** The call is over: everybody has left. */
  end(atMs: number, reason: { readonly cause: number; readonly text: string } | null): void {
    this.#tracker.sessionEnded(atMs, reason ?? undefined);
  }

  /** A complete document (RFC 7865 §5); resets what the next partial one is counted from. */
  complete(): string {
    return this.#print(this.#tracker.complete());
  }

  /** What changed since the last document, or null. */
  partial(): string | null {
    const changed = this.#tracker.partial();
    return changed === null ? null : this.#print(changed);
  }

  #print(document: ReturnType<MetadataTracker['complete']>): string {
    const { xml, replacedCharacters } = toXml(document);
    this.#replacedCharacters += replacedCharacters;
    return xml;
  }
}
