import { liveCallIsWhole, nothingLeftOpen, sessionHolds, sessionOf } from '../proof/call-proof';
import { nothingFrom, recordingsAre, tellsEvents, verdictIs } from '../proof/wire';
import { check, type Scenario } from '../scenario';
import { pressRecordKey } from '../stage/controls';
import { ALICE, BOB } from '../stage/places';
import { recordedUsers } from '../stage/stage-config';

const EDGE_MS = 20;

export const onDemand: Scenario = {
  name: 'on-demand',
  title: 'Recording on demand',
  shows:
    'only what lies between start and stop is recorded, as often as the user wants it in one call',
  config: () => recordedUsers({ alice: { mode: 'on-demand', reminderTone: { enabled: false } } }),
  async play(stage) {
    const call = await stage.call(ALICE, BOB);
    await stage.until(1500);
    const before = stage.recorders[0]?.inProcess?.recordings.length ?? 0;
    const start = await pressRecordKey(stage, call.caller, 'start');
    await stage.until(3500);
    const stop = await pressRecordKey(stage, call.caller, 'stop');
    await stage.until(5000);
    const again = await pressRecordKey(stage, call.caller, 'start');
    await stage.until(7000);
    const endMs = await stage.hangUp(call);
    const evidence = await stage.evidence();
    const [first, second] = [sessionOf(evidence, 0), sessionOf(evidence, 1)];
    const firstSpan = [[start.span[1] + EDGE_MS, stop.span[0]]] as const;
    const secondSpan = [[again.span[1] + EDGE_MS, endMs - 100]] as const;
    return [
      start.check,
      stop.check,
      again.check,
      check('no session before the first start', before === 0, '0', before),
      ...liveCallIsWhole(stage, call, endMs),
      ...sessionHolds(first, [firstSpan, firstSpan]),
      ...sessionHolds(second, [secondSpan, secondSpan]),
      nothingFrom('before the start', first, [0, start.span[0] - EDGE_MS]),
      nothingFrom('between stop and start', second, [0, again.span[0] - EDGE_MS]),
      tellsEvents(stage, first, [
        ['start', start.span[1]],
        ['stop', stop.span[1]],
      ]),
      tellsEvents(stage, second, [
        ['start', again.span[1]],
        ['stop', endMs],
      ]),
      recordingsAre(evidence, 2),
      verdictIs(evidence, 'recorded', null, 0),
      verdictIs(evidence, 'recorded', null, 1),
      nothingLeftOpen(evidence),
    ];
  },
};
