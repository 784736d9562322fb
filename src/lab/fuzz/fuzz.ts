import { type Clock, errorMessage } from '#core';
import { mutate } from './mutate';
import { Random } from './random';
import { type FuzzTarget, OracleFailure, type Verdict } from './target';

/** An input that a parser failed on. */
export interface Crash {
  readonly target: string;
  readonly input: Buffer;
  /** What happened, one line. */
  readonly reason: string;
}

export interface FuzzOptions {
  readonly runs: number;
  readonly seed: number;
  /** Inputs beside the target's own seeds. */
  readonly corpus: readonly Buffer[];
  readonly clock: Clock;
  /** Called with each input before the parser sees it. */
  readonly onInput?: (input: Buffer) => void;
}

export interface FuzzResult {
  readonly target: string;
  readonly runs: number;
  readonly accepted: number;
  readonly refused: number;
  /** One per reason; more of the same are not kept. */
  readonly crashes: readonly Crash[];
  /** The longest single check, ms. */
  readonly slowestMs: number;
}

/** A parser that takes longer than this for one input can be held up by a peer. Generous: a busy machine. */
const MAX_CHECK_MS = 1000;
/** How many accepted inputs are kept to go on from. */
const POOL_SIZE = 512;
/** Different crashes of one target after which it is enough. */
const MAX_CRASHES = 20;

/** Runs one target. The same seed, corpus and sources give the same run. */
export function fuzz(target: FuzzTarget, options: FuzzOptions): FuzzResult {
  const random = new Random(options.seed);
  const pool = [...target.seeds, ...options.corpus];
  const fixed = pool.length;
  const material = { pool, dictionary: target.dictionary, maxBytes: target.maxBytes };
  const counts: Record<Verdict, number> = { accepted: 0, refused: 0 };
  const crashes = new Map<string, Crash>();
  let runs = 0;
  let slowestMs = 0;
  while (runs < options.runs && crashes.size < MAX_CRASHES) {
    // The good inputs themselves come first.
    const input = pool[runs < fixed ? runs : -1] ?? mutate(random, material);
    runs++;
    options.onInput?.(input);
    const outcome = checkInput(target, input, random, options.clock);
    slowestMs = Math.max(slowestMs, outcome.tookMs);
    if ('reason' in outcome) {
      const { reason } = outcome;
      crashes.set(
        kindOf(reason),
        crashes.get(kindOf(reason)) ?? { target: target.name, input, reason },
      );
      continue;
    }
    counts[outcome.verdict]++;
    if (outcome.verdict === 'accepted' && runs > fixed && random.oneIn(4)) {
      // What was accepted is the best start for something else; the original ones always stay.
      pool[pool.length < fixed + POOL_SIZE ? pool.length : fixed + random.below(POOL_SIZE)] = input;
    }
  }
  return { target: target.name, runs, ...counts, crashes: [...crashes.values()], slowestMs };
}

type Outcome = { readonly tookMs: number } & (
  { readonly verdict: Verdict } | { readonly reason: string }
);

/** Feeds one input to a target. Never throws: what the parser does wrong is the reason. */
export function checkInput(
  target: FuzzTarget,
  input: Buffer,
  random: Random,
  clock: Clock,
): Outcome {
  // Each look draws the same numbers, and a look more changes nothing of what comes after.
  const seed = random.below(2 ** 31);
  const look = (): Outcome => checkOnce(target, input, new Random(seed), clock);
  let outcome = look();
  // On a busy machine one slow look says little: the second and third must be slow too.
  for (let i = 0; i < 2 && outcome.tookMs > MAX_CHECK_MS; i++) {
    const again = look();
    outcome = again.tookMs < outcome.tookMs ? again : outcome;
  }
  if ('verdict' in outcome && outcome.tookMs > MAX_CHECK_MS) {
    return { tookMs: outcome.tookMs, reason: `slow: ${Math.round(outcome.tookMs)} ms` };
  }
  return outcome;
}

function checkOnce(target: FuzzTarget, input: Buffer, random: Random, clock: Clock): Outcome {
  const startedMs = clock.monotonicMs();
  const tookMs = (): number => clock.monotonicMs() - startedMs;
  try {
    // A copy: a parser that writes into its input or keeps it must not disturb the next run.
    const verdict = target.check(Buffer.from(input), random);
    return { verdict, tookMs: tookMs() };
  } catch (error) {
    const kind = error instanceof OracleFailure ? 'oracle' : 'thrown';
    const where = error instanceof Error && kind === 'thrown' ? placeOf(error) : '';
    return { reason: `${kind}: ${errorMessage(error)}${where}`, tookMs: tookMs() };
  }
}

/** The innermost place of our own in a stack. */
function placeOf(error: Error): string {
  const line = error.stack?.split('\n').find(each => /^\s+at .*(sip|media|metadata)\//.test(each));
  return line === undefined ? '' : ` ${line.trim()}`;
}

/** Crashes of one kind differ in their values only. */
function kindOf(reason: string): string {
  return reason.replace(/: [[{"].*/s, '').replace(/\d+/g, 'n');
}
