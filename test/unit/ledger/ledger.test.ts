import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { noopLogger, systemClock } from '#core';
import {
  type Ledger,
  type LedgerLine,
  type LedgerOptions,
  type LedgerRecord,
  openLedger,
} from '../../../src/ledger';
import { openAppendFile } from '../../../src/ledger/append-file';
import { ManualClock } from '../../support/manual-clock';
import { waitUntil } from '../../support/wait-until';
import { FakeFile, interrupted, memoryLogger, record } from './ledger-fixtures';

let folder: string;
let path: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ledger-'));
  path = join(folder, 'ledger.jsonl');
});

afterEach(() => rmSync(folder, { recursive: true }));

function lines(file = path): string[] {
  const text = readFileSync(file, 'utf8');
  expect(text === '' || text.endsWith('\n')).toBe(true);
  return text.split('\n').slice(0, -1);
}

function parsed(file = path): LedgerLine[] {
  return lines(file).map(line => JSON.parse(line) as LedgerLine);
}

function idsIn(file = path): string[] {
  return parsed(file).map(({ recordingId }) => recordingId);
}

function open(options: Partial<LedgerOptions> = {}): Promise<Ledger> {
  return openLedger({ path, clock: systemClock, logger: noopLogger, ...options });
}

function code(expected: string): Error {
  return expect.objectContaining({ code: `REC_ERR_LEDGER_${expected}` }) as Error;
}

/** The ledger's own file is in memory; the journal is a real one. */
function over(file: FakeFile, options: Partial<LedgerOptions> = {}): Promise<Ledger> {
  return open({
    openFile: opened => (opened === path ? file : openAppendFile(opened)),
    ...options,
  });
}

/** The process dies: nothing more is written, and nothing is closed in an orderly way. */
function crash(): void {
  for (const name of readdirSync(folder)) {
    const from = join(folder, name);
    const bytes = readFileSync(from);
    // The dead process keeps the old files; the next one finds a copy of what they held.
    rmSync(from);
    writeFileSync(from, bytes, { mode: 0o600 });
  }
}

