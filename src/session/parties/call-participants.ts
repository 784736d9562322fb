import { type LegRole, otherRole } from '#core';

import { type PartyDescription } from './party-description';
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

/** Who has come and who has gone on one side of a call; addresses. */
export interface ParticipantsChange {
  readonly role: LegRole;
  readonly present: readonly string[];
  readonly joined: readonly string[];
  readonly left: readonly string[];
}

/** A recorded party, whose recorder is told who else is in the call. */
export interface ToldOfParticipants {
  readonly decision: { readonly role: LegRole };
  participantsChanged(change: ParticipantsChange, atMs: number): void;
}

/**
 * Tells the recorders of these parties who is on the other side now, all of them. The recorded party itself may be named
 * as well: it stays alone on its own stream.
 * @param named distinct, at most {@link MAX_PARTICIPANTS}.
 */
export function tellParticipants(
  named: readonly PartyDescription[],
  recorded: readonly ToldOfParticipants[],
  parties: PartiesOfCall,
  atMs: number,
): void {
  const people = named.map(({ aor, displayName }) => ({
    aor: addressOfRecord(aor),
    displayName,
  }));
  for (const party of recorded) {
    const own = parties.descriptions[party.decision.role].aor;
    const role = otherRole(party.decision.role);
    const before = addressesOn(role, parties);
    parties.setParticipants(
      role,
      people.filter(({ aor }) => aor !== own),
    );
    const present = addressesOn(role, parties);
    const joined = present.filter(aor => !before.includes(aor));
    const left = before.filter(aor => !present.includes(aor));
    party.participantsChanged({ role, present, joined, left }, atMs);
  }
}

function addressesOn(role: LegRole, parties: PartiesOfCall): readonly string[] {
  return (parties.participants[role] ?? [parties.descriptions[role]]).map(({ aor }) => aor);
}
