import { type CallId, type RecordingId } from '#core';
import { type IncomingCall } from '#sip';

import { type LedgerRecord } from '../../../../src/ledger';
import { RecordingAccount } from '../../../../src/session/recording/recording-account';
import { userPolicy } from '../../../support/user-policy';

const BEGUN_MS = Date.UTC(2026, 0, 2, 3, 4, 5);

function openAccount(): RecordingAccount {
  return new RecordingAccount({
    call: { id: 'call-1' as CallId, invite: { sipCallId: 'sip-1@x' } } as IncomingCall,
    recordingId: 'rec-1' as RecordingId,
    decision: {
      role: 'caller',
      user: userPolicy('alice'),
      identity: 'sip:alice@example.com',
      identifiedBy: 'P-Asserted-Identity',
      providerId: 'p1',
      mode: 'always',
    },
    maxReportedLossRatio: 0.01,
  });
}

function recordOf(account: RecordingAccount): LedgerRecord {
  return account.record({
    facts: null,
    end: { by: 'callee', status: 200, answered: true, cause: 'bye', reason: null },
    answeredAtMs: BEGUN_MS,
    endedAtMs: BEGUN_MS + 9000,
    isAnchored: true,
  });
}

describe('RecordingAccount', () => {
  test('an interval ends where the next one begins', () => {
    const account = openAccount();
    account.markInterval('recording', BEGUN_MS);
    account.markInterval('paused', BEGUN_MS + 2000);
    account.markInterval('recording', BEGUN_MS + 5000);
    account.markInterval(null, BEGUN_MS + 9000);
    expect(recordOf(account).intervals).toEqual([
      {
        startAt: '2026-01-02T03:04:05.000Z',
        endAt: '2026-01-02T03:04:07.000Z',
        state: 'recording',
      },
      { startAt: '2026-01-02T03:04:07.000Z', endAt: '2026-01-02T03:04:10.000Z', state: 'paused' },
      {
        startAt: '2026-01-02T03:04:10.000Z',
        endAt: '2026-01-02T03:04:14.000Z',
        state: 'recording',
      },
    ]);
  });

  test('what has ended does not end again', () => {
    const account = openAccount();
    account.markInterval('recording', BEGUN_MS);
    account.markInterval(null, BEGUN_MS + 1000);
    account.markInterval(null, BEGUN_MS + 2000);
    expect(recordOf(account).intervals).toMatchObject([{ endAt: '2026-01-02T03:04:06.000Z' }]);
  });

  test('the first failure counts', () => {
    const account = openAccount();
    expect(account.failure).toBeNull();
    expect(account.fail('no-media')).toBe(true);
    expect(account.fail('media-lost')).toBe(false);
    expect(account.failure).toBe('no-media');
    expect(recordOf(account)).toMatchObject({ verdict: 'failed' });
  });

  test('a remark is told once', () => {
    const account = openAccount();
    expect(account.remark('no codec can carry notices')).toBe(true);
    expect(account.remark('no codec can carry notices')).toBe(false);
    expect(recordOf(account).remarks).toEqual(['no codec can carry notices']);
  });

  test('who is on the other side is told when the list is another than before, the newest 50 lists', () => {
    const account = openAccount();
    account.participants(['sip:bob@x', 'sip:carol@x'], BEGUN_MS);
    account.participants(['sip:bob@x', 'sip:carol@x'], BEGUN_MS + 1000);
    account.participants([], BEGUN_MS + 2000);
    expect(recordOf(account).participants).toEqual([
      { at: '2026-01-02T03:04:05.000Z', present: ['sip:bob@x', 'sip:carol@x'] },
      { at: '2026-01-02T03:04:07.000Z', present: [] },
    ]);
    for (let n = 1; n <= 60; n++) {
      account.participants([`sip:${n}@x`], BEGUN_MS + 3000);
    }
    const present = recordOf(account).participants.flatMap(each => each.present);
    expect(present).toEqual(Array.from({ length: 50 }, (_unused, n) => `sip:${n + 11}@x`));
  });

  test('the newest 200 controls are told', () => {
    const account = openAccount();
    for (let n = 1; n <= 250; n++) {
      account.controlled({
        at: new Date(BEGUN_MS + n).toISOString(),
        action: 'pause',
        by: 'recorded-party',
        via: 'info',
        outcome: 'unchanged',
      });
    }
    const { controls } = recordOf(account);
    expect(controls).toHaveLength(200);
    expect(controls[0]?.at).toBe(new Date(BEGUN_MS + 51).toISOString());
  });
});