describe('a ledger on disk', () => {
  test('holds one JSON object per line, tied to the line before it', async () => {
    const ledger = await open();
    await Promise.all([ledger.append(record('r1')), ledger.append(record('r2'))]);
    const [first, second] = parsed();
    expect(first).toMatchObject({ kind: 'recording', ...record('r1'), seq: 1 });
    expect(first?.prev).toBe('0'.repeat(64));
    expect(second).toMatchObject({ recordingId: 'r2', seq: 2, prev: first?.hash });
    expect(ledger.head()).toEqual({ sequence: 2, hash: second?.hash });
    expect(JSON.parse(readFileSync(`${path}.head`, 'utf8'))).toMatchObject(ledger.head());
    expect(statSync(path).mode & 0o777).toBe(0o600);
    await ledger.close();
  });

  test('a line can be checked with sed and sha256sum alone', async () => {
    const ledger = await open();
    await ledger.append(record('r1', { endedBy: 'Владимир 王' }));
    await ledger.close();
    const script = `sed -E '1!d; s/,"hash":"[0-9a-f]{64}"\\}$/}/' "$1" | tr -d '\\n' | sha256sum`;
    const sum = execFileSync('sh', ['-c', script, 'sh', path], { encoding: 'utf8' });
    expect(sum.split(' ')[0]).toBe(parsed()[0]?.hash);
  });

  test('keeps the order of many records at once', async () => {
    const ledger = await open();
    const ids = Array.from({ length: 3000 }, (_unused, index) => `r${index}`);
    await Promise.all(ids.map(id => ledger.append(record(id))));
    expect(idsIn()).toEqual(ids);
    expect(ledger.counters()).toMatchObject({ written: 3000, lost: 0, pending: 0 });
    await ledger.close();
  });

  test('goes on where an earlier run ended', async () => {
    for (const id of ['r1', 'r2']) {
      const ledger = await open();
      await ledger.append(record(id));
      await ledger.close();
    }
    const [first, second] = parsed();
    expect([second?.seq, second?.prev]).toEqual([2, first?.hash]);
  });

  test('a line cut off by a crash does not swallow the next one', async () => {
    writeFileSync(path, '{"kind":"recording","ver');
    const logger = memoryLogger();
    const ledger = await open({ logger });
    await ledger.append(record('r1'));
    await ledger.append(record('r2'));
    await ledger.close();
    expect(lines()[0]).toBe('{"kind":"recording","ver');
    expect(lines().slice(1)).toHaveLength(2);
    expect(logger.entries.map(({ message }) => message)).toEqual([
      'ledger file ends in a line that was cut off',
    ]);
  });

  test('a tail that was cut away is told at the start and leaves a hole in the chain', async () => {
    const before = await open();
    await before.append(record('r1'));
    await before.append(record('r2'));
    await before.close();
    writeFileSync(path, `${lines()[0]!}\n`);
    const logger = memoryLogger();
    const ledger = await open({ logger });
    await ledger.append(record('r3'));
    await ledger.close();
    expect(parsed().map(({ seq }) => seq)).toEqual([1, 3]);
    expect(logger.entries[0]).toEqual({
      message: 'ledger file ends before its head: lines are missing',
      fields: { path, lastSequence: 1, headSequence: 2 },
    });
  });

  test('full files become segments; the chain goes through all of them', async () => {
    const ledger = await open({ rotateBytes: 1500 });
    for (const id of ['r1', 'r2', 'r3', 'r4', 'r5']) {
      await ledger.append(record(id));
    }
    await ledger.close();
    const segments = readdirSync(folder)
      .filter(name => /\.\d{12}$/.test(name))
      .sort();
    expect(segments).toEqual(['ledger.jsonl.000000000001', 'ledger.jsonl.000000000003']);
    const all = [...segments.map(name => join(folder, name)), path].flatMap(file => parsed(file));
    expect(all.map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 5]);
    expect(all.slice(1).map(({ prev }) => prev)).toEqual(all.slice(0, -1).map(({ hash }) => hash));
    const next = await open();
    expect(next.head().sequence).toBe(5);
    await next.close();
  });

  test('a file that somebody moves away is followed by a new one that continues the chain', async () => {
    const told: string[] = [];
    const ledger = await open({ logger: { ...noopLogger, info: message => told.push(message) } });
    await ledger.append(record('r1'));
    renameSync(path, `${path}.old`);
    await ledger.append(record('r2'));
    await ledger.close();
    expect(idsIn(`${path}.old`)).toEqual(['r1']);
    expect(parsed()).toMatchObject([{ recordingId: 'r2', seq: 2 }]);
    expect(told).toEqual(['ledger file was moved away: a new one is begun']);
  });

  test('close() writes what waits, and closes once', async () => {
    const ledger = await open();
    const appended = ledger.append(record('r1'));
    await Promise.all([ledger.close(), ledger.close()]);
    await appended;
    expect(idsIn()).toEqual(['r1']);
    await expect(ledger.append(record('r2'))).rejects.toThrow(code('CLOSED'));
    expect(ledger.counters()).toMatchObject({ written: 1, lost: 1, pending: 0 });
  });

  test('a file that cannot be written is an error at the start that names it', async () => {
    const missing = join(folder, 'missing', 'ledger.jsonl');
    await expect(open({ path: missing })).rejects.toThrow(code('UNWRITABLE'));
    await expect(open({ path: missing })).rejects.toThrow(missing);
    await expect(open({ path: folder })).rejects.toThrow(code('UNWRITABLE'));
  });

  test('a full disk is told; what could not be written is given up only at the end', async () => {
    // A device of Linux; elsewhere the tests below with a file in memory stand for it.
    if (!existsSync('/dev/full')) {
      return;
    }
    const logger = memoryLogger();
    const ledger = await open({
      logger,
      openFile: opened => openAppendFile(opened === path ? '/dev/full' : opened),
    });
    const appended = [ledger.append(record('r1')), ledger.append(record('r2'))];
    await waitUntil(() => ledger.trouble() !== null, 'the trouble');
    expect(ledger.trouble()).toContain('ENOSPC');
    expect(ledger.counters()).toMatchObject({ written: 0, lost: 0, pending: 2 });
    await ledger.close();
    const outcomes = await Promise.allSettled(appended);
    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect(ledger.counters()).toMatchObject({ written: 0, lost: 2, pending: 0 });
    expect(logger.entries).toMatchObject([
      { message: 'ledger cannot be written; it is tried again', fields: { waiting: 2 } },
      {
        message: 'ledger entries lost',
        fields: { lostSoFar: 2, code: 'REC_ERR_LEDGER_WRITE' },
      },
    ]);
  });
});

