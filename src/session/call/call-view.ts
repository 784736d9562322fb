import { type LegRole } from '#core';
import { type InviteFacts } from '#sip';

import { type CallView, type PartyView, type RecordingView } from '../live-view';
import { type CallParties } from '../parties/parties-of-call';
import { type SessionSettings } from '../settings';

/** What is known of a call at this moment. */
export interface CallViewFacts extends Pick<
  CallView,
  'callId' | 'arrivedAtMs' | 'answeredAtMs' | 'trunkId' | 'routeId' | 'isAnchored'
> {
  readonly invite: Pick<InviteFacts, 'sipCallId'>;
  readonly parties: Pick<CallParties, 'descriptions' | 'kinds' | 'participants'>;
  readonly findUser: SessionSettings['findUser'];
  /** When the talk was over; null: it is not. */
  readonly endedAtMs: number | null;
  /** What a party sends, dBFS; null: nobody measures it. */
  readonly levelDbfs: (role: LegRole) => number | null;
  readonly recordings: readonly RecordingView[];
}

/** A call as an API shows it. */
export function callView({
  invite,
  parties,
  findUser,
  endedAtMs,
  levelDbfs,
  ...facts
}: CallViewFacts): CallView {
  const party = (role: LegRole): PartyView => ({
    ...parties.descriptions[role],
    kind: parties.kinds[role],
    userId: findUser(parties.descriptions[role].aor)?.userId ?? null,
    levelDbfs: levelDbfs(role),
    participants:
      parties.participants[role]?.map(({ aor, displayName }) => ({ aor, displayName })) ?? null,
  });
  return {
    ...facts,
    sipCallId: invite.sipCallId,
    state: endedAtMs !== null ? 'ending' : facts.answeredAtMs === null ? 'ringing' : 'answered',
    parties: { caller: party('caller'), callee: party('callee') },
  };
}
