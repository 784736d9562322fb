import { type CallId, type LegRole } from '#core';
import { type RecordingStreamReport } from '#media';
import { type IncomingCall, type SrsStreamAnswer } from '#sip';

import { type LedgerRecord } from '../../../../src/ledger';
import {
  ledgerRecord,
  type LedgerRecordFacts,
} from '../../../../src/session/recording/ledger-record';
import {
  type RecordingFacts,
  type SrsAttempt,
} from '../../../../src/session/recording-session/recording-session';
import { userPolicy } from '../../../support/user-policy';

const ANSWERED_MS = Date.UTC(2026, 0, 2, 3, 4, 5);
const ANSWERED = '2026-01-02T03:04:05.000Z';
const ENDED = '2026-01-02T03:05:05.000Z';

const ACCEPTED: SrsStreamAnswer = {
  rtp: { host: '192.0.2.9', port: 7000 },
  rtcp: null,
  rtcpMux: false,
  sends: false,
  receives: true,
  formats: [],
};

const ESTABLISHED: SrsAttempt = {
  uri: 'sip:srs1',
  result: 'established',
  status: null,
  atMs: ANSWERED_MS,
  tookMs: 20,
};
const REFUSED: SrsAttempt = { ...ESTABLISHED, result: 'REC_ERR_SIP_SRS_REFUSED', status: 486 };
const SILENT: SrsAttempt = { ...ESTABLISHED, result: 'REC_ERR_SIP_SRS_TIMEOUT' };

function stream(
  label: string,
  changes: Partial<RecordingStreamReport> = {},
): RecordingStreamReport {
  return {
    label,
    packetsCaptured: 100,
    packetsSent: 100,
    bytesSent: 17_200,
    packetsOverflowed: 0,
    packetsUnaccepted: 0,
    packetsTranscoded: 0,
    packetsOfSilence: 0,
    sentPayloadType: null,
    packetsReplayed: 0,
    packetsPending: 0,
    firstPacketAtMs: ANSWERED_MS + 10,
    lastPacketAtMs: ANSWERED_MS + 2000,
    lastReceiverReport: null,
    lastReceiverReportAtMs: null,
    ...changes,
  };
}

function sessionFacts(changes: Partial<RecordingFacts> = {}): RecordingFacts {
  return {
    state: 'ended',
    attempts: [ESTABLISHED],
    startedAtMs: ANSWERED_MS,
    establishedAtMs: ANSWERED_MS + 20,
    stoppedAtMs: ANSWERED_MS + 60_000,
    lostAtMs: null,
    lostReason: null,
    outages: [],
    withheld: [],
    pauses: { filled: false, unfillable: false },
    unreachableLabels: [],
    answers: [ACCEPTED, ACCEPTED],
    report: { streams: [stream('1'), stream('2')] },
    replacedCharacters: 0,
    ...changes,
  };
}

/** No SRS took the recording. */
function unreached(attempts: readonly SrsAttempt[]): RecordingFacts {
  const waiting = { packetsSent: 0, bytesSent: 0, packetsPending: 100 };
  return sessionFacts({
    state: 'failed',
    attempts,
    establishedAtMs: null,
    answers: [],
    report: { streams: [stream('1', waiting), stream('2', waiting)] },
  });
}

function record(changes: Partial<LedgerRecordFacts> & { role?: LegRole } = {}): LedgerRecord {
  const { role = 'caller', ...rest } = changes;
  const call = { id: 'call-1' as CallId, invite: { sipCallId: 'sip-1@x' } } as IncomingCall;
  return ledgerRecord({
    call,
    recordingId: 'rec-1',
    decision: {
      role,
      user: userPolicy('alice', { organisationId: 'acme', locationId: 'berlin', providerId: 'p1' }),
      identity: 'sip:alice@example.com',
      identifiedBy: 'P-Asserted-Identity',
      providerId: 'p1',
      mode: 'always',
    },
    facts: sessionFacts(),
    failure: null,
    isAnchored: true,
    answeredAtMs: ANSWERED_MS,
    endedAtMs: ANSWERED_MS + 60_500,
    maxReportedLossRatio: 0.01,
    end: { by: 'callee', status: 200, answered: true, cause: 'bye', reason: null },
    ...rest,
  });
}

