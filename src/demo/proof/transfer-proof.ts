import { check, type ScenarioCheck } from '../scenario';
import { type SessionEvidence } from '../stage/evidence';
import { type DemoParty } from '../stage/places';
import { type Stage } from '../stage/stage';
import { seconds } from './ear';

/** Metadata may be this far from what the phones saw, ms. */
const TIME_TOLERANCE_MS = 250;

/** The metadata tells when a party came into the call and when it left. Times of the call, ms. */
export function partyCameAndWent(
  stage: Stage,
  session: SessionEvidence,
  label: string,
  party: DemoParty,
  expected: readonly [cameMs: number, wentMs: number],
): ScenarioCheck {
  const told = typeof session.told === 'string' ? [] : session.told.channels;
  const parties = told.filter(each => each.label === label).flatMap(each => each.parties);
  const found = parties.find(({ aor }) => aor.includes(party.name));
  const times = [found?.joinedAt ?? null, found?.leftAt ?? null].map(at =>
    at === null ? null : Date.parse(at) - stage.zeroMs,
  );
  const isRight = expected.every(
    (expectedMs, index) => Math.abs(expectedMs - (times[index] ?? Infinity)) <= TIME_TOLERANCE_MS,
  );
  const text = ([cameMs, wentMs]: readonly (number | null)[]): string =>
    `came ${timeText(cameMs)}, left ${timeText(wentMs)}`;
  return check(
    `${session.srs}: label ${label}: ${party.name} by the metadata`,
    isRight,
    text(expected),
    found === undefined
      ? `not among ${parties.map(({ aor }) => aor).join(', ') || 'anybody'}`
      : text(times),
  );
}

function timeText(atMs: number | null | undefined): string {
  return atMs === null || atMs === undefined ? 'never' : `at ${seconds(atMs)}`;
}
