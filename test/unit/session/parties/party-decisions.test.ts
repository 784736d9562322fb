import { type CallId, type LegRole, noopLogger } from '#core';
import { type AnswerFacts, type IncomingCall } from '#sip';

import { noopMetrics } from '../../../../src/observability';
import { type CallDeps, type RouteSettings, type TrunkSettings } from '../../../../src/session';
import { decisionFor } from '../../../../src/session/call/call-plan';
import { PartyDecisions } from '../../../../src/session/parties/party-decisions';
import { inviteFor, nameAddr } from '../../../support/invite-facts';
import { ManualClock } from '../../../support/manual-clock';
import { callPolicy, userPolicy } from '../../../support/user-policy';

const TRUNK: TrunkSettings = { trunkId: 'pbx', kind: 'internal', trusted: true, network: 'in' };
const TARGET = { requestUri: 'sip:bob@switch', nextHop: 'sip:switch', answerTimeoutMs: 1000 };
const ROUTE: RouteSettings = {
  routeId: 'routes[0]',
  kind: 'internal',
  trusted: true,
  network: 'in',
  targets: [TARGET],
};
const ANSWER: AnswerFacts = {
  target: TARGET,
  assertedIdentities: [],
  contact: null,
  isRecordAware: false,
};

const INVITE = inviteFor('sip:bob@switch');

interface Bench {
  readonly who: PartyDecisions;
  /** What the recordings of the call were told, in order. */
  readonly told: readonly string[];
  /** Legs on which a recording has begun, or is planned. */
  readonly begun: Set<LegRole>;
  readonly leftOut: () => readonly string[];
}

/** A call of alice to bob at a switch where these are users who are recorded. */
function bench(recorded: readonly string[], route: RouteSettings = ROUTE): Bench {
  const told: string[] = [];
  const begun = new Set<LegRole>();
  let lastId = 0;
  const deps = {
    clock: new ManualClock(),
    ids: { uuid: () => `00000000-0000-4000-8000-${String((lastId += 1)).padStart(12, '0')}` },
    metrics: noopMetrics,
    ledger: { append: () => Promise.resolve() },
    settings: {
      findUser: (uri: string) => {
        const name = /^sip:([a-z]+)@/.exec(uri)?.[1] ?? '';
        return recorded.includes(name) ? userPolicy(name) : null;
      },
      callPolicy: callPolicy({
        voicemail: {
          matchTarget: uri => (uri.startsWith('sip:mailbox@') ? 'mailbox' : null),
          matchPattern: () => null,
          redirectCauses: new Set(),
        },
      }),
      maxReportedLossRatio: 0.01,
    },
  } as unknown as CallDeps;
  const call = { id: 'call-1' as CallId, invite: INVITE } as IncomingCall;
  const decided = decisionFor(INVITE, TRUNK, route, deps.settings);
  const who = new PartyDecisions(call, TRUNK, route, decided, deps, noopLogger, {
    isPlanned: role => begun.has(role),
    hasBegun: role => begun.has(role),
    partyReplaced: (role, how) => told.push(`${role} ${how}`),
    record: ({ decision }) => told.push(`record ${decision.user.userId} as ${decision.role}`),
  });
  const end = { by: 'caller', status: 200, answered: true, cause: 'bye', reason: null } as const;
  return {
    who,
    told,
    begun,
    leftOut: () => {
      const names: string[] = [];
      who.concludeLeftOut({ end, answeredAtMs: 1, endedAtMs: 2 }, ({ userId }, reason) =>
        names.push(`${userId ?? ''}: ${reason}`),
      );
      return names;
    },
  };
}

describe('who is recorded of a call', () => {
  test('is planned when it arrives, caller first', () => {
    const { who } = bench(['alice', 'bob']);
    expect(who.plannedAtArrival.map(({ decision }) => decision.user.userId)).toEqual([
      'alice',
      'bob',
    ]);
  });

  test('stays when the one who was called answers', () => {
    const { who, told } = bench(['bob']);
    who.answered(ANSWER, 5);
    expect(told).toEqual([]);
  });

  test('is decided again when somebody else answers', () => {
    const { who, told } = bench(['bob', 'carol']);
    who.answered({ ...ANSWER, assertedIdentities: [nameAddr('sip:carol@switch')] }, 5);
    expect(told).toEqual(['callee replaced', 'record carol as callee']);
    expect(who.parties.descriptions.callee.aor).toBe('sip:carol@switch');
  });

  test('does not follow identities that the answering side cannot be believed', () => {
    const { who, told } = bench(['bob', 'carol'], { ...ROUTE, trusted: false });
    who.answered({ ...ANSWER, assertedIdentities: [nameAddr('sip:carol@switch')] }, 5);
    who.identityChanged('callee', [nameAddr('sip:carol@switch')]);
    expect(told).toEqual([]);
  });

  test('is decided again when a party is transferred or picked up', () => {
    const { who, told } = bench(['carol', 'dave']);
    who.answered(ANSWER, 5);
    who.identityChanged('callee', [nameAddr('sip:carol@switch')]);
    who.transferred('caller', {
      ...nameAddr('sip:dave@switch'),
      assertedIdentities: [],
      isAttended: false,
    });
    expect(told).toEqual([
      'callee replaced',
      'record carol as callee',
      'caller transferred',
      'record dave as caller',
    ]);
  });

  test('is not decided again for the same party', () => {
    const { who, told } = bench(['bob']);
    who.answered(ANSWER, 5);
    who.identityChanged('callee', [nameAddr('sip:bob@switch:5062')]);
    expect(told).toEqual([]);
  });
});

describe('a mailbox that answers', () => {
  const byMailbox: AnswerFacts = {
    ...ANSWER,
    assertedIdentities: [nameAddr('sip:mailbox@switch')],
  };

  test('leaves out whose recordings leave mailboxes out, and is nobody else', () => {
    const { who, told, leftOut } = bench(['bob']);
    who.answered(byMailbox, 5);
    expect(who.voicemail).not.toBeNull();
    expect(told).toEqual([]);
    expect(leftOut()).toEqual(['bob: voicemail']);
  });

  test('does not leave out whose recording has begun', () => {
    const { who, begun, leftOut } = bench(['bob']);
    begun.add('callee');
    who.answered(byMailbox, 5);
    expect(leftOut()).toEqual([]);
  });

  test('is over for the other party when somebody comes in its place', () => {
    const { who, told, leftOut } = bench(['alice']);
    who.answered(byMailbox, 5);
    who.identityChanged('callee', [nameAddr('sip:carol@switch')]);
    expect(who.voicemail).toBeNull();
    expect(told).toEqual(['callee replaced', 'record alice as caller']);
    expect(leftOut()).toEqual([]);
  });
});
