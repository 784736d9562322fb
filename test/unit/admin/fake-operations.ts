import {
  type AdminOperations,
  type ChangeAnswer,
  type ParticipantChange,
  type UserView,
} from '../../../src/admin';
import {
  type CallView,
  type ControlAnswer,
  type ControlRequest,
  type ParticipantsOutcome,
} from '../../../src/session';

/** A call between two parties of which the caller is recorded. */
export function callView(callId: string, changes: Partial<CallView> = {}): CallView {
  return {
    callId,
    sipCallId: `sip-${callId}`,
    state: 'answered',
    arrivedAtMs: 1000,
    answeredAtMs: 2000,
    trunkId: 'phones',
    routeId: 'routes[0]',
    isAnchored: true,
    parties: {
      caller: {
        aor: 'sip:alice@example.com',
        displayName: 'Alice',
        kind: 'internal',
        userId: 'alice',
        levelDbfs: null,
        participants: null,
      },
      callee: {
        aor: 'tel:+4930123456',
        displayName: null,
        kind: 'pstn',
        userId: null,
        levelDbfs: null,
        participants: null,
      },
    },
    recordings: [
      {
        recordingId: `rec-${callId}`,
        userId: 'alice',
        organisationId: 'acme',
        providerId: 'lab',
        role: 'caller',
        mode: 'always-with-pause-resume',
        phase: 'on',
        keep: 'kept',
        session: 'established',
        startedAtMs: 2000,
        actions: ['pause', 'resume'],
        notices: [{ kind: 'start', startedAtMs: 2000, endedAtMs: 3000, heardBy: ['callee'] }],
      },
    ],
    ...changes,
  };
}

export function userView(userId: string, organisationId = 'acme'): UserView {
  return {
    userId,
    organisationId,
    locationId: null,
    identities: [`sip:${userId}@example.com`],
    mode: 'always',
    providerId: 'lab',
    notRecordedBecause: null,
    recording: { mode: 'always', reminderTone: { enabled: true } },
  };
}

export interface FakeOperations extends AdminOperations {
  views: CallView[];
  outcome: ControlAnswer['outcome'];
  participantsOutcome: ParticipantsOutcome;
  answer: ChangeAnswer;
  known: UserView[];
  /** What was asked for, in order. */
  readonly asked: unknown[];
}

/** A gateway in memory. */
export function fakeOperations(): FakeOperations {
  const asked: unknown[] = [];
  const fake: FakeOperations = {
    views: [callView('c1')],
    outcome: 'done',
    participantsOutcome: 'done',
    answer: { ok: true },
    known: [userView('alice'), userView('bob'), userView('bob', 'other')],
    asked,
    calls: () => fake.views,
    call: callId => fake.views.find(each => each.callId === callId) ?? null,
    control: (callId: string, request: ControlRequest) => {
      asked.push({ callId, ...request });
      return Promise.resolve({ outcome: fake.outcome });
    },
    watchLevels: (callId, on) => asked.push({ callId, on }),
    setParticipants: (callId, participants: readonly ParticipantChange[], userId) => {
      asked.push({ callId, participants, userId });
      return fake.call(callId) === null ? 'refused-unknown' : fake.participantsOutcome;
    },
    providers: () => [
      {
        providerId: 'lab',
        state: 'up',
        targets: ['sip:srs@192.0.2.9'],
        deadTargets: [],
        openRecordings: 1,
        lastSuccessAtMs: 1,
        lastFailureAtMs: null,
        lastFailure: null,
      },
    ],
    users: {
      list: ({ organisationId, after, limit }) =>
        fake.known
          .filter(user => organisationId === null || user.organisationId === organisationId)
          .filter(user => after === null || `${user.organisationId}/${user.userId}` > after)
          .slice(0, limit),
      find: userId => fake.known.filter(user => user.userId === userId),
      platform: () => ({ serviceProvider: 'sp', externalGroup: 'g', externalIdentifier: 'i' }),
      change: (organisationId, userId, change) => {
        asked.push({ organisationId, userId, change });
        return Promise.resolve(fake.answer);
      },
    },
    reload: () => Promise.resolve(fake.answer),
    drain: () => asked.push('drain'),
  };
  return fake;
}
