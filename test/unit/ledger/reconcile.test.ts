import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import {
  type LedgerRecord,
  lostMs,
  readRecorderCsv,
  reconcile,
  type RecorderRow,
  ReportBuilder,
} from '../../../src/ledger';
import { record } from './ledger-fixtures';

const SENT = {
  label: '1',
  party: 'recorded party (caller)',
  packetsCaptured: 100,
  packetsSent: 98,
  bytesSent: 17_200,
  packetsOverflowed: 2,
  packetsUnaccepted: 0,
  packetsPending: 0,
  firstPacketAt: null,
  lastPacketAt: null,
  lossBySrsReports: { packetsLost: 3, fractionLost: 0.03 },
};

/** A recording of one minute of which something was delivered. */
function delivered(recordingId: string, changes: Partial<LedgerRecord> = {}): LedgerRecord {
  return record(recordingId, {
    callId: `call-${recordingId}`,
    sipCallId: `sip-${recordingId}`,
    streams: [SENT],
    ...changes,
  });
}

function at(second: number): string {
  return new Date(Date.UTC(2026, 10, 23, 10, 0, second)).toISOString();
}

describe('a report', () => {
  test('adds up recordings, lost seconds and packets by provider and verdict', () => {
    const builder = new ReportBuilder();
    builder.add(delivered('a'));
    builder.add(
      delivered('b', {
        provider: 'other',
        verdict: 'partial',
        gaps: [{ startAt: at(30), endAt: null, reason: 'srs-lost' }],
        replayedS: 1.5,
      }),
    );
    builder.add(record('c', { provider: 'other', verdict: 'not-recorded' }));
    expect(builder.report()).toEqual({
      total: expect.objectContaining({
        recordings: 3,
        demandedS: 120,
        lostS: 30,
        packetsLost: 10,
      }) as unknown,
      byProvider: {
        lab: {
          recordings: 1,
          byVerdict: { recorded: 1, partial: 0, 'not-recorded': 0, failed: 0, interrupted: 0 },
          demandedS: 60,
          lostS: 0,
          replayedS: 0,
          packetsLost: 5,
        },
        other: {
          recordings: 2,
          byVerdict: { recorded: 0, partial: 1, 'not-recorded': 1, failed: 0, interrupted: 0 },
          demandedS: 60,
          lostS: 30,
          replayedS: 1.5,
          packetsLost: 5,
        },
      },
    });
  });

  test('counts what gaps have in common once, and nothing outside the recording', () => {
    const gap = (from: number, to: number | null): LedgerRecord['gaps'][number] => ({
      startAt: at(from),
      endAt: to === null ? null : at(to),
      reason: 'srs-lost',
    });
    const lost = (...gaps: LedgerRecord['gaps']): number => lostMs(delivered('a', { gaps }));
    expect(lost(gap(10, 20), gap(15, 25))).toBe(15_000);
    expect(lost(gap(10, 30), gap(15, 20))).toBe(20_000);
    expect(lost(gap(-10, 5), gap(55, 90))).toBe(10_000);
    expect(lost(gap(50, null), gap(40, 45))).toBe(15_000);
    expect(lost()).toBe(0);
  });
});

