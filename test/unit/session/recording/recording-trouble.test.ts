import { RecordingTroubles } from '../../../../src/session/recording/recording-trouble';
import { userPolicy } from '../../../support/user-policy';

function bench(): { troubles: RecordingTroubles; events: string[]; troubled: string[] } {
  const events: string[] = [];
  const troubled: string[] = [];
  const troubles = new RecordingTroubles({
    recordingId: 'r1',
    decision: {
      role: 'caller',
      user: userPolicy('alice', { organisationId: 'acme' }),
      identity: 'sip:alice@example.com',
      identifiedBy: 'From',
      providerId: 'lab',
      mode: 'always',
    },
    emit: (kind, subject, { reason }) => {
      expect(subject).toEqual({
        recordingId: 'r1',
        userId: 'alice',
        organisationId: 'acme',
        providerId: 'lab',
      });
      events.push(`${kind}: ${String(reason)}`);
    },
    troubled: trouble => troubled.push(trouble),
  });
  return { troubles, events, troubled };
}

const attempt = { uri: 'sip:srs', result: 'x', atMs: 1, tookMs: 2 };
const outage = {
  noticedAtMs: 1,
  cause: 'icmp',
  deliveredUntilMs: 1,
  restoredAtMs: null,
  replayedFromMs: null,
} as const;

test.each([
  ['was tried', [], 'srs-not-tried'],
  ['has answered', [{ ...attempt, status: null }], 'srs-silent'],
  ['has taken it', [{ ...attempt, status: 503 }], 'srs-refused'],
])('tells that no SRS %s', (_what, attempts, reason) => {
  const { troubles, events, troubled } = bench();
  troubles.sessionChanged('exhausted', () => ({ attempts, outages: [] }));
  expect(events).toEqual([`recording.failed: ${reason}`]);
  expect(troubled).toEqual(['failed']);
});

test('tells how an SRS was lost, and that another has taken over', () => {
  const { troubles, events, troubled } = bench();
  troubles.sessionChanged('lost', () => ({ attempts: [], outages: [outage] }));
  troubles.sessionChanged('restored', () => null);
  expect(events).toEqual(['recording.lost: icmp', 'recording.restored: srs-restored']);
  expect(troubled).toEqual(['lost', 'restored']);
});

test('the first SRS that takes it is worth telling only when none did before', () => {
  const { troubles, events } = bench();
  troubles.sessionChanged('established', () => null);
  expect(events).toEqual([]);
  troubles.sessionChanged('exhausted', () => ({ attempts: [], outages: [] }));
  troubles.sessionChanged('established', () => null);
  expect(events).toEqual([
    'recording.failed: srs-not-tried',
    'recording.restored: srs-established',
  ]);
});
