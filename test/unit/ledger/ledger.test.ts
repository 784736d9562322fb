import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { type Clock, type LogFields, type Logger, noopLogger, systemClock } from '#core';
import { createJsonlLedger, type LedgerRecord } from '../../../src/ledger';
import { type AppendFile } from '../../../src/ledger/append-file';
import { JsonlLedger } from '../../../src/ledger/ledger';

let folder: string;
let path: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ledger-'));
  path = join(folder, 'ledger.jsonl');
});

afterEach(() => rmSync(folder, { recursive: true }));

function record(recordingId: string): LedgerRecord {
  return {
    version: 1,
    recordingId,
    callId: 'call-1',
    sipCallId: 'a\nb"c\u2028@192.0.2.1',
    provider: 'lab',
    srsAttempts: [
      { uri: 'sip:srs@192.0.2.9', result: 'established', status: 200, atMs: 1, tookMs: 20 },
    ],
    recordedParty: { identity: 'tel:+4930123456', role: 'caller', identifiedBy: 'from' },
    policy: { mode: 'always', why: 'mode of user alice' },
    startedAt: '2026-11-23T10:00:00.000Z',
    endedAt: '2026-11-23T10:01:00.000Z',
    verdict: 'recorded',
    verdictReasons: ['complete'],
    verdictText: 'all 100 packets that were captured were sent',
    streams: [],
    gaps: [],
    endedBy: 'caller',
  };
}

function lines(): string[] {
  const text = readFileSync(path, 'utf8');
  expect(text.endsWith('\n')).toBe(true);
  return text.slice(0, -1).split('\n');
}

function idsIn(all: readonly string[]): unknown[] {
  return all.map(line => (JSON.parse(line) as LedgerRecord).recordingId);
}

function open(logger: Logger = noopLogger): ReturnType<typeof createJsonlLedger> {
  return createJsonlLedger({ path, clock: systemClock, logger });
}

function code(expected: string): Error {
  return expect.objectContaining({ code: `REC_ERR_LEDGER_${expected}` }) as Error;
}

/** Keeps what is logged as errors and warnings. */
function memoryLogger(): Logger & { readonly entries: { message: string; fields?: LogFields }[] } {
  const entries: { message: string; fields?: LogFields }[] = [];
  const keep = (message: string, fields: LogFields = {}): void => {
    entries.push({ message, fields });
  };
  return { ...noopLogger, warn: keep, error: keep, entries };
}

/** A file in memory whose next operations can be made to fail or to wait. */
class FakeFile implements AppendFile {
  endsInsideLine = false;
  content = '';
  syncs = 0;
  isClosed = false;
  /** Bytes that the next append writes before it fails. */
  failAfterBytes: number | null = null;
  failSync = false;
  gate: Promise<void> = Promise.resolve();

  async append(bytes: Buffer): Promise<void> {
    await this.gate;
    const written = this.failAfterBytes;
    this.content += bytes.subarray(0, written ?? bytes.length).toString();
    if (written !== null) {
      this.failAfterBytes = null;
      throw new Error('ENOSPC: no space left on device, write');
    }
  }

  sync(): Promise<void> {
    this.syncs += 1;
    return this.failSync ? Promise.reject(new Error('EIO: i/o error, fsync')) : Promise.resolve();
  }

  close(): Promise<void> {
    this.isClosed = true;
    return Promise.resolve();
  }
}

function over(
  file: AppendFile,
  options: { logger?: Logger; clock?: Clock; maxPending?: number } = {},
): JsonlLedger {
  return new JsonlLedger(file, { path, clock: systemClock, logger: noopLogger, ...options });
}

