import { SILENCE_DBFS, toneLevelDbfs } from './goertzel';
import { levelDbfs, SAMPLES_PER_MS } from './pcm';

export interface ToneDetectorOptions {
  /** A tone weaker than this is not there. Default -40 dBFS. */
  readonly thresholdDbfs?: number;
  /** The strongest tone counts as the only one when it leads the next candidate by this. Default 20 dB. */
  readonly separationDb?: number;
}

/** What is heard in one window. */
export interface ToneReading {
  /** The strongest candidate above the threshold, or null. */
  readonly hz: number | null;
  /** Its level, or that of the strongest candidate when none is above the threshold. */
  readonly levelDbfs: number;
  /** Whether no other candidate comes near it. */
  readonly isAlone: boolean;
  /** Every candidate above the threshold, strongest first. */
  readonly present: readonly number[];
}

/** A reading and the window that it is about, in ms from the first sample. */
export interface ToneWindow extends ToneReading {
  readonly startMs: number;
  readonly endMs: number;
}

export interface ToneScanOptions extends ToneDetectorOptions {
  /** Default 100 ms: candidates should then be at least 40 Hz apart. */
  readonly windowMs?: number;
  /** Distance of window starts. Default: windowMs. */
  readonly hopMs?: number;
}

/** Tells which of the candidate tones are in the samples (PCM16, 8 kHz). */
export function detectTone(
  samples: Int16Array,
  candidatesHz: readonly number[],
  options: ToneDetectorOptions = {},
): ToneReading {
  const { thresholdDbfs = -40, separationDb = 20 } = options;
  const levels = candidatesHz
    .map(hz => ({ hz, level: toneLevelDbfs(samples, hz) }))
    .sort((a, b) => b.level - a.level);
  const present = levels.filter(({ level }) => level >= thresholdDbfs).map(({ hz }) => hz);
  const strongest = levels[0]?.level ?? SILENCE_DBFS;
  const runnerUp = levels[1]?.level ?? SILENCE_DBFS;
  return {
    hz: present[0] ?? null,
    levelDbfs: strongest,
    isAlone: present.length > 0 && strongest - runnerUp >= separationDb,
    present,
  };
}

/** Reads a signal window by window; an incomplete last window is left out. */
export function scanTones(
  samples: Int16Array,
  candidatesHz: readonly number[],
  options: ToneScanOptions = {},
): ToneWindow[] {
  const { windowMs = 100, hopMs = windowMs } = options;
  return windows(samples, windowMs, hopMs, (window, startMs) => ({
    ...detectTone(window, candidatesHz, options),
    startMs,
    endMs: startMs + windowMs,
  }));
}

/** Time during which the signal holds anything above the threshold, as [startMs, endMs) spans. */
export function soundSpans(
  samples: Int16Array,
  options: { windowMs?: number; thresholdDbfs?: number } = {},
): [number, number][] {
  const { windowMs = 20, thresholdDbfs = -50 } = options;
  const spans: [number, number][] = [];
  windows(samples, windowMs, windowMs, (window, startMs) => {
    if (levelDbfs(window) < thresholdDbfs) {
      return;
    }
    const last = spans.at(-1);
    if (last?.[1] === startMs) {
      last[1] = startMs + windowMs;
    } else {
      spans.push([startMs, startMs + windowMs]);
    }
  });
  return spans;
}

function windows<T>(
  samples: Int16Array,
  windowMs: number,
  hopMs: number,
  visit: (window: Int16Array, startMs: number) => T,
): T[] {
  if (!(windowMs > 0 && hopMs > 0)) {
    throw new RangeError('windowMs and hopMs must be above 0');
  }
  const windowSamples = Math.round(windowMs * SAMPLES_PER_MS);
  const results: T[] = [];
  for (let n = 0; ; n += 1) {
    const first = Math.round(n * hopMs * SAMPLES_PER_MS);
    if (first + windowSamples > samples.length) {
      return results;
    }
    results.push(visit(samples.subarray(first, first + windowSamples), n * hopMs));
  }
}
