import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import fc from 'fast-check';

import { noopLogger, systemClock } from '#core';
import { type LedgerProof, locateLedgers, openLedger, verifyLedger } from '../../../src/ledger';
import { sealLine, GENESIS } from '../../../src/ledger/chain';
import { interrupted, record } from './ledger-fixtures';

let folder: string;
let path: string;
/** The lines of a ledger of six records. */
let good: readonly string[];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'verify-'));
  path = join(folder, 'ledger.jsonl');
  const ledger = await openLedger({ path, clock: systemClock, logger: noopLogger });
  for (let number = 1; number <= 6; number += 1) {
    await ledger.append(record(`r${number}`, { endedBy: 'Löwe\u2028王' }));
  }
  await ledger.close();
  good = readFileSync(path, 'utf8').split('\n').slice(0, -1);
});

afterEach(() => write(good));
afterAll(() => rmSync(folder, { recursive: true }));

function write(lines: readonly string[], end = '\n'): void {
  writeFileSync(path, lines.join('\n') + end);
}

async function verify(at = path): Promise<LedgerProof> {
  return verifyLedger(locateLedgers(at)[0]!);
}

/** Verifies with the lines as `change` leaves them. */
function after(change: (lines: string[]) => void): Promise<LedgerProof> {
  const lines = [...good];
  change(lines);
  write(lines);
  return verify();
}

describe('verifyLedger', () => {
  test('proves a ledger as it was written', async () => {
    expect(await verify()).toMatchObject({
      ok: true,
      records: 6,
      firstSequence: 1,
      head: { sequence: 6 },
      broken: null,
      warnings: [],
    });
  });

  test('names the line that was changed', async () => {
    const proof = await after(lines => {
      lines[2] = lines[2]!.replace('"verdict":"recorded"', '"verdict":"failed"');
    });
    expect(proof.broken).toEqual({
      file: path,
      line: 3,
      why: 'was changed: its hash is not that of its content',
    });
    expect(proof.records).toBe(2);
  });

  test('names the line after the one that was removed', async () => {
    const { broken } = await after(lines => lines.splice(2, 1));
    expect(broken).toMatchObject({ line: 3, why: expect.stringContaining('missing') as string });
  });

  test('names the line that was put in', async () => {
    const { broken } = await after(lines => lines.splice(2, 0, lines[1]!));
    expect(broken).toMatchObject({ line: 3 });
  });

  test('names the first of two lines that changed places', async () => {
    const { broken } = await after(lines => {
      [lines[1], lines[2]] = [lines[2]!, lines[1]!];
    });
    expect(broken).toMatchObject({ line: 2 });
  });

  test('names the line that was made unreadable', async () => {
    const { broken } = await after(lines => {
      lines[3] = lines[3]!.slice(0, 40);
    });
    expect(broken).toMatchObject({ line: 4 });
  });

  test('a tail that was cut off shows by the head file', async () => {
    const { broken } = await after(lines => lines.splice(4));
    expect(broken).toEqual({
      file: path,
      line: 5,
      why: 'the chain ends at 4, its head was at 6: the tail is missing',
    });
  });

  test('a tail that was cut off together with the head file shows by a head that was exported', async () => {
    const head = readFileSync(`${path}.head`, 'utf8');
    const exported = JSON.parse(head) as { sequence: number; hash: string };
    rmSync(`${path}.head`);
    write(good.slice(0, 4));
    const proof = await verifyLedger(locateLedgers(path)[0]!, exported);
    writeFileSync(`${path}.head`, head);
    expect(proof.broken).toMatchObject({ line: 5 });
  });

  test('a chain that was rewritten from its middle shows by the head', async () => {
    let head = { sequence: 3, hash: (JSON.parse(good[2]!) as { hash: string }).hash };
    const forged = ['f4', 'f5', 'f6'].map(id => {
      const sealed = sealLine({ kind: 'recording', ...record(id) }, head);
      head = sealed.head;
      return sealed.line.trimEnd();
    });
    const { broken } = await after(lines => lines.splice(3, 3, ...forged));
    expect(broken).toMatchObject({
      line: 6,
      why: expect.stringContaining('rewritten') as string,
    });
  });

  test('a line that a crash cut off is a note, not a break', async () => {
    const inside = await after(lines => lines.splice(3, 0, '{"kind":"recor'));
    expect(inside).toMatchObject({
      ok: true,
      records: 6,
      warnings: [`${path}:4 was cut off (a crash); no record is missing there`],
    });
    write([...good, '{"kind":"reco'], '');
    expect(await verify()).toMatchObject({ ok: true, records: 6, warnings: [expect.any(String)] });
  });

  test('lines from before the chain are a note; lines without a hash inside it are a break', async () => {
    const old = JSON.stringify({ kind: 'recording', ...record('old') });
    expect(await after(lines => lines.unshift(old))).toMatchObject({ ok: true, records: 6 });
    const { broken } = await after(lines => lines.splice(2, 0, old));
    expect(broken).toEqual({ file: path, line: 3, why: 'has no hash' });
  });

  test('a first line that claims to be the first and is not breaks', async () => {
    const { line } = sealLine({ kind: 'recording' }, { ...GENESIS, hash: 'a'.repeat(64) });
    write([line.trimEnd()]);
    expect((await verify()).broken).toMatchObject({ line: 1 });
  });

  test('no changed byte goes unnoticed', async () => {
    const text = good.join('\n');
    const bytes = Buffer.from(text);
    await fc.assert(
      fc.asyncProperty(
        fc.nat(bytes.length - 1),
        fc.integer({ min: 1, max: 255 }),
        async (at, by) => {
          const changed = Buffer.from(bytes);
          changed[at] = changed[at]! ^ by;
          writeFileSync(path, Buffer.concat([changed, Buffer.from('\n')]));
          return !(await verify()).ok;
        },
      ),
      { numRuns: 300 },
    );
  });
});

