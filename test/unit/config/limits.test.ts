import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { DEFAULT_ENGINE_LIMITS } from '#sip/engine';
import { parseConfig } from '../../../config';

const ROOT = resolve(__dirname, '../../..');

/** Key without its prefix, range, default and test of each row of docs/limits.md. */
const ROWS = readFileSync(join(ROOT, 'docs/limits.md'), 'utf8')
  .split('\n')
  .map(line =>
    /^\| `sip\.limits\.(\w+)` .*?(\d+) to (\d+) +\| `(\d+)` .*\| `([^`]+)` +\|$/.exec(line),
  )
  .flatMap(match => (match === null ? [] : [match]))
  .map(([, key = '', min, max, fallback, test = '']) => ({
    key,
    min: Number(min),
    max: Number(max),
    fallback: Number(fallback),
    test,
  }));

function withLimit(key: string, value: number): ReturnType<typeof parseConfig>['sip']['limits'] {
  return parseConfig(JSON.stringify({ sip: { limits: { [key]: value } } }), 'limits.yaml').sip
    .limits;
}

test('docs/limits.md has the bounds of the engine, and so has the configuration', () => {
  expect(Object.fromEntries(ROWS.map(({ key, fallback }) => [key, fallback]))).toEqual(
    DEFAULT_ENGINE_LIMITS,
  );
  expect(parseConfig('{}', 'empty.yaml').sip.limits).toEqual(DEFAULT_ENGINE_LIMITS);
});

test.each(ROWS)('sip.limits.$key is at least $min and at most $max', ({ key, min, max }) => {
  const complaint = `must be a whole number from ${min} to ${max}`;
  expect(() => withLimit(key, min - 1)).toThrow(complaint);
  expect(() => withLimit(key, max + 1)).toThrow(complaint);
});

test('every bound has the test that its row names', () => {
  const sources = readdirSync(join(ROOT, 'test'), { recursive: true, encoding: 'utf8' })
    .filter(name => name.endsWith('.test.ts'))
    .map(name => readFileSync(join(ROOT, 'test', name), 'utf8'))
    .join('\n');
  const missing = ROWS.filter(({ test }) => !sources.includes(test)).map(({ test }) => test);
  expect([...new Set(missing)]).toEqual([]);
});

test('bounds that contradict one another are refused', () => {
  expect(() => withLimit('appBusyBytes', 20_000_000)).toThrow(
    'must not be above sip.limits.appPauseBytes (16777216)',
  );
  expect(() => withLimit('shedTransactions', 60_000)).toThrow(
    'must not be above sip.limits.transactions (50000)',
  );
});
