import { firstWordsMs, sessionHolds, sessionOf } from '../proof/call-proof';
import { isSilent } from '../proof/ear';
import { check, type ScenarioCheck } from '../scenario';
import { type Evidence, type SessionEvidence } from '../stage/evidence';
import { ALICE, BOB } from '../stage/places';
import { type Stage } from '../stage/stage';

/** Audio and signalling meet: packets under way when the hold is agreed. */
const EDGE_MS = 150;

/** A call that was on hold in its middle. */
export interface HeldCall {
  readonly evidence: Evidence;
  readonly session: SessionEvidence;
  /** When it was hung up, ms since its answer. */
  readonly endMs: number;
  /** That hold and resume were answered, that both voices are there around the hold, and neither during it. */
  readonly checks: readonly ScenarioCheck[];
}

/** Alice calls bob, who puts her on hold for two seconds. */
export async function playHeldCall(stage: Stage): Promise<HeldCall> {
  const call = await stage.call(ALICE, BOB);
  await stage.until(2000);
  stage.tell('bob puts alice on hold');
  const heldFromMs = stage.nowMs();
  const held = await call.callee.hold('inactive');
  const heldMs = stage.nowMs();
  await stage.until(4000);
  stage.tell('bob resumes');
  const resumedFromMs = stage.nowMs();
  const resumed = await call.callee.resume();
  const resumedMs = stage.nowMs();
  await stage.until(6000);
  const endMs = await stage.hangUp(call);
  const evidence = await stage.evidence();
  const session = sessionOf(evidence);
  const [aliceMs, bobMs] = firstWordsMs(stage, call);
  const spansFrom = (fromMs: number): [number, number][] => [
    [fromMs, heldFromMs],
    [resumedMs + EDGE_MS, endMs - 100],
  ];
  const checks = [
    check(
      'hold and resume are answered',
      held.status === 200 && resumed.status === 200,
      '200, 200',
      `${held.status}, ${resumed.status}`,
    ),
    ...sessionHolds(session, [spansFrom(aliceMs), spansFrom(bobMs)]),
    isSilent(`${session.file} channel 1`, session.channels[0], [heldMs + EDGE_MS, resumedFromMs]),
    isSilent(`${session.file} channel 2`, session.channels[1], [heldMs + EDGE_MS, resumedFromMs]),
  ];
  return { evidence, session, endMs, checks };
}
