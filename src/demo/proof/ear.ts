import { levelDbfs, SILENCE_DBFS, toneLevelDbfs } from '../../lab';
import { check, type ScenarioCheck } from '../scenario';
import { type DemoParty } from '../stage/places';

/* What is heard, by Goertzel window for window. Samples are mono PCM16 at 8 kHz; times are ms from sample 0. */

export type Span = readonly [fromMs: number, untilMs: number];

const SAMPLES_PER_MS = 8;
const WINDOW_MS = 20;
const HOP_MS = 10;
/** Parties speak at -12 dBFS; half a window of it is still there. */
const PRESENT_DBFS = -24;
/** Less than this is nothing at all. */
const SILENT_DBFS = -50;
/** Where a tone is cut off it leaves a trace at all frequencies; another party would be 30 dB above this. */
const TRACE_DBFS = -42;
/** A speaker is there above this, and goes on where one half of a window differs from the next by no more than that. */
const SPEAKER_DBFS = -40;
const STEADY_DB = 1;
/** Likewise for its phase, which jumps where packets are missing or too many. */
const STEADY_RAD = 0.3;
/** What may be missing at the edges of a span: a packet that was under way, and the window's width, ms. */
const EDGE_MS = 40;

/** Time in which none of the signals holds the tone, ms. Several: recordings that complete one another. Pure. */
export function missingMs(
  signals: readonly Int16Array[],
  hz: number,
  [fromMs, untilMs]: Span,
  thresholdDbfs = PRESENT_DBFS,
): number {
  let missing = 0;
  for (let atMs = fromMs; atMs + WINDOW_MS <= untilMs; atMs += HOP_MS) {
    const isThere = signals.some(
      samples => toneLevelDbfs(window(samples, atMs, WINDOW_MS), hz) >= thresholdDbfs,
    );
    missing += isThere ? 0 : HOP_MS;
  }
  return missing;
}

/** Spans in which the tone is there, with gaps shorter than `bridgeMs` closed. Pure. */
export function toneSpans(
  samples: Int16Array,
  hz: number,
  options: { thresholdDbfs?: number; windowMs?: number; hopMs?: number; bridgeMs?: number } = {},
): readonly Span[] {
  const { thresholdDbfs = PRESENT_DBFS, windowMs = WINDOW_MS, hopMs = 5, bridgeMs = 20 } = options;
  const spans: [number, number][] = [];
  const lengthMs = samples.length / SAMPLES_PER_MS;
  for (let atMs = 0; atMs + windowMs <= lengthMs; atMs += hopMs) {
    if (toneLevelDbfs(window(samples, atMs, windowMs), hz) < thresholdDbfs) {
      continue;
    }
    const last = spans.at(-1);
    // The tone fills about the middle of a window that just reaches the threshold.
    const [from, until] = [atMs + windowMs / 4, atMs + (3 * windowMs) / 4];
    if (last !== undefined && from - last[1] <= bridgeMs) {
      last[1] = until;
    } else {
      spans.push([from, until]);
    }
  }
  return spans;
}

/** The loudest window of a span, dBFS; with a tone, the loudest that this tone is there. Pure. */
export function loudestDbfs(
  samples: Int16Array,
  [fromMs, untilMs]: Span,
  hz: number | null = null,
  windowMs = WINDOW_MS,
): number {
  let loudest = SILENCE_DBFS;
  for (let atMs = fromMs; atMs + windowMs <= untilMs; atMs += windowMs / 2) {
    const heard = window(samples, atMs, windowMs);
    if (heard.length > 0) {
      loudest = Math.max(loudest, hz === null ? levelDbfs(heard) : toneLevelDbfs(heard, hz));
    }
  }
  return loudest;
}

/** A signal with a tone taken out of it (by least squares), window for window. Pure. */
export function withoutTone(samples: Int16Array, hz: number): Int16Array {
  const out = new Int16Array(samples.length);
  const length = WINDOW_MS * SAMPLES_PER_MS;
  for (let at = 0; at < samples.length; at += length) {
    out.set(windowWithoutTone(samples.subarray(at, at + length), hz), at);
  }
  return out;
}

/**
 * What a recording holds beside its speaker. Where the speaker's tone begins or ends it cannot be taken out, and has
 * traces at all frequencies: silence stands there instead. Pure.
 * @returns `edges`: how many samples those are.
 */
export function withoutSpeaker(
  samples: Int16Array,
  hz: number,
): { readonly rest: Int16Array; readonly edges: number } {
  const rest = withoutTone(samples, hz);
  const length = WINDOW_MS * SAMPLES_PER_MS;
  const half = length / 2;
  const omega = (2 * Math.PI * hz) / (SAMPLES_PER_MS * 1000);
  const edges = new Set<number>();
  let before = { dbfs: SILENCE_DBFS, phase: 0 };
  for (let at = 0; at < samples.length; at += half) {
    const piece = samples.subarray(at, at + half);
    const [a, b] = toneIn(piece, hz);
    // Of a tone without a break: the phase that it had at sample 0.
    const now = { dbfs: levelDbfs(piece), phase: Math.atan2(b, a) + omega * at };
    const isHeard = at > 0 && Math.max(before.dbfs, now.dbfs) > SPEAKER_DBFS;
    const isBroken =
      Math.abs(before.dbfs - now.dbfs) > STEADY_DB ||
      1 - Math.cos(before.phase - now.phase) > 1 - Math.cos(STEADY_RAD);
    if (isHeard && isBroken) {
      edges.add(Math.floor((at - half) / length)).add(Math.floor(at / length));
    }
    before = now;
  }
  edges.forEach(index => rest.fill(0, index * length, (index + 1) * length));
  return { rest, edges: edges.size * length };
}

