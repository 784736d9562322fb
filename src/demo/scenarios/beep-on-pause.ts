import { nothingLeftOpen, sessionOf } from '../proof/call-proof';
import { beeped, liveToneDbfs, noToneRecorded } from '../proof/notice-proof';
import { conforms, recordingsAre, tellsNotice, verdictIs } from '../proof/wire';
import { type Scenario } from '../scenario';
import { pressRecordKey } from '../stage/controls';
import { ALICE, BOB } from '../stage/places';
import { recordedUsers } from '../stage/stage-config';

export const beepOnPause: Scenario = {
  name: 'beep-on-pause',
  title: 'A beep at pause and resume',
  shows:
    'both parties hear a beep when the recording is paused and resumed; the recording has none',
  config: () =>
    recordedUsers({
      alice: {
        mode: 'always-with-pause-resume',
        notification: 'beep',
        reminderTone: { enabled: false },
      },
    }),
  async play(stage) {
    const call = await stage.call(ALICE, BOB);
    await stage.until(2000);
    const pause = await pressRecordKey(stage, call.caller, 'pause');
    await stage.until(4000);
    const resume = await pressRecordKey(stage, call.caller, 'resume');
    await stage.until(6500);
    await stage.hangUp(call);
    const evidence = await stage.evidence();
    const session = sessionOf(evidence);
    const causes = [pause.span, resume.span];
    const ears = [stage.heard(call.caller), stage.heard(call.callee)] as const;
    return [
      pause.check,
      resume.check,
      beeped("alice's ear", ears[0], causes),
      beeped("bob's ear", ears[1], causes),
      ...noToneRecorded(session, Math.min(...ears.map(liveToneDbfs))),
      tellsNotice(stage, session, 'beep', null, 2),
      conforms(session),
      recordingsAre(evidence, 1),
      verdictIs(evidence, 'recorded'),
      nothingLeftOpen(evidence),
    ];
  },
};
