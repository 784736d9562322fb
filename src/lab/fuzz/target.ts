import { inspect, isDeepStrictEqual } from 'node:util';
import { type Random } from './random';

/** What a parser made of an input. */
export type Verdict = 'accepted' | 'refused';

/** One parser with what it takes to fuzz it. */
export interface FuzzTarget {
  /** Also the first part of the names of its crash files. */
  readonly name: string;
  /** Well-formed inputs, at least one. */
  readonly seeds: readonly Buffer[];
  /** Whether a fixture file, by its path under the corpus folder, is an input of this parser. */
  wantsFile(path: string): boolean;
  readonly dictionary: readonly Buffer[];
  /** Longest input that is tried; above the parser's own bound, so that this one is tried too. */
  readonly maxBytes: number;
  /**
   * Feeds one input and checks everything that must hold.
   * @throws OracleFailure when something does not hold; anything else that comes out is a crash too
   */
  check(input: Buffer, random: Random): Verdict;
}

/** A parser did what it must not do, without throwing. */
export class OracleFailure extends Error {
  override readonly name = 'OracleFailure';
}

/** @throws OracleFailure unless `condition` holds */
export function mustHold(condition: boolean, what: string): asserts condition {
  if (!condition) {
    throw new OracleFailure(what);
  }
}

/** @throws OracleFailure unless both are deeply equal */
export function mustEqual(actual: unknown, expected: unknown, what: string): void {
  if (!isDeepStrictEqual(actual, expected)) {
    throw new OracleFailure(`${what}: ${brief(actual)} is not ${brief(expected)}`);
  }
}

/** `text` as seeds or dictionary words, one per element. */
export function words(...texts: readonly string[]): readonly Buffer[] {
  return texts.map(text => Buffer.from(text, 'utf8'));
}

/** Cuts `bytes` at random places: mostly small pieces, so that every boundary is hit sooner or later. */
export function randomChunks(bytes: Buffer, random: Random): readonly Buffer[] {
  const largest = random.pick([1, 3, 17, 200, 4000]);
  // A long input in single octets would take all the time of the run.
  const step = Math.max(largest, Math.ceil(bytes.length / 2000));
  const chunks: Buffer[] = [];
  for (let at = 0; at < bytes.length;) {
    const length = 1 + random.below(step);
    chunks.push(bytes.subarray(at, at + length));
    at += length;
  }
  return chunks;
}

/** Whether a message head has a CR or LF that is not part of CRLF: a header of somebody else's making. */
export function hasBareLineBreak(head: string): boolean {
  return /[\r\n]/.test(head.replaceAll('\r\n', ''));
}

function brief(value: unknown): string {
  return inspect(value, { breakLength: Infinity }).slice(0, 300);
}