function windowWithoutTone(samples: Int16Array, hz: number): Int16Array {
  const omega = (2 * Math.PI * hz) / (SAMPLES_PER_MS * 1000);
  const [a, b] = toneIn(samples, hz);
  return samples.map((x, n) => x - a * Math.cos(omega * n) - b * Math.sin(omega * n));
}

/** The amplitudes of cosine and sine of a tone that fit a window best. */
function toneIn(samples: Int16Array, hz: number): readonly [cosine: number, sine: number] {
  const omega = (2 * Math.PI * hz) / (SAMPLES_PER_MS * 1000);
  let [cc, ss, cs, xc, xs] = [0, 0, 0, 0, 0];
  for (let n = 0; n < samples.length; n += 1) {
    const [c, s, x] = [Math.cos(omega * n), Math.sin(omega * n), samples[n] ?? 0];
    cc += c * c;
    ss += s * s;
    cs += c * s;
    xc += x * c;
    xs += x * s;
  }
  const determinant = Math.max(cc * ss - cs * cs, Number.EPSILON);
  return [(xc * ss - xs * cs) / determinant, (xs * cc - xc * cs) / determinant];
}

/** First sound of the tone, ms; Infinity when it never comes. Pure. */
export function firstHeardMs(samples: Int16Array, hz: number): number {
  return toneSpans(samples, hz)[0]?.[0] ?? Infinity;
}

/** The party speaks all the time in each of the spans. */
export function speaks(
  where: string,
  samples: Int16Array,
  party: DemoParty,
  spans: readonly Span[],
  options: { thresholdDbfs?: number } = {},
): ScenarioCheck {
  const missing = spans.reduce(
    (sum, span) => sum + missingMs([samples], party.toneHz, span, options.thresholdDbfs),
    0,
  );
  return check(
    `${where}: ${party.name} is there`,
    missing <= EDGE_MS && spans.every(([from, until]) => until - from > WINDOW_MS),
    `${party.toneHz} Hz from ${spanText(spans)} without a gap`,
    `${missing} ms missing, ${levelText(loudestDbfs(samples, wholeOf(spans), party.toneHz))}`,
  );
}

/** Nothing at all is heard in a span. */
export function isSilent(where: string, samples: Int16Array, span: Span): ScenarioCheck {
  const loudest = loudestDbfs(samples, span);
  return check(
    `${where}: silence`,
    loudest < SILENT_DBFS,
    `nothing above ${SILENT_DBFS} dBFS from ${spanText([span])}`,
    `loudest ${levelText(loudest)}`,
  );
}

/** A party is not heard where it does not belong. */
export function isAbsent(where: string, samples: Int16Array, party: DemoParty): ScenarioCheck {
  const loudest = loudestDbfs(samples, allOf(samples), party.toneHz, 100);
  return check(
    `${where}: no trace of ${party.name}`,
    loudest < TRACE_DBFS,
    `${party.toneHz} Hz below ${TRACE_DBFS} dBFS`,
    `loudest ${levelText(loudest)}`,
  );
}

/** What a party said is in recordings that complete one another; the recorded seconds that are lost. */
export function lostSeconds(
  channels: readonly Int16Array[],
  party: DemoParty,
  span: Span,
): { readonly seconds: number; readonly check: ScenarioCheck } {
  const missing = missingMs(channels, party.toneHz, span);
  return {
    seconds: missing / 1000,
    check: check(
      `${party.name} is recorded without a gap, all recordings together`,
      missing <= EDGE_MS && span[1] - span[0] > WINDOW_MS,
      `0 s lost from ${spanText([span])}`,
      `${(missing / 1000).toFixed(2)} s lost`,
    ),
  };
}

export function allOf(samples: Int16Array): Span {
  return [0, samples.length / SAMPLES_PER_MS];
}

export function seconds(valueMs: number): string {
  return `${(valueMs / 1000).toFixed(2)} s`;
}

export function spanText(spans: readonly Span[]): string {
  return spans.map(([from, until]) => `${seconds(from)} to ${seconds(until)}`).join(', ');
}

function wholeOf(spans: readonly Span[]): Span {
  return [
    Math.min(...spans.map(([fromMs]) => fromMs)),
    Math.max(...spans.map(([, untilMs]) => untilMs)),
  ];
}

function levelText(dbfs: number): string {
  return `${dbfs.toFixed(1)} dBFS`;
}

function window(samples: Int16Array, atMs: number, windowMs: number): Int16Array {
  const first = Math.round(atMs * SAMPLES_PER_MS);
  return samples.subarray(first, first + Math.round(windowMs * SAMPLES_PER_MS));
}