describe('a ledger on disk', () => {
  test('holds one JSON object per line, and says what kind it is', async () => {
    const ledger = open();
    await ledger.append(record('r1'));
    expect(lines().map(line => JSON.parse(line) as unknown)).toEqual([
      { kind: 'recording', ...record('r1') },
    ]);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    await ledger.close();
  });

  test('keeps the order of many records at once', async () => {
    const ledger = open();
    const ids = Array.from({ length: 300 }, (_unused, index) => `r${index}`);
    await Promise.all(ids.map(id => ledger.append(record(id))));
    expect(idsIn(lines())).toEqual(ids);
    expect(ledger.counters()).toEqual({ written: 300, failed: 0, pending: 0 });
    await ledger.close();
  });

  test('goes on where an earlier run ended', async () => {
    for (const id of ['r1', 'r2']) {
      const ledger = open();
      await ledger.append(record(id));
      await ledger.close();
    }
    expect(idsIn(lines())).toEqual(['r1', 'r2']);
  });

  test('a line cut off by a crash does not swallow the next one', async () => {
    writeFileSync(path, '{"kind":"recording","ver');
    const logger = memoryLogger();
    const ledger = open(logger);
    await ledger.append(record('r1'));
    await ledger.append(record('r2'));
    await ledger.close();
    expect(lines()[0]).toBe('{"kind":"recording","ver');
    expect(idsIn(lines().slice(1))).toEqual(['r1', 'r2']);
    expect(logger.entries.map(({ message }) => message)).toEqual([
      'ledger ends in a line that was cut off',
    ]);
  });

  test('close() writes what waits, and closes once', async () => {
    const ledger = open();
    const appended = ledger.append(record('r1'));
    await Promise.all([ledger.close(), ledger.close()]);
    await appended;
    expect(idsIn(lines())).toEqual(['r1']);
    await expect(ledger.append(record('r2'))).rejects.toThrow(code('CLOSED'));
    expect(ledger.counters()).toEqual({ written: 1, failed: 1, pending: 0 });
  });

  test('a file that cannot be written is an error at the start that names it', () => {
    const missing = join(folder, 'missing', 'ledger.jsonl');
    const openAt = (at: string) => () =>
      createJsonlLedger({ path: at, clock: systemClock, logger: noopLogger });
    expect(openAt(missing)).toThrow(code('UNWRITABLE'));
    expect(openAt(missing)).toThrow(missing);
    expect(openAt(folder)).toThrow(code('UNWRITABLE'));
  });

  test('a full disk rejects, is logged and counted, and nothing else happens', async () => {
    // A device of Linux; elsewhere the tests below with a file in memory stand for it.
    if (!existsSync('/dev/full')) {
      return;
    }
    const logger = memoryLogger();
    const ledger = createJsonlLedger({ path: '/dev/full', clock: systemClock, logger });
    const outcomes = await Promise.allSettled([
      ledger.append(record('r1')),
      ledger.append(record('r2')),
    ]);
    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    await expect(ledger.append(record('r3'))).rejects.toThrow(code('WRITE'));
    expect(ledger.counters()).toEqual({ written: 0, failed: 3, pending: 0 });
    await ledger.close();
    expect(logger.entries).toMatchObject([
      {
        message: 'ledger records lost',
        fields: { records: 1, code: 'REC_ERR_LEDGER_WRITE', recordingId: 'r1' },
      },
      { message: 'ledger records lost', fields: { records: 2 } },
    ]);
  });
});

describe('a ledger over any file', () => {
  test('records that come together share one sync', async () => {
    const file = new FakeFile();
    const ledger = over(file);
    await Promise.all(['r1', 'r2', 'r3'].map(id => ledger.append(record(id))));
    expect(file.syncs).toBe(1);
    let openGate: () => void = () => undefined;
    file.gate = new Promise(resolve => {
      openGate = resolve;
    });
    const first = ledger.append(record('r4'));
    await Promise.resolve();
    const others = ['r5', 'r6'].map(id => ledger.append(record(id)));
    openGate();
    await Promise.all([first, ...others]);
    expect(file.syncs).toBeLessThanOrEqual(3);
    expect(idsIn(file.content.trimEnd().split('\n'))).toEqual(['r1', 'r2', 'r3', 'r4', 'r5', 'r6']);
  });

  test('after a write that failed half-way the next record has its own line', async () => {
    const file = new FakeFile();
    const ledger = over(file);
    file.failAfterBytes = 10;
    const failed = ledger.append(record('r1'));
    const next = ledger.append(record('r2'));
    await expect(failed).rejects.toThrow(code('WRITE'));
    await next;
    const [fragment, whole] = file.content.trimEnd().split('\n');
    expect(fragment).toBe('{"kind":"r');
    expect(idsIn([whole ?? ''])).toEqual(['r2']);
    expect(ledger.counters()).toEqual({ written: 1, failed: 1, pending: 0 });
  });

  test('what could not be made durable was not written', async () => {
    const file = new FakeFile();
    file.failSync = true;
    const ledger = over(file);
    await expect(ledger.append(record('r1'))).rejects.toThrow(code('WRITE'));
    expect(ledger.counters()).toEqual({ written: 0, failed: 1, pending: 0 });
  });

  test('a disk that does not answer fills a bounded queue', async () => {
    const file = new FakeFile();
    let openGate: () => void = () => undefined;
    file.gate = new Promise(resolve => {
      openGate = resolve;
    });
    const ledger = over(file, { maxPending: 2 });
    const taken = ['r1', 'r2'].map(id => ledger.append(record(id)));
    await expect(ledger.append(record('r3'))).rejects.toThrow(code('QUEUE_FULL'));
    expect(ledger.counters()).toEqual({ written: 0, failed: 1, pending: 2 });
    openGate();
    await Promise.all(taken);
    await ledger.append(record('r4'));
    expect(ledger.counters()).toEqual({ written: 3, failed: 1, pending: 0 });
  });

  test('a failure that nobody awaits is no unhandled rejection', async () => {
    const file = new FakeFile();
    file.failSync = true;
    const unhandled = jest.fn();
    process.on('unhandledRejection', unhandled);
    const ledger = over(file);
    void ledger.append(record('r1'));
    await ledger.close();
    await new Promise(resolve => setImmediate(resolve));
    process.off('unhandledRejection', unhandled);
    expect(unhandled).not.toHaveBeenCalled();
    expect(file.isClosed).toBe(true);
  });

  test('a lasting failure is said now and then, with the number of records', async () => {
    const file = new FakeFile();
    file.failSync = true;
    const logger = memoryLogger();
    let nowMs = 0;
    const ledger = over(file, { logger, clock: { ...systemClock, monotonicMs: () => nowMs } });
    for (const atMs of [0, 100, 200, 10_000]) {
      nowMs = atMs;
      await expect(ledger.append(record(`r${atMs}`))).rejects.toThrow(code('WRITE'));
    }
    expect(logger.entries.map(({ fields }) => fields?.['records'])).toEqual([1, 3]);
  });
});
