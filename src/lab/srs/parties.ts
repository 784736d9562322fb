import { type NameId, type SrsView } from '#metadata';

/** A party that is heard in a stream, as the metadata tells it (RFC 7865 §6.8). */
export interface StreamParty {
  readonly aor: string;
  readonly name: string | null;
}

/**
 * Who sends into the stream with that label: from the label to the stream, from the stream to the participants
 * that send it. Never by order: SRCs list participants as they like.
 */
export function partiesOfLabel(view: SrsView | null, label: string): StreamParty[] {
  const metadata = view?.metadata;
  if (metadata === undefined) {
    return [];
  }
  const streamIds = metadata.streams
    .filter(stream => stream.label === label)
    .map(stream => stream.streamId);
  const senders = metadata.participantStreamAssociations
    .filter(association => association.send.some(id => streamIds.includes(id)))
    .map(association => association.participantId);
  return metadata.participants
    .filter(participant => senders.includes(participant.participantId))
    .flatMap(participant => participant.nameIds.slice(0, 1).map(partyOf));
}

function partyOf({ aor, name }: NameId): StreamParty {
  return { aor, name };
}
