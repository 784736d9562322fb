import { check, type ScenarioCheck } from '../scenario';
import { type SessionEvidence } from '../stage/evidence';
import { ALICE, BOB, type DemoParty } from '../stage/places';
import { allOf, loudestDbfs, seconds, type Span, spanText, toneSpans, withoutSpeaker } from './ear';

/** Default frequency of reminder tones and beeps, Hz. */
export const NOTICE_HZ = 1400;
/** The tone is played at -20 dBm0, about -23 dBFS. */
const TONE_THERE_DBFS = -35;
const SEPARATION_DB = 40;
/** How long a tone is, ms. */
const TONE_MS = 200;
/** A recording with more edges than this proves nothing. */
const MAX_EDGES_SHARE = 0.05;
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

/**
 * The tone of notices is nowhere in a recording. The speaker is taken out first: a recording with a gap is cut in the
 * midst of a word, which has some of every frequency.
 */
export function noToneRecorded(
  session: SessionEvidence,
  liveDbfs: number,
  parties: readonly [DemoParty, DemoParty] = [ALICE, BOB],
): readonly ScenarioCheck[] {
  return parties.map((party, index) => {
    const samples = session.channels[index] ?? session.channels[0];
    const { rest, edges } = withoutSpeaker(samples, party.toneHz);
    const loudest = loudestDbfs(rest, allOf(rest), NOTICE_HZ, TONE_MS);
    const share = edges / Math.max(1, samples.length);
    return check(
      `${session.file} channel ${index + 1}: no tone of a notice`,
      samples.length > 0 && share < MAX_EDGES_SHARE && loudest < liveDbfs - SEPARATION_DB,
      `${NOTICE_HZ} Hz more than ${SEPARATION_DB} dB below the live one (${liveDbfs.toFixed(1)} dBFS)`,
      `${loudest.toFixed(1)} dBFS`,
    );
  });
}

/** The level of the tone where it is heard live, dBFS. */
export function liveToneDbfs(ear: Int16Array): number {
  return loudestDbfs(ear, allOf(ear), NOTICE_HZ, 100);
}