describe('a folder', () => {
  test('is proved with all segments and the journal; one segment alone tells that it has a past', async () => {
    const many = mkdtempSync(join(folder, 'many-'));
    const file = join(many, 'ledger.jsonl');
    const options = { path: file, clock: systemClock, logger: noopLogger, rotateBytes: 1500 };
    const ledger = await openLedger(options);
    for (let number = 1; number <= 5; number += 1) {
      await ledger.append(record(`r${number}`));
    }
    ledger.begin(() => interrupted('open', '2026-11-23T10:00:10.000Z'));
    await ledger.close();

    expect(await verify(many)).toMatchObject({ ok: true, segments: 3, records: 5 });
    expect(await verify(file)).toMatchObject({ ok: true, segments: 3, records: 5 });
    expect(await verify(`${file}.000000000003`)).toMatchObject({
      ok: true,
      records: 2,
      firstSequence: 3,
      warnings: ['begins at sequence 3: what stands before it is not proved'],
    });
    const journal = readFileSync(`${file}.journal`, 'utf8');
    writeFileSync(
      `${file}.journal`,
      journal.replace('"verdict":"interrupted"', '"verdict":"recorded"'),
    );
    expect((await verify(many)).broken).toMatchObject({ file: `${file}.journal`, line: 1 });
    writeFileSync(`${file}.journal`, journal);
    rmSync(`${file}.000000000003`);
    expect((await verify(many)).broken).toMatchObject({ file, line: 1 });
    rmSync(file);
    expect((await verify(many)).broken).toMatchObject({ file });
  });

  test('without a ledger, or a file that is not there, is an error that names it', () => {
    const empty = mkdtempSync(join(folder, 'empty-'));
    const unreadable = expect.objectContaining({ code: 'REC_ERR_LEDGER_UNREADABLE' }) as Error;
    expect(() => locateLedgers(empty)).toThrow(unreadable);
    expect(() => locateLedgers(join(folder, 'nowhere.jsonl'))).toThrow(unreadable);
  });
});