describe('ledgerRecord', () => {
  test('accounts for a recording that was delivered in full', () => {
    expect(record()).toMatchObject({
      version: 1,
      recordingId: 'rec-1',
      callId: 'call-1',
      sipCallId: 'sip-1@x',
      provider: 'p1',
      srsAttempts: [ESTABLISHED],
      recordedParty: {
        identity: 'sip:alice@example.com',
        role: 'caller',
        identifiedBy: 'P-Asserted-Identity',
      },
      policy: {
        mode: 'always',
        why: 'user alice of organisation acme has mode always',
        userId: 'alice',
        organisationId: 'acme',
        locationId: 'berlin',
      },
      startedAt: ANSWERED,
      endedAt: ENDED,
      verdict: 'recorded',
      verdictReasons: ['complete'],
      gaps: [],
      endedBy: 'callee: bye',
    });
  });

  test.each([
    ['caller', 'recorded party (caller)', 'other party (callee)'],
    ['callee', 'recorded party (callee)', 'other party (caller)'],
  ] as const)('says who is on which stream when the %s is recorded', (role, first, second) => {
    expect(record({ role }).streams.map(({ label, party }) => [label, party])).toEqual([
      ['1', first],
      ['2', second],
    ]);
  });

  test('takes over the counts and times of a stream', () => {
    const report = stream('1', {
      packetsCaptured: 50,
      packetsSent: 40,
      packetsOverflowed: 5,
      packetsUnaccepted: 3,
      packetsPending: 2,
      lastReceiverReport: { packetsLost: 4, fractionLost: 0.1, jitterMs: 2 },
    });
    const silent = stream('2', {
      packetsCaptured: 0,
      packetsSent: 0,
      firstPacketAtMs: null,
      lastPacketAtMs: null,
    });
    expect(
      record({ facts: sessionFacts({ report: { streams: [report, silent] } }) }),
    ).toMatchObject({
      verdict: 'partial',
      streams: [
        {
          label: '1',
          packetsCaptured: 50,
          packetsSent: 40,
          bytesSent: 17_200,
          packetsOverflowed: 5,
          packetsUnaccepted: 3,
          packetsPending: 2,
          firstPacketAt: '2026-01-02T03:04:05.010Z',
          lastPacketAt: '2026-01-02T03:04:07.000Z',
          lossBySrsReports: { packetsLost: 4, fractionLost: 0.1 },
        },
        { label: '2', firstPacketAt: null, lastPacketAt: null, lossBySrsReports: null },
      ],
    });
  });

  test('names the stream that the SRS refused', () => {
    const refused = sessionFacts({
      answers: [ACCEPTED, null],
      report: { streams: [stream('1'), stream('2', { packetsSent: 0, packetsPending: 100 })] },
    });
    const made = record({ facts: refused });
    expect(made.verdict).toBe('partial');
    expect(made.verdictReasons).toContain('stream-refused');
    expect(made.verdictText).toContain('did not take stream 2');
  });

  test('takes a stream of which the SRS said nothing for refused', () => {
    const made = record({ facts: sessionFacts({ answers: [ACCEPTED] }) });
    expect(made.verdictText).toContain('did not take stream 2');
  });

  test('names the stream whose port was closed', () => {
    const made = record({ facts: sessionFacts({ unreachableLabels: ['2'] }) });
    expect(made.verdict).toBe('partial');
    expect(made.verdictReasons).toEqual(['stream-unreachable']);
    expect(made.verdictText).toContain('stream 2');
  });

  test('does not take duplicates that a receiver report shows for loss', () => {
    const doubled = stream('1', {
      lastReceiverReport: { packetsLost: -3, fractionLost: 0, jitterMs: 0 },
    });
    const made = record({ facts: sessionFacts({ report: { streams: [doubled, stream('2')] } }) });
    expect(made.verdictReasons).toEqual(['complete']);
    expect(made.streams[0]?.lossBySrsReports).toEqual({ packetsLost: -3, fractionLost: 0 });
  });

  test.each([
    ['nobody was asked', [], 'srs-not-tried'],
    ['nobody answered', [REFUSED, SILENT], 'srs-silent'],
    ['the last one refused', [SILENT, REFUSED], 'srs-refused'],
  ] as const)('has a gap over all of the call when %s', (_, attempts, reason) => {
    const made = record({ facts: unreached(attempts) });
    expect(made.verdict).toBe('failed');
    expect(made.verdictReasons).toEqual([reason]);
    expect(made.gaps).toEqual([{ startAt: ANSWERED, endAt: ENDED, reason }]);
  });

  test('has a gap from the last sign of life of the SRS to the end, and says what gave the loss away', () => {
    const lost = sessionFacts({
      lostAtMs: ANSWERED_MS + 30_000,
      lostReason: 'options-timeout',
      outages: [
        {
          noticedAtMs: ANSWERED_MS + 30_000,
          cause: 'options-timeout',
          deliveredUntilMs: ANSWERED_MS + 25_000,
          restoredAtMs: null,
          replayedFromMs: null,
        },
      ],
    });
    const made = record({ facts: lost });
    expect(made.verdict).toBe('partial');
    expect(made.verdictReasons).toEqual(['srs-lost']);
    expect(made.gaps).toEqual([
      { startAt: '2026-01-02T03:04:30.000Z', endAt: ENDED, reason: 'options-timeout' },
    ]);
    expect(made.verdictText).toContain('(options-timeout)');
    expect(made.srsLosses).toEqual([
      { noticedAt: '2026-01-02T03:04:35.000Z', cause: 'options-timeout', restoredAt: null },
    ]);
  });

  test('accounts for a call whose media did not pass through the gateway, and blames nothing else', () => {
    const made = record({
      isAnchored: false,
      failure: 'not-anchored',
      facts: sessionFacts({
        report: { streams: [stream('1', { packetsCaptured: 0, packetsSent: 0 })] },
      }),
    });
    expect(made.verdictReasons).toContain('media-not-anchored');
    expect(made.verdictReasons).not.toContain('internal-error');
    expect(made.gaps).toEqual([{ startAt: ANSWERED, endAt: ENDED, reason: 'media-not-anchored' }]);
  });

  test.each([
    ['no-media', 'internal-error'],
    ['media-lost', 'media-lost'],
  ])('accounts for a recording that never had a session: %s', (failure, reason) => {
    const made = record({ facts: null, failure });
    expect(made).toMatchObject({
      verdict: 'failed',
      srsAttempts: [],
      streams: [],
      startedAt: ANSWERED,
      endedAt: '2026-01-02T03:05:05.500Z',
      gaps: [{ startAt: ANSWERED, endAt: null, reason }],
    });
    expect(made.verdictReasons[0]).toBe(reason);
  });

  test('lowers the verdict of a delivered recording whose media were lost in the end', () => {
    const made = record({ failure: 'media-lost' });
    expect(made.verdict).toBe('partial');
    expect(made.verdictReasons).toEqual(['media-lost']);
  });

  test('begins when the recording began, which may be later than the answer', () => {
    const made = record({ facts: sessionFacts({ startedAtMs: ANSWERED_MS + 5000 }) });
    expect(made.startedAt).toBe('2026-01-02T03:04:10.000Z');
  });

  test('can be written as one line of JSON and read again', () => {
    const made = record();
    expect(JSON.parse(JSON.stringify(made))).toEqual(made);
  });
});
