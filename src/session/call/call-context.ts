import { type LegRole, type Logger, type NetworkKind } from '#core';
import { type MediaCall } from '#media';
import { type IncomingCall } from '#sip';

import { type BarredUsers } from '../parties/barred-users';
import { type CallCircumstances } from '../parties/call-details';
import { type CallDeps } from '../deps';
import { type RecordingEventKind, type RecordingEventView } from '../live-view';
import {
  type PartyDescription,
  type SharedMetadataIds,
  type SideParticipant,
} from '../parties/party-description';
import { type CallLegs } from './call-legs';

/** What a recording event is about; the call alone, when nothing else is named. */
export type EventSubject = Partial<
  Pick<RecordingEventView, 'recordingId' | 'userId' | 'organisationId' | 'providerId'>
>;

/** What all parts of one call with media share. */
export interface CallContext {
  readonly call: IncomingCall;
  readonly media: MediaCall;
  readonly legs: CallLegs;
  readonly parties: CallParties;
  readonly barred: BarredUsers;
  readonly deps: CallDeps;
  readonly logger: Logger;
  /** Tells whoever listens what has happened. */
  emit(kind: RecordingEventKind, subject: EventSubject, facts: RecordingEventView['facts']): void;
}

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
