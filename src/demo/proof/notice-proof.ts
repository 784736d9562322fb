import { check, type ScenarioCheck } from '../scenario';
import { type SessionEvidence } from '../stage/evidence';
import { allOf, loudestDbfs, seconds, type Span, spanText, toneSpans } from './ear';

/** Default frequency of reminder tones and beeps, Hz. */
export const NOTICE_HZ = 1400;
/** The tone is played at -20 dBm0, about -23 dBFS. */
const TONE_THERE_DBFS = -35;
const SEPARATION_DB = 40;
/** Signalling, and the way of the sound to the ear. */
const START_TOLERANCE_MS = 700;

/** Spans of notice tones in an ear. */
export function noticeTones(ear: Int16Array): readonly Span[] {
  return toneSpans(ear, NOTICE_HZ, { thresholdDbfs: TONE_THERE_DBFS, bridgeMs: 60 }).filter(
    ([from, until]) => until - from > 60,
  );
}

/** Beeps are heard in an ear, each soon after its cause. */
export function beeped(where: string, ear: Int16Array, causes: readonly Span[]): ScenarioCheck {
  const spans = noticeTones(ear);
  return check(
    `${where}: beeps`,
    follow(spans, causes),
    causes.map(([, atMs]) => `one soon after ${seconds(atMs)}`).join(', '),
    spanText(spans) || 'none',
  );
}

function follow(spans: readonly Span[], causes: readonly Span[]): boolean {
  return (
    spans.length === causes.length &&
    causes.every(([sentMs, doneMs], index) => {
      const atMs = spans[index]?.[0] ?? Infinity;
      return atMs >= sentMs && atMs <= doneMs + START_TOLERANCE_MS;
    })
  );
}

/** The tone of notices is nowhere in a recording. */
export function noToneRecorded(
  session: SessionEvidence,
  liveDbfs: number,
): readonly ScenarioCheck[] {
  return session.channels.map((samples, index) => {
    const loudest = loudestDbfs(samples, allOf(samples), NOTICE_HZ, 200);
    return check(
      `${session.file} channel ${index + 1}: no tone of a notice`,
      loudest < liveDbfs - SEPARATION_DB,
      `${NOTICE_HZ} Hz more than ${SEPARATION_DB} dB below the live one (${liveDbfs.toFixed(1)} dBFS)`,
      `${loudest.toFixed(1)} dBFS`,
    );
  });
}

/** The level of the tone where it is heard live, dBFS. */
export function liveToneDbfs(ear: Int16Array): number {
  return loudestDbfs(ear, allOf(ear), NOTICE_HZ, 100);
}