describe('reconcile', () => {
  function row(line: number, changes: Partial<RecorderRow>): RecorderRow {
    return {
      line,
      id: null,
      party: null,
      startedAtMs: null,
      durationS: null,
      provider: null,
      ...changes,
    };
  }
  const ids = (list: readonly { recordingId: string }[]): string[] =>
    list.map(({ recordingId }) => recordingId);

  test('tells what the recorder lacks and what it has too much', () => {
    const records = [
      delivered('a'),
      delivered('b'),
      delivered('gone'),
      record('silent'),
      delivered('discarded', { kept: false }),
      record('failed', { verdict: 'failed', streams: [] }),
    ];
    const rows = [
      row(2, { id: 'a' }),
      row(3, { id: 'sip-b' }),
      row(4, { id: 'unknown' }),
      row(5, { id: 'failed' }),
    ];
    const result = reconcile(records, rows, { toleranceS: 30 });
    expect(result.matched).toBe(3);
    expect(ids(result.missing)).toEqual(['gone']);
    expect(result.surplus).toEqual([rows[2]]);
    expect(result.unexpected).toMatchObject([{ ledger: { recordingId: 'failed' }, row: rows[3] }]);
  });

  test('knows a recording by the Call-ID of its session with the recorder', () => {
    const attempt = { uri: 'sip:srs', result: 'established', status: null, atMs: 0, tookMs: 1 };
    const known = delivered('a', { srsAttempts: [{ ...attempt, srsCallId: 'x@srs' }] });
    expect(reconcile([known], [row(2, { id: 'x@srs' })], { toleranceS: 0 }).matched).toBe(1);
  });

  test('without an id, takes the nearest start of the same party; each counts once', () => {
    const start = Date.parse(record('x').startedAt);
    const records = [
      delivered('early', { startedAt: new Date(start - 20_000).toISOString() }),
      delivered('late'),
    ];
    const party = 'sip:+49 30-123456@example.com;user=phone';
    const rows = [
      row(2, { party, startedAtMs: start + 2000 }),
      row(3, { party: '+4930123456', startedAtMs: start - 15_000 }),
      row(4, { party, startedAtMs: start }),
      row(5, { party: '+4930999', startedAtMs: start }),
      row(6, { party, startedAtMs: start + 31_000 }),
    ];
    const result = reconcile(records, rows, { toleranceS: 30 });
    expect(result.matched).toBe(2);
    expect(result.missing).toEqual([]);
    expect(result.surplus.map(({ line }) => line)).toEqual([4, 5, 6]);
    expect(
      reconcile(records, [{ ...rows[0]!, provider: 'other' }], { toleranceS: 30 }).matched,
    ).toBe(0);
  });

  test('tells a recording that is shorter than what was delivered, gaps left out', () => {
    const gaps = [{ startAt: at(10), endAt: at(30), reason: 'srs-lost' as const }];
    const records = [delivered('whole'), delivered('holed', { gaps, verdict: 'partial' })];
    const rows = [row(2, { id: 'whole', durationS: 38 }), row(3, { id: 'holed', durationS: 38 })];
    const { shorter } = reconcile(records, rows, { toleranceS: 5 });
    expect(shorter).toMatchObject([{ ledger: { recordingId: 'whole' }, deliveredS: 60 }]);
  });
});

describe("a recorder's CSV", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'csv-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  async function read(text: string): Promise<RecorderRow[]> {
    const path = join(folder, 'recorder.csv');
    writeFileSync(path, text);
    const rows: RecorderRow[] = [];
    for await (const row of readRecorderCsv(path)) {
      rows.push(row);
    }
    return rows;
  }

  test('may have its columns in any order, quoted, with a BOM, and more of them', async () => {
    const text =
      '\uFEFFAgent;Started At;Duration-S;Party;ID\r\n' +
      '"Smith; J ""JJ""";2026-11-23T10:00:00Z;12.5;sip:bob@example.com;abc\r\n\r\n' +
      ';;;;only-id\r\n';
    expect(await read(text)).toEqual([
      {
        line: 2,
        id: 'abc',
        party: 'sip:bob@example.com',
        startedAtMs: Date.UTC(2026, 10, 23, 10),
        durationS: 12.5,
        provider: null,
      },
      expect.objectContaining({ id: 'only-id', party: null, startedAtMs: null }),
    ]);
  });

  test.each([
    ['without the columns that are needed', 'party,name\nbob,x\n', 'its first line must name'],
    ['that is empty', '', 'its first line must name'],
    ['with a time that is none', 'id,started_at\nx,yesterday\n', 'line 2: started_at'],
    ['with a length that is none', 'id,duration_s\nx,-3\n', 'line 2: duration_s'],
    ['with a row that names nothing', 'id,party\n,bob\n', 'line 2: has neither'],
    ['with a quote that never ends', 'id\n"x\n', 'cannot be read'],
  ])('%s is an error that says so', async (_, text, message) => {
    await expect(read(text)).rejects.toThrow(message);
    await expect(read(text)).rejects.toMatchObject({ code: 'REC_ERR_LEDGER_UNREADABLE' });
  });
});
