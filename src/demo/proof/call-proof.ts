import { type ScenarioCheck } from '../scenario';
import { type Evidence, type SessionEvidence } from '../stage/evidence';
import { ALICE, BOB, type DemoParty } from '../stage/places';
import { type Stage, type StageCall } from '../stage/stage';
import { firstHeardMs, isAbsent, type Span, speaks } from './ear';
import { conforms, nothingLeftOpen, speakerIs } from './wire';

/** The first sound needs a moment: two phones and a busy machine begin to talk. */
const FIRST_SOUND_DEADLINE_MS = 1000;
/** Later than in the other party's ear a sound may be in the recording: one packet. */
const LATER_THAN_HEARD_MS = 20;
const END_MARGIN_MS = 100;

/** Both parties hear one another from the beginning to the end, whatever happens to recordings. */
export function liveCallIsWhole(
  stage: Stage,
  call: StageCall,
  endMs: number,
  [caller, callee]: readonly [DemoParty, DemoParty] = [ALICE, BOB],
): readonly ScenarioCheck[] {
  const span: Span = [FIRST_SOUND_DEADLINE_MS, endMs - END_MARGIN_MS];
  return [
    speaks(`live, ${callee.name}'s ear`, stage.heard(call.callee), caller, [span]),
    speaks(`live, ${caller.name}'s ear`, stage.heard(call.caller), callee, [span]),
  ];
}

/** When what each party says is first heard live: from then on it must be recorded, too. */
export function firstWordsMs(
  stage: Stage,
  call: StageCall,
  [caller, callee]: readonly [DemoParty, DemoParty] = [ALICE, BOB],
): readonly [callerMs: number, calleeMs: number] {
  const from = (ear: Int16Array, party: DemoParty): number =>
    firstHeardMs(ear, party.toneHz) + LATER_THAN_HEARD_MS;
  return [from(stage.heard(call.callee), caller), from(stage.heard(call.caller), callee)];
}

/**
 * A session holds both parties, each on its own channel, in the given spans of the call.
 * @param parties who is on channel 1 (the recorded party) and on channel 2.
 */
export function sessionHolds(
  session: SessionEvidence,
  spans: readonly [readonly Span[], readonly Span[]],
  parties: readonly [DemoParty, DemoParty] = [ALICE, BOB],
): readonly ScenarioCheck[] {
  const [first, second] = session.channels;
  return [
    speaks(`${session.file} channel 1`, first, parties[0], spans[0]),
    speaks(`${session.file} channel 2`, second, parties[1], spans[1]),
    isAbsent(`${session.file} channel 1`, first, parties[1]),
    isAbsent(`${session.file} channel 2`, second, parties[0]),
    speakerIs(session, '1', parties[0]),
    speakerIs(session, '2', parties[1]),
    conforms(session),
  ];
}

/** A whole call is in one session: from the first word of each party to the end. */
export function sessionIsWhole(
  stage: Stage,
  call: StageCall,
  session: SessionEvidence,
  endMs: number,
): readonly ScenarioCheck[] {
  const [aliceMs, bobMs] = firstWordsMs(stage, call);
  const until = endMs - END_MARGIN_MS;
  return sessionHolds(session, [[[aliceMs, until]], [[bobMs, until]]]);
}

/** The n-th session. @throws when there are fewer. */
export function sessionOf({ sessions }: Evidence, index = 0): SessionEvidence {
  const session = sessions[index];
  if (session === undefined) {
    throw new Error(`${sessions.length} recording sessions came, at least ${index + 1} expected`);
  }
  return session;
}

export { nothingLeftOpen };
