import { recordingSurvives } from '../proof/failover-proof';
import { isSilent } from '../proof/ear';
import { verdictIs } from '../proof/wire';
import { type Scenario } from '../scenario';
import { pressRecordKey } from '../stage/controls';
import { ALICE, BOB } from '../stage/places';
import { recordedUsers } from '../stage/stage-config';

export const failoverWhilePaused: Scenario = {
  name: 'failover-while-paused',
  title: 'A recorder lost in a pause',
  shows:
    'a recorder that takes over while paused gets what came before and after the pause, nothing of it',
  srs: [
    { name: 'first', isProcess: true },
    { name: 'second', isProcess: true },
  ],
  config: () =>
    recordedUsers({
      alice: { mode: 'always-with-pause-resume', reminderTone: { enabled: false } },
    }),
  async play(stage) {
    const call = await stage.call(ALICE, BOB);
    await stage.until(2500);
    const pause = await pressRecordKey(stage, call.caller, 'pause');
    await stage.until(3500);
    stage.tell('the recorder is killed');
    stage.srs('first').kill();
    await stage.until(8000);
    const resume = await pressRecordKey(stage, call.caller, 'resume');
    await stage.until(10_500);
    const endMs = await stage.hangUp(call);
    const evidence = await stage.evidence();
    const paused = [pause.span[1], resume.span[0]] as const;
    return [
      pause.check,
      resume.check,
      ...recordingSurvives(stage, call, endMs, evidence, [[pause.span[0], resume.span[1] + 40]]),
      ...evidence.sessions.flatMap(({ file, channels }) =>
        channels.map((samples, index) =>
          isSilent(`${file} channel ${index + 1}, paused`, samples, [paused[0] + 20, paused[1]]),
        ),
      ),
      verdictIs(evidence, 'recorded'),
    ];
  },
};