describe('a ledger over any file', () => {
  test('records that come together share one write and one sync', async () => {
    const file = new FakeFile();
    const ledger = await over(file);
    await Promise.all(['r1', 'r2', 'r3'].map(id => ledger.append(record(id))));
    expect(file.appends).toBe(1);
    let openGate: () => void = () => undefined;
    file.gate = new Promise(resolve => {
      openGate = resolve;
    });
    const first = ledger.append(record('r4'));
    await Promise.resolve();
    const others = ['r5', 'r6'].map(id => ledger.append(record(id)));
    openGate();
    await Promise.all([first, ...others]);
    expect(file.appends).toBeLessThanOrEqual(3);
    expect(ledger.head().sequence).toBe(6);
    await ledger.close();
  });

  test('what a full disk refused is written once there is room again, in order and once', async () => {
    const file = new FakeFile();
    const clock = new ManualClock();
    const ledger = await over(file, { clock });
    await ledger.append(record('r1'));
    file.isFull = true;
    const waiting = [ledger.append(record('r2'))];
    await waitUntil(() => ledger.trouble() !== null, 'the trouble');
    waiting.push(ledger.append(record('r3')));
    file.isFull = false;
    clock.advance(300);
    await Promise.all(waiting);
    const written = file.content.trimEnd().split('\n');
    expect(written.map(line => (JSON.parse(line) as LedgerLine).recordingId)).toEqual([
      'r1',
      'r2',
      'r3',
    ]);
    expect(ledger.trouble()).toBeNull();
    expect(ledger.counters()).toMatchObject({ written: 3, lost: 0, pending: 0, failures: 1 });
    await ledger.close();
  });

  test('a disk that does not answer fills a bounded queue', async () => {
    const file = new FakeFile();
    let openGate: () => void = () => undefined;
    file.gate = new Promise(resolve => {
      openGate = resolve;
    });
    const ledger = await over(file, { maxPending: 2 });
    const taken = ['r1', 'r2'].map(id => ledger.append(record(id)));
    await expect(ledger.append(record('r3'))).rejects.toThrow(code('QUEUE_FULL'));
    expect(ledger.counters()).toMatchObject({ written: 0, lost: 1, pending: 2 });
    openGate();
    await Promise.all(taken);
    await ledger.append(record('r4'));
    expect(ledger.counters()).toMatchObject({ written: 3, lost: 1, pending: 0 });
    await ledger.close();
  });

  test('a failure that nobody waits for is no unhandled rejection', async () => {
    const file = new FakeFile();
    file.isFull = true;
    const unhandled = jest.fn();
    process.on('unhandledRejection', unhandled);
    const ledger = await over(file);
    void ledger.append(record('r1'));
    void ledger.begin(() => interrupted('r2', '2026-11-23T10:00:00.000Z')).close(record('r2'));
    await ledger.close();
    await new Promise(resolve => setImmediate(resolve));
    process.off('unhandledRejection', unhandled);
    expect(unhandled).not.toHaveBeenCalled();
    expect(file.isClosed).toBe(true);
  });
});

