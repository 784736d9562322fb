import { type SrsBehaviour } from '../../lab';
import { sessionIsWhole, sessionOf } from '../proof/call-proof';
import { attemptsWere, recordingSurvives } from '../proof/failover-proof';
import { verdictIs } from '../proof/wire';
import { checkEqual, type Scenario } from '../scenario';
import { ALICE, BOB } from '../stage/places';

/** The first recorder takes nothing; the second one gets everything. */
function failoverAtSetup(
  scenario: Pick<Scenario, 'name' | 'title' | 'shows'>,
  first: SrsBehaviour,
  attempts: readonly (string | number)[],
): Scenario {
  return {
    ...scenario,
    srs: [{ name: 'first', behaviour: first }, { name: 'second' }],
    async play(stage) {
      const call = await stage.call(ALICE, BOB);
      await stage.until(4000);
      const endMs = await stage.hangUp(call);
      const evidence = await stage.evidence({ isOneMute: first.silent === true });
      const session = sessionOf(evidence);
      return [
        checkEqual('who records', 'second', session.srs),
        attemptsWere(evidence, attempts),
        ...recordingSurvives(stage, call, endMs, evidence),
        ...sessionIsWhole(stage, call, session, endMs),
        verdictIs(evidence, 'recorded', ['complete']),
      ];
    },
  };
}

export const srs503Failover = failoverAtSetup(
  {
    name: 'srs-503-failover',
    title: 'A recorder that refuses',
    shows:
      'when the first recorder answers 503, the second one gets the call from the first word on',
  },
  { refuseStatus: 503 },
  [503, 'established'],
);

export const srsSilentFailover = failoverAtSetup(
  {
    name: 'srs-silent-failover',
    title: 'A recorder that is silent',
    shows:
      'a recorder that answers nothing is overtaken by the second, which gets the first word, too',
  },
  { silent: true },
  ['established', 'REC_ERR_SIP_ABORTED'],
);
