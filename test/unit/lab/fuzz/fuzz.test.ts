import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Clock, systemClock } from '#core';
import { keepCrash, readCorpus } from '../../../../src/lab/fuzz/corpus';
import { checkInput, fuzz } from '../../../../src/lab/fuzz/fuzz';
import { mutate } from '../../../../src/lab/fuzz/mutate';
import { Random } from '../../../../src/lab/fuzz/random';
import { formatResults } from '../../../../src/lab/fuzz/report';
import { type FuzzTarget, mustHold, words } from '../../../../src/lab/fuzz/target';
import { FUZZ_TARGETS } from '../../../../src/lab/fuzz/targets';

const FIXTURES = join(__dirname, '../../../fixtures');
const CRASHES = readdirSync(join(FIXTURES, 'crashes')).filter(file => file.endsWith('.bin'));
/** Other numbers each week would find more, but a test must not fail by chance: the runner is for that. */
const SEED = 20_261_123;

function target(check: FuzzTarget['check']): FuzzTarget {
  return {
    name: 'example',
    seeds: words('seed'),
    wantsFile: path => path.endsWith('.txt'),
    dictionary: words('word'),
    maxBytes: 100,
    check,
  };
}

const base = { runs: 500, seed: 7, corpus: [], clock: systemClock };

describe('the parsers', () => {
  test.each(FUZZ_TARGETS)(
    '$name: two thousand inputs break nothing',
    each => {
      const result = fuzz(each, {
        ...base,
        runs: 2000,
        seed: SEED,
        corpus: readCorpus(FIXTURES, each),
      });
      expect(result.crashes.map(crash => crash.reason)).toEqual([]);
      expect(result.accepted + result.refused).toBe(2000);
      // Neither would tell anything: a run that never gets past the first line, or one that never fails.
      expect(result.accepted).toBeGreaterThan(100);
      expect(result.refused).toBeGreaterThan(100);
    },
    300_000,
  );

  test.each(FUZZ_TARGETS)('$name: its own seeds are accepted', each => {
    for (const seed of each.seeds) {
      expect(checkInput(each, seed, new Random(1), systemClock)).toMatchObject({
        verdict: 'accepted',
      });
    }
  });

  test.each(CRASHES)(
    'what once broke a parser does not any more: %s',
    file => {
      const found = FUZZ_TARGETS.find(({ name }) => file.startsWith(`${name}-`));
      const input = readFileSync(join(FIXTURES, 'crashes', file));
      // Several times: some failures need the right slices.
      for (let seed = 1; seed <= 8; seed++) {
        const outcome = found && checkInput(found, input, new Random(seed), systemClock);
        expect(outcome).toHaveProperty('verdict');
      }
    },
    120_000,
  );
});

describe('the runner', () => {
  test('gives the same run for the same seed and another for another', () => {
    const inputs = (seed: number): readonly string[] => {
      const seen: string[] = [];
      const onInput = (input: Buffer): void => void seen.push(input.toString('hex'));
      fuzz(
        target(() => 'accepted'),
        { ...base, seed, onInput },
      );
      return seen;
    };
    expect(inputs(1)).toEqual(inputs(1));
    expect(inputs(1)).not.toEqual(inputs(2));
  });

  test('gives the same run whether or not the machine stumbles', () => {
    const inputs = (stumbles: readonly number[]): readonly string[] => {
      const seen: string[] = [];
      let nowMs = 0;
      let looks = 0;
      const clock: Clock = { ...systemClock, monotonicMs: () => nowMs };
      const check: FuzzTarget['check'] = (_input, random) => {
        nowMs += stumbles.includes(looks++) ? 5_000 : 0;
        return random.oneIn(2) ? 'accepted' : 'refused';
      };
      fuzz(target(check), {
        ...base,
        clock,
        onInput: input => void seen.push(input.toString('hex')),
      });
      return seen;
    };
    expect(inputs([3, 4, 90])).toEqual(inputs([]));
  });

  test('keeps one crash per kind, and goes on', () => {
    const result = fuzz(
      target(input => {
        mustHold(input.length < 20, 'short inputs');
        if (input.includes('word')) {
          throw new TypeError(`no word at ${input.indexOf('word')}`);
        }
        return 'refused';
      }),
      base,
    );
    expect(result.runs).toBe(500);
    expect(result.crashes.map(({ reason }) => reason.replace(/\d+.*/, 'n')).sort()).toEqual([
      'oracle: short inputs',
      'thrown: no word at n',
    ]);
  });

  test('counts a parser that takes too long as crashed, unless it was only once', () => {
    let nowMs = 0;
    let looks = 0;
    const clock: Clock = { ...systemClock, monotonicMs: () => nowMs };
    const slow = (isSlow: (look: number) => boolean): FuzzTarget =>
      target(() => {
        nowMs += isSlow(looks++) ? 1500 : 1;
        return 'accepted';
      });
    const input = Buffer.from('x');
    const always = checkInput(
      slow(() => true),
      input,
      new Random(1),
      clock,
    );
    expect(always).toMatchObject({ reason: 'slow: 1500 ms' });
    looks = 0;
    const once = checkInput(
      slow(look => look === 0),
      input,
      new Random(1),
      clock,
    );
    expect(once).toMatchObject({ verdict: 'accepted' });
  });

  test('keeps crash inputs as files that the next run starts from', () => {
    const folder = mkdtempSync(join(tmpdir(), 'fuzz-'));
    try {
      const input = Buffer.from([0, 255, 10]);
      const crash = { target: 'example', input, reason: 'thrown: x' };
      const file = keepCrash(join(folder, 'crashes'), crash);
      expect(readFileSync(file)).toEqual(input);
      expect(
        readCorpus(
          folder,
          target(() => 'accepted'),
        ),
      ).toEqual([input]);
      expect(
        readCorpus(
          join(folder, 'nowhere'),
          target(() => 'accepted'),
        ),
      ).toEqual([]);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test('never makes an input longer than the target wants', () => {
    const random = new Random(3);
    const material = {
      pool: words('some text, 42 of it\nand more'),
      dictionary: words('word'),
      maxBytes: 50,
    };
    const lengths = Array.from({ length: 3000 }, () => mutate(random, material).length);
    expect(Math.max(...lengths)).toBe(50);
  });

  test('prints a row per parser', () => {
    const result = fuzz(
      target(() => 'accepted'),
      base,
    );
    expect(formatResults([result])).toMatch(/example │ +500 │ +500 │ +0 │ +0 │/);
  });
});
