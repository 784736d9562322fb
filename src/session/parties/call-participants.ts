import { otherRole } from '#core';

import { type RecordedParty } from '../recording/recorded-party';
import { type PartyDescription } from '../recording/recording-metadata';
import { addressOfRecord } from './address-of-record';
import { type PartiesOfCall } from './parties-of-call';

/** Others in a call beside the recorded party: more do not fit into a document (see MetadataTracker). */
export const MAX_PARTICIPANTS = 30;

/**
 * What became of a list of participants: `refused-unknown` (no such call, or that user is not recorded in it),
 * `refused-not-answered`, `refused-not-recorded` (nobody is, or the talk is over), `refused-duplicate` (an address twice).
 */
export type ParticipantsOutcome =
  | 'done'
  | 'refused-unknown'
  | 'refused-not-answered'
  | 'refused-not-recorded'
  | 'refused-duplicate';

/** Whether all are different people. Pure. */
export function areDistinct(named: readonly PartyDescription[]): boolean {
  return new Set(named.map(({ aor }) => addressOfRecord(aor))).size === named.length;
}

/**
 * Tells the recorders of these parties who is on the other side now, all of them. The recorded party itself may be named
 * as well: it stays alone on its own stream.
 * @param named distinct, at most {@link MAX_PARTICIPANTS}.
 */
export function tellParticipants(
  named: readonly PartyDescription[],
  recorded: readonly RecordedParty[],
  parties: PartiesOfCall,
  atMs: number,
): void {
  const people = named.map(({ aor, displayName }) => ({
    aor: addressOfRecord(aor),
    displayName,
  }));
  for (const party of recorded) {
    const own = parties.descriptions[party.decision.role].aor;
    parties.setParticipants(
      otherRole(party.decision.role),
      people.filter(({ aor }) => aor !== own),
    );
    party.participantsChanged(atMs);
  }
}
