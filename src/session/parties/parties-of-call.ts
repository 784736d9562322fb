import { type IdSource, type LegRole, type NetworkKind } from '#core';
import { newMetadataId } from '#metadata';
import { type IncomingCall } from '#sip';

import { type RouteSettings, type TrunkSettings } from '../settings';
import {
  newSharedMetadataIds,
  type PartyDescription,
  type SharedMetadataIds,
  type SideParticipant,
} from './party-description';
import { addressOfRecord } from './address-of-record';
import { type CallCircumstances, circumstancesOf } from './call-details';

/** How a party came to another's place: its own switch, or a second phone, says so; or by a blind transfer. */
export type PartyChange = 'replaced' | 'transferred';

/** Who is in the call now. Changes as parties are replaced. */
export interface CallParties {
  readonly descriptions: Readonly<Record<LegRole, PartyDescription>>;
  readonly kinds: Readonly<Record<LegRole, NetworkKind>>;
  readonly shared: SharedMetadataIds;
  /** When the call was answered, or began to be recorded; null: neither yet. */
  readonly sessionStartedAtMs: number | null;
  /** Since when each party is in the call; null: since it began. */
  readonly joinedAtMs: Readonly<Record<LegRole, number | null>>;
  /** What its INVITE has told of how the call came about. */
  readonly circumstances: CallCircumstances;
  /** Everybody on a side, as the switch that holds the conference has told; null: the leg's peer alone. */
  readonly participants: Readonly<Record<LegRole, readonly SideParticipant[] | null>>;
}

/** Keeps account of who is in a call, and since when. */
export class PartiesOfCall implements CallParties {
  readonly descriptions: Record<LegRole, PartyDescription>;
  readonly kinds: Record<LegRole, NetworkKind>;
  readonly shared: SharedMetadataIds;
  readonly joinedAtMs: Record<LegRole, number | null> = { caller: null, callee: null };
  readonly participants: Record<LegRole, readonly SideParticipant[] | null> = {
    caller: null,
    callee: null,
  };
  sessionStartedAtMs: number | null = null;
  readonly circumstances: CallCircumstances;
  readonly #ids: IdSource;

  /** Who the parties are when the call arrives. */
  constructor(call: IncomingCall, trunk: TrunkSettings, route: RouteSettings, ids: IdSource) {
    const { invite } = call;
    const asserted = trunk.trusted ? invite.assertedIdentities[0] : undefined;
    this.#ids = ids;
    this.circumstances = circumstancesOf(invite, trunk.trusted);
    this.shared = newSharedMetadataIds(ids);
    this.kinds = { caller: trunk.kind, callee: route.kind };
    this.descriptions = {
      caller: {
        aor: addressOfRecord(asserted?.uri ?? invite.from.uri),
        displayName: asserted?.displayName ?? invite.from.displayName,
      },
      callee: {
        aor: addressOfRecord(invite.requestUri),
        displayName: invite.to.displayName,
      },
    };
  }

  /**
   * Somebody else is on a leg, from now on. @returns false when it is the same party as before.
   * @param isTransfer by a blind transfer.
   */
  replace(
    role: LegRole,
    uri: string,
    displayName: string | null,
    atMs: number,
    isTransfer = false,
  ): boolean {
    const aor = addressOfRecord(uri);
    if (aor === this.descriptions[role].aor) {
      return false;
    }
    this.descriptions[role] = { aor, displayName };
    // Whoever else was there was there with the one who has gone.
    this.participants[role] = null;
    this.shared.participantIds[role] = newMetadataId(this.#ids);
    if (isTransfer) {
      this.shared.sinceTransferSessionId = newMetadataId(this.#ids);
    }
    this.joinedAtMs[role] = this.sessionStartedAtMs === null ? null : atMs;
    return true;
  }

  /** Everybody who is on a side now, addresses different from one another; who stays keeps the id, the leg's peer its own. */
  setParticipants(role: LegRole, named: readonly PartyDescription[]): void {
    const peer = { participantId: this.shared.participantIds[role], ...this.descriptions[role] };
    const known = [peer, ...(this.participants[role] ?? [])];
    this.participants[role] = named.map(each => {
      const participantId = known.find(({ aor }) => aor === each.aor)?.participantId;
      return { ...each, participantId: participantId ?? newMetadataId(this.#ids) };
    });
  }
}
