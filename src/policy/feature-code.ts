import { type ControlAction } from './control';

/** Keys that were pressed and may become a code. */
export interface FeatureCodeState {
  readonly digits: string;
  /** When the last of them was pressed, ms. */
  readonly lastAtMs: number;
}

export const NO_DIGITS: FeatureCodeState = { digits: '', lastAtMs: 0 };

/** How long a user may take for the next key of a code. */
export const INTER_DIGIT_MS = 2_000;

/**
 * What a key has led to. `held`: a code may come of it; with `isFirst` it is the first of that code, and what was
 * pressed before it was none.
 */
export type FeatureCodeOutcome =
  | { readonly kind: 'held'; readonly isFirst: boolean }
  | { readonly kind: 'code'; readonly action: ControlAction }
  | { readonly kind: 'not-a-code' };

export interface FeatureCodeStep {
  readonly state: FeatureCodeState;
  readonly outcome: FeatureCodeOutcome;
}

/**
 * Finds feature codes (such as `*44`) in the keys that a party presses. A code acts as soon as it is complete; a
 * key that fits no code, or comes too late, makes what was pressed before it no code, and may itself begin one.
 */
export function pressKey(
  state: FeatureCodeState,
  press: { readonly digit: string; readonly atMs: number },
  codes: ReadonlyMap<string, ControlAction>,
): FeatureCodeStep {
  const isLate = press.atMs - state.lastAtMs > INTER_DIGIT_MS;
  const before = isLate ? '' : state.digits;
  // What was pressed before may have ended in the beginning of a code: `**44` holds `*44`.
  for (let skipped = 0; skipped <= before.length; skipped++) {
    const digits = before.slice(skipped) + press.digit;
    const action = codes.get(digits);
    if (action !== undefined) {
      return { state: NO_DIGITS, outcome: { kind: 'code', action } };
    }
    if ([...codes.keys()].some(code => code.startsWith(digits))) {
      return {
        state: { digits, lastAtMs: press.atMs },
        outcome: { kind: 'held', isFirst: skipped > 0 || before === '' },
      };
    }
  }
  return { state: NO_DIGITS, outcome: { kind: 'not-a-code' } };
}

/** The digits with which a code may begin. */
export function firstDigits(codes: ReadonlyMap<string, ControlAction>): string {
  return [...new Set([...codes.keys()].map(code => code.charAt(0)))].join('');
}
