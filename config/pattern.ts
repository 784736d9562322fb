/**
 * The pattern language of routes. Deliberately not regular expressions: a pattern is matched in time
 * proportional to pattern × text at worst, whatever the peer sends.
 *
 * `*` any run of characters (also none) · `?` exactly one character · `#` exactly one digit ·
 * `\` takes the next character literally.
 */
export type PatternToken =
  | { readonly kind: 'literal'; readonly char: string }
  | { readonly kind: 'one' }
  | { readonly kind: 'digit' }
  | { readonly kind: 'run' };

/** Longest pattern accepted, in characters. */
export const MAX_PATTERN_LENGTH = 256;

/** Compiles a pattern. @returns the tokens, or a sentence part saying what is wrong. */
export function parsePattern(pattern: string): readonly PatternToken[] | string {
  if (pattern === '') {
    return 'must not be empty; use * for anything';
  }
  if (pattern.length > MAX_PATTERN_LENGTH) {
    return `must have at most ${MAX_PATTERN_LENGTH} characters`;
  }
  const tokens: PatternToken[] = [];
  const chars = Array.from(pattern);
  for (let i = 0; i < chars.length; i++) {
    const char = chars[i] ?? '';
    if (char === '\\') {
      i++;
      const next = chars[i];
      if (next === undefined) {
        return 'must not end in a single backslash; write \\\\ for a backslash';
      }
      tokens.push({ kind: 'literal', char: next });
    } else {
      tokens.push(tokenOf(char));
    }
  }
  return tokens;
}

/** Whether the whole of `text` is matched. Greedy with one point of return: no exponential case exists. */
export function matchesPattern(tokens: readonly PatternToken[], text: string): boolean {
  const chars = Array.from(text);
  let token = 0;
  let char = 0;
  let lastRun = -1;
  let resumeAt = 0;
  while (char < chars.length) {
    const current = tokens[token];
    if (current?.kind === 'run') {
      lastRun = token++;
      resumeAt = char;
    } else if (current !== undefined && matchesOne(current, chars[char] ?? '')) {
      token++;
      char++;
    } else if (lastRun >= 0) {
      token = lastRun + 1;
      char = ++resumeAt;
    } else {
      return false;
    }
  }
  return tokens.slice(token).every(rest => rest.kind === 'run');
}

function tokenOf(char: string): PatternToken {
  switch (char) {
    case '*':
      return { kind: 'run' };
    case '?':
      return { kind: 'one' };
    case '#':
      return { kind: 'digit' };
    default:
      return { kind: 'literal', char };
  }
}

function matchesOne(token: PatternToken, char: string): boolean {
  switch (token.kind) {
    case 'literal':
      return token.char === char;
    case 'digit':
      return char >= '0' && char <= '9' && char.length === 1;
    case 'one':
    case 'run':
      return true;
  }
}
