import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { type LedgerRecord } from '../../../src/ledger';
import { Journal } from '../../../src/ledger/journal';
import { readJournal } from '../../../src/ledger/recovery';
import { ManualClock } from '../../support/manual-clock';
import { waitUntil } from '../../support/wait-until';
import { interrupted, memoryLogger } from './ledger-fixtures';

/** More than a journal holds before it is begun anew. */
const MANY_BYTES = 9 * 1024 * 1024;
const FIRST = '2026-11-23T10:00:10.000Z';
const LATER = '2026-11-23T10:00:20.000Z';

let folder: string;
let path: string;
let logger: ReturnType<typeof memoryLogger>;
let journal: Journal;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'journal-'));
  path = join(folder, 'ledger.jsonl.journal');
  logger = memoryLogger();
  journal = new Journal({
    path,
    checkpointIntervalMs: 10_000,
    maxPending: 100,
    clock: new ManualClock(),
    logger,
  });
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

function big(recordingId: string): LedgerRecord {
  return { ...interrupted(recordingId, FIRST), remarks: ['x'.repeat(MANY_BYTES)] };
}

test('begun anew it holds of each recording in progress what is known then', async () => {
  let isLater = false;
  journal.open(1, () => interrupted('a', isLater ? LATER : FIRST));
  journal.open(2, () => (isLater ? interrupted('b', LATER) : big('b')));
  isLater = true;
  await waitUntil(() => journal.counters().written === 2, 'both');
  await journal.close();
  expect(statSync(path).size).toBeLessThan(MANY_BYTES);
  const { records } = readJournal(path, Date.parse(LATER), logger);
  expect(records.map(({ recordingId, endedAt }) => [recordingId, endedAt])).toEqual([
    ['a', LATER],
    ['b', LATER],
  ]);
});

test('while nothing can be learned of a recording it is not begun anew, and loses none', async () => {
  let asked = 0;
  journal.open(1, () => {
    if (asked++ > 0) {
      throw new Error('not now');
    }
    return interrupted('a', FIRST);
  });
  journal.open(2, () => big('b'));
  await waitUntil(() => journal.counters().written === 2, 'both');
  await journal.close();
  expect(logger.entries.map(({ message }) => message)).toContain('journal cannot be begun anew');
  const { records } = readJournal(path, Date.parse(LATER), logger);
  expect(records.map(({ recordingId }) => recordingId)).toEqual(['a', 'b']);
});
