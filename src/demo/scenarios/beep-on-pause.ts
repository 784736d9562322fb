import { firstWordsMs, nothingLeftOpen, sessionHolds, sessionOf } from '../proof/call-proof';
import { type Span } from '../proof/ear';
import { beeped, liveToneDbfs, noticeTones, noToneRecorded } from '../proof/notice-proof';
import { nothingWhilePaused } from '../proof/pause-proof';
import { recordingsAre, tellsEvents, tellsNotice, verdictIs } from '../proof/wire';
import { type Scenario } from '../scenario';
import { pressRecordKey } from '../stage/controls';
import { ALICE, BOB } from '../stage/places';
import { recordedUsers } from '../stage/stage-config';

/** Audio that was under way when the key was pressed, ms. */
const EDGE_MS = 20;

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
    const endMs = await stage.hangUp(call);
    const evidence = await stage.evidence();
    const session = sessionOf(evidence);
    const causes = [pause.span, resume.span];
    const ears = [stage.heard(call.caller), stage.heard(call.callee)] as const;
    const [aliceMs, bobMs] = firstWordsMs(stage, call);
    const spansFrom = (fromMs: number): Span[] => [
      [fromMs, pause.span[0]],
      [resume.span[1] + EDGE_MS, endMs - 100],
    ];
    const [pauseBeep, resumeBeep] = noticeTones(ears[1]);
    return [
      pause.check,
      resume.check,
      beeped("alice's ear", ears[0], causes),
      beeped("bob's ear", ears[1], causes),
      ...noToneRecorded(session, Math.min(...ears.map(liveToneDbfs))),
      ...sessionHolds(session, [spansFrom(aliceMs), spansFrom(bobMs)]),
      ...nothingWhilePaused(session, pause, resume),
      tellsNotice(stage, session, 'beep', pauseBeep ?? [Infinity, Infinity], 2),
      tellsNotice(stage, session, 'beep', resumeBeep ?? [Infinity, Infinity], 2),
      tellsEvents(stage, session, [
        ['start', 0],
        ['pause', pause.span[1]],
        ['resume', resume.span[1]],
        ['stop', endMs],
      ]),
      recordingsAre(evidence, 1),
      verdictIs(evidence, 'recorded'),
      nothingLeftOpen(evidence),
    ];
  },
};
