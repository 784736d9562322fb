import { type IdSource, type LegRole } from '#core';
import { type MetadataId, newMetadataId } from '#metadata';

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
  /** Of the session since the last blind transfer, in dialects that tell it as another call; null: there was none. */
  sinceTransferSessionId: MetadataId | null;
}

export function newSharedMetadataIds(ids: IdSource): SharedMetadataIds {
  return {
    sessionId: newMetadataId(ids),
    participantIds: { caller: newMetadataId(ids), callee: newMetadataId(ids) },
    sinceTransferSessionId: null,
  };
}

/** Somebody on one side of a call: the leg's own peer, or one of those behind it (a conference that a switch holds). */
export interface SideParticipant extends PartyDescription {
  readonly participantId: MetadataId;
}

/** Whether a party's words go out, and whether it hears the other's. */
export interface PartyActivity {
  readonly sends: boolean;
  readonly receives: boolean;
}
