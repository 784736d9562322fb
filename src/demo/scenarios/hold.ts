import { nothingLeftOpen } from '../proof/call-proof';
import { recordingsAre, tellsEvents, verdictIs } from '../proof/wire';
import { check, type Scenario } from '../scenario';
import { playHeldCall } from './held-call';

export const hold: Scenario = {
  name: 'hold',
  title: 'Hold and resume',
  shows: 'a held call goes on in the same recording session, and silence stands where nobody spoke',
  async play(stage) {
    const { evidence, session, endMs, checks } = await playHeldCall(stage);
    return [
      ...checks,
      check(
        'one recording session for the whole call',
        evidence.sessions.length === 1,
        '1',
        evidence.sessions.length,
      ),
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
