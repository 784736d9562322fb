import {
  firstWordsMs,
  liveCallIsWhole,
  nothingLeftOpen,
  sessionHolds,
  sessionOf,
} from '../proof/call-proof';
import { type Span } from '../proof/ear';
import { nothingWhilePaused } from '../proof/pause-proof';
import { hidden, recordingsAre, tellsEvents, verdictIs } from '../proof/wire';
import { checkEqual, type Scenario } from '../scenario';
import { pressRecordKey } from '../stage/controls';
import { ALICE, BOB } from '../stage/places';
import { recordedUsers } from '../stage/stage-config';

/** What might be the number of a card. */
const SECRET_DIGITS = '4929081726354';
/** Audio that was under way when the key was pressed, ms. */
const EDGE_MS = 20;

export const alwaysPauseResume: Scenario = {
  name: 'always-pause-resume',
  title: 'Pause and resume',
  shows:
    'while paused neither audio nor DTMF leaves toward the recorder, and the gap of the WAV is the pause',
  config: () =>
    recordedUsers({
      alice: { mode: 'always-with-pause-resume', reminderTone: { enabled: false } },
    }),
  async play(stage) {
    const call = await stage.call(ALICE, BOB);
    await stage.until(2000);
    const pause = await pressRecordKey(stage, call.caller, 'pause');
    stage.tell('bob tells the number of his card by its keys');
    call.callee.sendDtmf(SECRET_DIGITS, 80);
    await stage.until(5000);
    await call.caller.until(
      () => call.caller.digits === SECRET_DIGITS,
      5000,
      'alice gets all keys',
    );
    const resume = await pressRecordKey(stage, call.caller, 'resume');
    await stage.until(7000);
    const refused = await pressRecordKey(stage, call.callee, 'pause', 403);
    const stop = await pressRecordKey(stage, call.caller, 'stop', 403);
    await stage.until(8000);
    const endMs = await stage.hangUp(call);
    const evidence = await stage.evidence();
    const session = sessionOf(evidence);
    const [aliceMs, bobMs] = firstWordsMs(stage, call);
    const spansFrom = (fromMs: number): Span[] => [
      [fromMs, pause.span[0]],
      [resume.span[1] + EDGE_MS, endMs - 100],
    ];
    return [
      pause.check,
      resume.check,
      { ...refused.check, name: 'the other party may not pause' },
      { ...stop.check, name: 'the recorded party may not stop in this mode' },
      ...liveCallIsWhole(stage, call, pause.span[0]),
      checkEqual(
        'the keys reach the other party',
        'all',
        call.caller.digits === SECRET_DIGITS ? 'all' : 'some',
      ),
      ...sessionHolds(session, [spansFrom(aliceMs), spansFrom(bobMs)]),
      ...nothingWhilePaused(session, pause, resume),
      tellsEvents(stage, session, [
        ['start', 0],
        ['pause', pause.span[1]],
        ['resume', resume.span[1]],
        ['stop', endMs],
      ]),
      hidden('the digits', stage.outDir, [SECRET_DIGITS]),
      recordingsAre(evidence, 1),
      verdictIs(evidence, 'recorded'),
      nothingLeftOpen(evidence),
    ];
  },
};
