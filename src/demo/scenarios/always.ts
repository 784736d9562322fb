import { liveCallIsWhole, nothingLeftOpen, sessionIsWhole, sessionOf } from '../proof/call-proof';
import { recordingsAre, tellsEvents, verdictIs } from '../proof/wire';
import { type Scenario } from '../scenario';
import { ALICE, BOB } from '../stage/places';

export const always: Scenario = {
  name: 'always',
  title: 'A recorded call',
  shows: 'a call of a user who is always recorded is recorded from the first word to the last',
  async play(stage) {
    const call = await stage.call(ALICE, BOB);
    await stage.until(4000);
    const endMs = await stage.hangUp(call);
    const evidence = await stage.evidence();
    const session = sessionOf(evidence);
    return [
      ...liveCallIsWhole(stage, call, endMs),
      ...sessionIsWhole(stage, call, session, endMs),
      tellsEvents(stage, session, [
        ['start', 0],
        ['stop', endMs],
      ]),
      recordingsAre(evidence, 1),
      verdictIs(evidence, 'recorded', ['complete']),
      nothingLeftOpen(evidence),
    ];
  },
};
