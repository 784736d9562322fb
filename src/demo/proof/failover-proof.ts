import { check, type ScenarioCheck } from '../scenario';
import { type Evidence, type SessionEvidence } from '../stage/evidence';
import { ALICE, BOB } from '../stage/places';
import { type Stage, type StageCall } from '../stage/stage';
import { firstWordsMs, liveCallIsWhole, nothingLeftOpen } from './call-proof';
import { lostSeconds, type Span } from './ear';
import { recordingsAre } from './wire';

const END_MARGIN_MS = 100;

/**
 * One recording that several recorders took part in: the live call is untouched, nothing that was said is lost, and
 * all sessions speak of the same communication.
 * @param without spans in which nothing is to be recorded.
 */
export function recordingSurvives(
  stage: Stage,
  call: StageCall,
  endMs: number,
  evidence: Evidence,
  without: readonly Span[] = [],
): readonly ScenarioCheck[] {
  const words = firstWordsMs(stage, call);
  const lost = [ALICE, BOB].map((party, index) => {
    const spans = spansBetween(words[index] ?? 0, endMs - END_MARGIN_MS, without);
    const channels = evidence.sessions.map(({ channels: both }) => both[index] ?? both[0]);
    return spans.map(span => lostSeconds(channels, party, span));
  });
  const total = lost.flat().reduce((sum, { seconds }) => sum + seconds, 0);
  stage.figures['seconds lost'] = total.toFixed(2);
  return [
    ...liveCallIsWhole(stage, call, endMs),
    ...lost.flat().map(each => each.check),
    sameCommunication(evidence.sessions),
    recordingsAre(evidence, 1),
    nothingLeftOpen(evidence),
  ];
}

/** How each attempt to reach a recorder ended, by the ledger. */
export function attemptsWere(
  { ledger }: Evidence,
  expected: readonly (string | number)[],
): ScenarioCheck {
  const found = (ledger[0]?.srsAttempts ?? []).map(({ result, status }) => status ?? result);
  return check(
    'ledger: attempts to reach a recorder',
    found.length === expected.length && expected.every((each, index) => found[index] === each),
    expected.join(', '),
    found.join(', ') || 'none',
  );
}

/** RFC 7865 §6.1: the ids of session and participants are the same at every recorder. */
function sameCommunication(sessions: readonly SessionEvidence[]): ScenarioCheck {
  const ids = sessions.map(({ documents }) => {
    const xml = documents[0]?.xml ?? '';
    return [...xml.matchAll(/\b(?:session_id|participant_id)="([^"]+)"/g)]
      .map(([, id]) => id ?? '')
      .filter((id, index, all) => all.indexOf(id) === index)
      .sort()
      .join(' ');
  });
  const isSame = ids.length > 0 && ids.every(each => each !== '' && each === ids[0]);
  return check(
    'all sessions speak of the same communication',
    isSame,
    'the same session and participant ids in each first document',
    `${sessions.length} sessions, ${isSame ? 'the same' : 'not the same'}`,
  );
}

function spansBetween(fromMs: number, untilMs: number, without: readonly Span[]): readonly Span[] {
  const edges = [fromMs, ...without.flat(), untilMs];
  return edges.flatMap((edge, index): Span[] =>
    index % 2 === 0 ? [[edge, edges[index + 1] ?? edge]] : [],
  );
}
