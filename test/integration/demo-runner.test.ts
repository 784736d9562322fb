import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { play } from '../../src/demo/run-scenarios';
import { checkEqual, type Scenario } from '../../src/demo/scenario';
import { type ScenarioResult } from '../../src/demo/scenario-report';
import { ALICE, BOB } from '../../src/demo/stage/places';
import { type Stage } from '../../src/demo/stage/stage';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'runner-'));
});

afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

/** A call that is as it should be, and what somebody writes down meanwhile. */
async function played(writes: (stage: Stage) => string): Promise<ScenarioResult> {
  const scenario: Scenario = {
    name: 'leaky',
    title: 'A leak',
    shows: 'that a leak is found',
    phones: [
      { party: ALICE, options: { srtp: 'AES_CM_128_HMAC_SHA1_80' } },
      { party: BOB, options: { srtp: 'AES_CM_128_HMAC_SHA1_80' } },
    ],
    async play(stage) {
      const call = await stage.call(ALICE, BOB);
      call.caller.sendDtmf('4711082', 60);
      await call.callee.until(() => call.callee.digits === '4711082', 10_000, 'the digits');
      await stage.hangUp(call);
      await stage.evidence();
      writeFileSync(join(stage.outDir, 'note.txt'), writes(stage));
      return [checkEqual('the call', 'as it should be', 'as it should be')];
    },
  };
  const result = await play(scenario, folder, new AbortController().signal);
  expect(JSON.parse(readFileSync(join(folder, 'result.json'), 'utf8'))).toEqual(result);
  return result;
}

const LEAKS: readonly (readonly [kind: string, writes: (stage: Stage) => string])[] = [
  ['an SRTP key', ({ secrets }) => `key ${secrets.srtpKeys[0] ?? ''}`],
  ['a token', ({ secrets }) => `token ${secrets.tokens[0] ?? ''}`],
  ['a token', ({ secrets }) => `webhook secret ${secrets.tokens[1] ?? ''}`],
  ['digits that were pressed', () => 'dialled 4711082'],
];

jest.setTimeout(60_000);

describe('the runner of scenarios', () => {
  test.each(LEAKS)('fails a scenario that wrote down %s', async (kind, writes) => {
    const { ok, checks } = await played(writes);
    expect(ok).toBe(false);
    expect(checks.filter(check => !check.ok)).toMatchObject([
      { name: 'no secret in the evidence', found: `${kind} in note.txt` },
    ]);
  });

  test('passes it when all that was written is clean, with keys, tokens and digits in play', async () => {
    const { ok, checks } = await played(() => 'nothing of interest');
    expect(checks.filter(check => !check.ok)).toEqual([]);
    expect(ok).toBe(true);
    expect(checks.at(-1)?.expected).toMatch(/2 tokens, [1-9]\d* SRTP keys, 1 row of digits/);
  });
});
