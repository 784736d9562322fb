import {
  type ControlAction,
  type FeatureCodeState,
  firstDigits,
  INTER_DIGIT_MS,
  NO_DIGITS,
  pressKey,
} from '../../../src/policy';

const CODES: ReadonlyMap<string, ControlAction> = new Map([
  ['*44', 'start'],
  ['*45', 'stop'],
  ['#7', 'pause'],
]);

/** Presses the keys one after another; a number is a wait in ms before the next one. */
function press(...keys: readonly (string | number)[]): string {
  let state: FeatureCodeState = NO_DIGITS;
  let atMs = 1_000_000;
  const seen: string[] = [];
  for (const key of keys) {
    if (typeof key === 'number') {
      atMs += key;
      continue;
    }
    const step = pressKey(state, { digit: key, atMs }, CODES);
    state = step.state;
    const { outcome } = step;
    seen.push(
      outcome.kind === 'code'
        ? outcome.action
        : outcome.kind === 'held'
          ? outcome.isFirst
            ? 'first'
            : 'held'
          : 'none',
    );
  }
  return seen.join(' ');
}

describe('pressKey', () => {
  test.each<[string, readonly (string | number)[], string]>([
    ['a code', ['*', '4', '4'], 'first held start'],
    ['another code', ['*', '4', '5'], 'first held stop'],
    ['a code that begins otherwise', ['#', '7'], 'first pause'],
    ['two codes in a row', ['*', '4', '4', '*', '4', '5'], 'first held start first held stop'],
    ['keys that begin no code', ['1', '2', '4'], 'none none none'],
    ['a code that goes wrong', ['*', '4', '6', '4'], 'first held none none'],
    ['a code after a wrong beginning', ['*', '*', '4', '4'], 'first first held start'],
    ['a code within a wrong one', ['*', '4', '#', '7'], 'first held first pause'],
    [
      'keys as slow as allowed',
      ['*', INTER_DIGIT_MS, '4', INTER_DIGIT_MS, '4'],
      'first held start',
    ],
    ['a key that comes too late', ['*', '4', INTER_DIGIT_MS + 1, '4'], 'first held none'],
    [
      'a key that comes too late and begins anew',
      ['*', 3000, '*', '4', '4'],
      'first first held start',
    ],
  ])('%s', (_name, keys, expected) => {
    expect(press(...keys)).toBe(expected);
  });

  test('without codes nothing is held', () => {
    expect(pressKey(NO_DIGITS, { digit: '*', atMs: 0 }, new Map()).outcome).toEqual({
      kind: 'not-a-code',
    });
  });
});

test('firstDigits tells each first digit once', () => {
  expect(firstDigits(CODES)).toBe('*#');
  expect(firstDigits(new Map())).toBe('');
});
