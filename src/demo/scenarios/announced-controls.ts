import { liveCallIsWhole } from '../proof/call-proof';
import { type Ear, hears, type HeardPrompt, noPromptRecorded } from '../proof/prompt-proof';
import { tellsEvents, tellsNotice } from '../proof/wire';
import { type ScenarioCheck } from '../scenario';
import { pressRecordKey, type SentControl } from '../stage/controls';
import { type SessionEvidence } from '../stage/evidence';
import { ALICE, BOB, type DemoParty } from '../stage/places';
import { type Stage, type StageCall } from '../stage/stage';

/** A call that was recorded on demand, and whose controls were announced. */
export interface AnnouncedControls {
  readonly call: StageCall;
  readonly pause: SentControl;
  readonly resume: SentControl;
  /** In order: start, pause, resume, stop. */
  readonly controls: readonly SentControl[];
}

/** Alice calls bob, starts the recording, pauses, resumes and stops it. */
export async function playAnnouncedControls(stage: Stage): Promise<AnnouncedControls> {
  const call = await stage.call(ALICE, BOB);
  await stage.until(2000);
  const start = await pressRecordKey(stage, call.caller, 'start');
  await stage.until(5000);
  const pause = await pressRecordKey(stage, call.caller, 'pause');
  await stage.until(7500);
  const resume = await pressRecordKey(stage, call.caller, 'resume');
  await stage.until(10_000);
  const stop = await pressRecordKey(stage, call.caller, 'stop');
  await stage.until(12_500);
  await stage.hangUp(call);
  return { call, pause, resume, controls: [start, pause, resume, stop] };
}

/** Both hear each of the four, over the other's speech; the recorder is told of them, and has recorded none. */
export function announcedToBoth(
  stage: Stage,
  { call, controls }: AnnouncedControls,
  session: SessionEvidence,
): readonly ScenarioCheck[] {
  const heardBy = (ear: Ear): readonly HeardPrompt[] =>
    controls.map(({ action, span }) => hears(stage, ear, { kind: action, after: span }));
  const [alicesEar, bobsEar] = earsOf(stage, call, ALICE, BOB);
  const [alices, bobs] = [heardBy(alicesEar), heardBy(bobsEar)];
  return [
    ...controls.map(({ check }) => check),
    ...[...alices, ...bobs].flatMap(({ checks }) => checks),
    ...liveCallIsWhole(stage, call, controls[0]?.span[0] ?? 0),
    ...noPromptRecorded(session, bobs),
    ...bobs.map(({ cue, found }) => tellsNotice(stage, session, cue.kind, found?.span ?? null, 2)),
    tellsEvents(
      stage,
      session,
      controls.map(({ action, span }) => [action, span[1]]),
    ),
  ];
}

/** The ears of both parties of a call, each with the other one as the speaker. */
export function earsOf(
  stage: Stage,
  { caller, callee }: StageCall,
  calling: DemoParty,
  called: DemoParty,
): readonly [Ear, Ear] {
  return [
    {
      name: calling.name,
      samples: stage.heard(caller),
      speaker: called,
      speakersCall: callee,
    },
    {
      name: called.name,
      samples: stage.heard(callee),
      speaker: calling,
      speakersCall: caller,
    },
  ];
}
