import { SAMPLES_PER_MS } from '../../lab';
import { type Span, withoutSpeaker, withoutTone } from './ear';

/* Spoken prompts are found by what they are: the samples of the file, wherever they stand. Mono PCM16, 8 kHz. */

/** Where a prompt stands in what somebody heard. */
export interface FoundPrompt {
  /** From its first to its last sample, ms from sample 0. */
  readonly span: Span;
  /** 1: these very samples and nothing else beside the speaker's tone; 0: nothing like it. */
  readonly likeness: number;
  /** How loud it is there: 1 as in the file. */
  readonly gain: number;
  /** What was heard in the span with the prompt taken out. */
  readonly rest: Int16Array;
}

/** A prompt is followed in pieces: where a talker fell silent it may have moved on. */
const PIECE_SAMPLES = 250 * SAMPLES_PER_MS;
const MAX_MOVE_SAMPLES = 100 * SAMPLES_PER_MS;
/** How much later, when nobody talks and the machine is busy. */
const MAX_DELAY_SAMPLES = 400 * SAMPLES_PER_MS;
/** Speech is like itself one period further on; a piece has moved only if it is clearly more like that. */
const MOVE_FACTOR = 1.1;
/** And only if it is like that at all, which a pause between two words is nowhere. */
const MOVED_LIKENESS = 0.5;
/** With more edges than this nothing is proved. */
const MAX_EDGES_SHARE = 0.2;

/**
 * Looks for a prompt that begins in a span.
 * @param heard what was heard, with one speaker in it.
 * @param speakerHz what the speaker says.
 * @returns null when the span lies outside of what was heard.
 */
export function findPrompt(
  heard: Int16Array,
  prompt: Int16Array,
  speakerHz: number,
  [fromMs, untilMs]: Span,
): FoundPrompt | null {
  const from = Math.max(0, Math.round(fromMs * SAMPLES_PER_MS));
  const until = Math.round(untilMs * SAMPLES_PER_MS);
  const end = Math.min(heard.length, until + prompt.length + 2 * MAX_DELAY_SAMPLES);
  if (end <= from) {
    return null;
  }
  const signal = withoutTone(heard.subarray(from, end), speakerHz);
  // What the filter takes from the signal it takes from the prompt, too.
  const wanted = withoutTone(prompt, speakerHz);
  const first = bestLag(signal, wanted, 0, 2 * PIECE_SAMPLES, [0, until - from]).lag;
  let lag = first;
  let [likeness, power, wantedPower] = [0, 0, 0];
  const lags: number[] = [];
  for (let at = 0; at < wanted.length; at += PIECE_SAMPLES) {
    const stays = product(signal, wanted, at, PIECE_SAMPLES, lag);
    const range: Span = [lag - MAX_MOVE_SAMPLES, lag + MAX_DELAY_SAMPLES];
    const best = bestLag(signal, wanted, at, PIECE_SAMPLES, range);
    const length = Math.min(PIECE_SAMPLES, wanted.length - at);
    const piecePower = powerOf(wanted, at, length);
    const isLike =
      best.value > MOVED_LIKENESS * Math.sqrt(piecePower * powerOf(signal, at + best.lag, length));
    lag = isLike && best.value > MOVE_FACTOR * Math.max(0, stays) ? best.lag : lag;
    lags.push(lag);
    likeness += product(signal, wanted, at, length, lag);
    power += powerOf(signal, at + lag, length);
    wantedPower += piecePower;
  }
  const gain = likeness / Math.max(wantedPower, 1);
  const begins = from + first;
  const length = Math.min(lag + prompt.length, end - from) - first;
  const rest = heard.slice(begins, begins + Math.max(0, length));
  lags.forEach((each, piece) => {
    subtract(rest, prompt, piece * PIECE_SAMPLES, PIECE_SAMPLES, each - first, gain);
  });
  return {
    span: [begins / SAMPLES_PER_MS, (begins + rest.length) / SAMPLES_PER_MS],
    likeness: likeness / Math.sqrt(Math.max(power * wantedPower, 1)),
    gain,
    rest,
  };
}

/**
 * How loud a prompt can be at most in a signal near a place: 1 as in the file. Far below what is audible, because its
 * samples are looked for, not its loudness.
 * @param spanMs where it stands if it is there.
 * @returns 1, too, when there is nothing to judge by: the speaker's tone begins and ends all the time.
 */
export function traceOf(
  samples: Int16Array,
  prompt: Int16Array,
  speakerHz: number,
  [fromMs]: Span,
): number {
  const from = Math.max(0, Math.round(fromMs * SAMPLES_PER_MS) - MAX_MOVE_SAMPLES);
  const place = samples.subarray(from, from + prompt.length + 2 * MAX_MOVE_SAMPLES);
  const { rest: signal, edges } = withoutSpeaker(place, speakerHz);
  if (edges > MAX_EDGES_SHARE * prompt.length) {
    return 1;
  }
  const wanted = withoutTone(prompt, speakerHz);
  const { value } = bestLag(signal, wanted, 0, wanted.length, [0, 2 * MAX_MOVE_SAMPLES]);
  return Math.max(0, value) / Math.max(powerOf(wanted, 0, wanted.length), 1);
}

function bestLag(
  signal: Int16Array,
  wanted: Int16Array,
  at: number,
  length: number,
  [from, until]: Span,
): { readonly lag: number; readonly value: number } {
  let best = { lag: from, value: -Infinity };
  for (let lag = from; lag <= until; lag += 1) {
    const value = product(signal, wanted, at, length, lag);
    if (value > best.value) {
      best = { lag, value };
    }
  }
  return best;
}

/** Of a piece of what is wanted and the signal `lag` samples further on. */
function product(
  signal: Int16Array,
  wanted: Int16Array,
  at: number,
  length: number,
  lag: number,
): number {
  const until = Math.min(at + length, wanted.length, signal.length - lag);
  let sum = 0;
  for (let i = Math.max(at, -lag); i < until; i += 1) {
    sum += (signal[i + lag] ?? 0) * (wanted[i] ?? 0);
  }
  return sum;
}

function powerOf(samples: Int16Array, at: number, length: number): number {
  return samples
    .subarray(Math.max(0, at), Math.max(0, at + length))
    .reduce((sum, value) => sum + value * value, 0);
}

function subtract(
  rest: Int16Array,
  prompt: Int16Array,
  at: number,
  length: number,
  lag: number,
  gain: number,
): void {
  const until = Math.min(at + length, prompt.length, rest.length - lag);
  for (let i = Math.max(at, -lag); i < until; i += 1) {
    rest[i + lag] = (rest[i + lag] ?? 0) - Math.round(gain * (prompt[i] ?? 0));
  }
}
