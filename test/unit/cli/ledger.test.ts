import { EventEmitter } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { noopLogger, systemClock } from '#core';
import { type CliContext, runCli } from '../../../src/cli';
import { type LedgerRecord, openLedger } from '../../../src/ledger';
import { record } from '../ledger/ledger-fixtures';

const RECORDING = '7b1d2c0e-0000-4000-8000-000000000001';

describe('siprec-gateway ledger', () => {
  let folder: string;
  let path: string;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'cli-ledger-'));
    path = join(folder, 'ledger.jsonl');
    const ledger = await openLedger({ path, clock: systemClock, logger: noopLogger });
    const stream = {
      label: '1',
      party: 'recorded party (caller)',
      packetsCaptured: 10,
      packetsSent: 10,
      bytesSent: 1720,
      packetsOverflowed: 0,
      packetsUnaccepted: 0,
      packetsPending: 0,
      firstPacketAt: null,
      lastPacketAt: null,
      lossBySrsReports: null,
      codec: 'PCMA/8000',
      cryptoSuite: null,
    };
    const october = {
      startedAt: '2026-10-01T00:00:00.000Z',
      endedAt: '2026-10-01T00:01:00.000Z',
      verdict: 'failed',
      verdictText: 'no SRS answered',
      gaps: [{ startAt: '2026-10-01T00:00:00.000Z', endAt: null, reason: 'srs-silent' }],
    } satisfies Partial<LedgerRecord>;
    await ledger.append(record('october', october));
    await ledger.append(record(RECORDING, { streams: [stream] }));
    await ledger.close();
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  async function run(...args: string[]): Promise<{ code: number; out: string; err: string }> {
    let out = '';
    let err = '';
    const context = {
      print: (line: string) => (out += `${line}\n`),
      printError: (line: string) => (err += `${line}\n`),
      env: {},
      signals: new EventEmitter(),
      columns: 100,
      runners: {},
    } as unknown as CliContext;
    const code = await runCli(['ledger', ...args], context);
    return { code, out, err };
  }

  test('verify proves a file or a folder, and names the first broken line', async () => {
    expect(await run('verify', path)).toMatchObject({
      code: 0,
      out: expect.stringMatching(/^OK: .*: 2 records, head 2:[0-9a-f]{64}\n$/) as string,
    });
    const { code, out } = await run('verify', folder, '--json');
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({ ok: true, ledgers: [{ path, records: 2 }] });

    const text = readFileSync(path, 'utf8');
    writeFileSync(path, text.replace('"failed"', '"recorded"'));
    const broken = await run('verify', path);
    writeFileSync(path, text);
    expect(broken.code).toBe(1);
    expect(broken.out).toContain(`BROKEN: ${path}:1 was changed`);
  });

  test('verify takes a head that was kept elsewhere', async () => {
    const head = `2:${'0'.repeat(64)}`;
    expect((await run('verify', path, '--head', head)).code).toBe(1);
    expect((await run('verify', path, '--head', 'nonsense')).code).toBe(2);
  });

  test('report sums up what began between two times', async () => {
    const all = JSON.parse((await run('report', path, '--json')).out) as object;
    expect(all).toMatchObject({ total: { recordings: 2, lostS: 60 } });
    const november = await run(
      'report',
      path,
      '--from',
      '2026-11-23',
      '--to',
      '2026-11-23',
      '--json',
    );
    expect(JSON.parse(november.out)).toMatchObject({
      from: '2026-11-23T00:00:00.000Z',
      to: '2026-11-24T00:00:00.000Z',
      total: { recordings: 1, byVerdict: { recorded: 1, failed: 0 }, lostS: 0 },
    });
    expect((await run('report', path)).out).toContain('provider');
    expect((await run('report', path, '--from', 'yesterday')).code).toBe(2);
    expect((await run('report', join(folder, 'nowhere'))).code).toBe(1);
  });

  test('reconcile lists what a recorder lacks and has too much', async () => {
    const csv = join(folder, 'recorder.csv');
    writeFileSync(csv, `id,duration_s\n${RECORDING},60\n`);
    expect(await run('reconcile', path, csv)).toMatchObject({ code: 0 });
    writeFileSync(csv, 'id\nsomething-else\n');
    const { code, out } = await run('reconcile', path, csv);
    expect(code).toBe(1);
    expect(out).toContain(`missing    ${RECORDING}`);
    expect(out).toContain('too much   line 2: something-else');
    const { out: json } = await run('reconcile', path, csv, '--json', '--to', '2026-10-31');
    expect(JSON.parse(json)).toMatchObject({ matched: 0, missing: [], surplus: [{ line: 2 }] });
  });

  test('show prints a record by an id or its beginning', async () => {
    const { code, out } = await run('show', RECORDING.slice(0, 8), '-l', path);
    expect(code).toBe(0);
    expect(out).toContain(`recording ${RECORDING}: recorded`);
    expect(out).toContain('PCMA/8000');
    expect(JSON.parse((await run('show', 'october', '-l', path, '--json')).out)).toMatchObject({
      verdict: 'failed',
    });
    expect(await run('show', 'nobody-knows', '-l', path)).toMatchObject({ code: 1, out: '' });
  });
});
