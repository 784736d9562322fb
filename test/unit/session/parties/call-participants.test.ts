import { type IncomingCall, type InviteFacts } from '#sip';

import { type RouteSettings, type TrunkSettings } from '../../../../src/session';
import {
  areDistinct,
  type ParticipantsChange,
  tellParticipants,
  type ToldOfParticipants,
} from '../../../../src/session/parties/call-participants';
import { PartiesOfCall } from '../../../../src/session/parties/parties-of-call';

const ALICE = 'sip:alice@example.com';
const BOB = 'sip:bob@example.com';
const CAROL = 'sip:carol@example.com';

function bench(): (...aors: string[]) => ParticipantsChange | undefined {
  const from = { uri: ALICE, displayName: null, params: {} };
  const to = { uri: BOB, displayName: null, params: {} };
  const invite = { from, to, requestUri: BOB, assertedIdentities: [], diversions: [] };
  let lastId = 0;
  const parties = new PartiesOfCall(
    { invite: invite as unknown as InviteFacts } as IncomingCall,
    { trusted: false, kind: 'internal' } as TrunkSettings,
    { kind: 'internal' } as RouteSettings,
    { uuid: () => `00000000-0000-4000-8000-${String((lastId += 1)).padStart(12, '0')}` },
  );
  const changes: ParticipantsChange[] = [];
  const recorded: ToldOfParticipants = {
    decision: { role: 'caller' },
    participantsChanged: change => changes.push(change),
  };
  return (...aors) => {
    const named = aors.map(aor => ({ aor, displayName: null }));
    tellParticipants(named, [recorded], parties, 1000);
    return changes.at(-1);
  };
}

describe('participants whom a switch tells', () => {
  test('are compared with the peer of the leg first, then with who was told before', () => {
    const tell = bench();
    expect(tell(BOB, CAROL)).toEqual({
      role: 'callee',
      present: [BOB, CAROL],
      joined: [CAROL],
      left: [],
    });
    expect(tell(CAROL)).toEqual({ role: 'callee', present: [CAROL], joined: [], left: [BOB] });
    expect(tell(CAROL)).toMatchObject({ joined: [], left: [] });
    expect(tell()).toMatchObject({ present: [], left: [CAROL] });
  });

  test('do not include the recorded party, and are known by their public addresses', () => {
    expect(bench()(ALICE, `${BOB}:5070;transport=tcp`)).toEqual({
      role: 'callee',
      present: [BOB],
      joined: [],
      left: [],
    });
  });

  test('are different people when their public addresses differ', () => {
    const named = [BOB, `${BOB}:5070`].map(aor => ({ aor, displayName: null }));
    expect(areDistinct(named)).toBe(false);
    expect(areDistinct(named.slice(1))).toBe(true);
  });
});