describe('the journal beside it', () => {
  const AT = '2026-11-23T10:00:10.000Z';

  async function journalOf(ledger: Ledger, entries: number): Promise<void> {
    await waitUntil(() => {
      const journal = existsSync(`${path}.journal`) ? lines(`${path}.journal`) : [];
      return journal.length >= entries && ledger.trouble() === null;
    }, 'the journal');
  }

  test('is begun anew at every start without taking itself for moved away', async () => {
    const told: string[] = [];
    const logger = { ...noopLogger, info: (message: string) => told.push(message) };
    for (let start = 0; start < 2; start++) {
      const ledger = await open({ logger });
      await ledger.begin(() => interrupted(`r${start}`, AT)).close(record(`r${start}`));
      await journalOf(ledger, 2);
      await ledger.close();
    }
    expect(told).toEqual([]);
  });

  test('after a crash the next start closes what was open as interrupted, and only that', async () => {
    const dead = await open();
    const closed = dead.begin(() => interrupted('closed', AT));
    dead.begin(() => interrupted('open', AT));
    dead.begin(() => interrupted('unanswered', AT)).discard();
    await closed.close(record('closed'));
    await journalOf(dead, 5);
    crash();

    const ledger = await open({ clock: { ...systemClock, wallNowMs: () => Date.parse(AT) } });
    expect(ledger.recovered).toEqual([{ ...interrupted('open', AT), recoveredAt: AT }]);
    expect(parsed().map(({ recordingId, verdict, seq }) => [recordingId, verdict, seq])).toEqual([
      ['closed', 'recorded', 1],
      ['open', 'interrupted', 2],
    ]);
    await ledger.close();
    await dead.close();
    const third = await open();
    expect(third.recovered).toEqual([]);
    await third.close();
  });

  test('the last checkpoint counts, also when the line after it was cut off', async () => {
    const clock = new ManualClock();
    let known = interrupted('r1', AT);
    const dead = await open({ clock, checkpointIntervalMs: 10_000 });
    dead.begin(() => known);
    await journalOf(dead, 1);
    known = interrupted('r1', '2026-11-23T10:00:20.000Z');
    for (let second = 0; second < 11; second += 1) {
      clock.advance(1000);
    }
    await journalOf(dead, 2);
    crash();
    appendFileSync(`${path}.journal`, '{"kind":"checkpoint","seq":3,"prev":"');
    const logger = memoryLogger();
    const ledger = await open({ logger });
    expect(parsed()).toMatchObject([
      { recordingId: 'r1', verdict: 'interrupted', endedAt: '2026-11-23T10:00:20.000Z' },
    ]);
    expect(logger.entries.map(({ message }) => message)).toContain(
      'journal holds lines that were cut off or changed',
    );
    await ledger.close();
    await dead.close();
  });

  test('a crash between the closing record and the journal does not account for a recording twice', async () => {
    const dead = await open();
    const entry = dead.begin(() => interrupted('r1', AT));
    await journalOf(dead, 1);
    const journal = readFileSync(`${path}.journal`);
    await entry.close(record('r1'));
    await dead.close();
    writeFileSync(`${path}.journal`, journal);
    const ledger = await open();
    expect(ledger.recovered).toEqual([]);
    expect(parsed().map(({ verdict }) => verdict)).toEqual(['recorded']);
    await ledger.close();
  });

  test('a closing record that a full disk refused to the end is in the ledger after the next start', async () => {
    const file = new FakeFile();
    file.isFull = true;
    const full = await over(file);
    void full.begin(() => interrupted('r1', AT)).close(record('r1'));
    await full.close();
    const ledger = await open();
    expect(parsed()).toMatchObject([{ recordingId: 'r1', verdict: 'recorded' }]);
    await ledger.close();
  });

  test('a snapshot that fails costs a checkpoint and nothing else', async () => {
    const clock = new ManualClock();
    let asked = 0;
    const logger = memoryLogger();
    const ledger = await open({ clock, logger, checkpointIntervalMs: 1000 });
    const entry = ledger.begin((): LedgerRecord => {
      asked += 1;
      if (asked > 1) {
        throw new Error('no such stream');
      }
      return interrupted('r1', AT);
    });
    clock.advance(1000);
    expect(logger.entries).toEqual([
      {
        message: 'no checkpoint of a recording',
        fields: { recordingId: 'r1', error: 'no such stream' },
      },
    ]);
    await entry.close(record('r1'));
    expect(idsIn()).toEqual(['r1']);
    await ledger.close();
  });

  test('does not grow without end', async () => {
    const ledger = await open();
    ledger.begin(() => interrupted('stays', AT));
    for (let round = 0; round < 6; round += 1) {
      const entries = Array.from({ length: 1500 }, (_unused, index) => {
        const id = `r${round}-${index}`;
        return [ledger.begin(() => interrupted(id, AT)), record(id)] as const;
      });
      await Promise.all(entries.map(([entry, closing]) => entry.close(closing)));
    }
    await waitUntil(() => ledger.counters().open === 1, 'the journal has closed the others');
    await ledger.close();
    expect(statSync(`${path}.journal`).size).toBeLessThan(9 * 1024 * 1024);
    const next = await open();
    expect(next.recovered.map(({ recordingId }) => recordingId)).toEqual(['stays']);
    await next.close();
  });
});
