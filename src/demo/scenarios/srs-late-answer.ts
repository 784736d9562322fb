import { liveCallIsWhole, nothingLeftOpen, sessionIsWhole, sessionOf } from '../proof/call-proof';
import { recordingsAre, verdictIs } from '../proof/wire';
import { check, type Scenario } from '../scenario';
import { ALICE, BOB } from '../stage/places';

const LATE_MS = 2000;

export const srsLateAnswer: Scenario = {
  name: 'srs-late-answer',
  title: 'A recorder that answers late',
  shows: 'a recorder that answers after 2 s still gets the first word',
  srs: [{ name: 'late', behaviour: { answerDelayMs: LATE_MS } }],
  async play(stage) {
    const call = await stage.call(ALICE, BOB);
    await stage.until(5000);
    const endMs = await stage.hangUp(call);
    const evidence = await stage.evidence();
    const tookMs = evidence.ledger[0]?.srsAttempts[0]?.tookMs ?? 0;
    return [
      check('the recorder was late', tookMs >= LATE_MS, `${LATE_MS} ms at least`, `${tookMs} ms`),
      ...liveCallIsWhole(stage, call, endMs),
      ...sessionIsWhole(stage, call, sessionOf(evidence), endMs),
      recordingsAre(evidence, 1),
      verdictIs(evidence, 'recorded', ['complete']),
      nothingLeftOpen(evidence),
    ];
  },
};
