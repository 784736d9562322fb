import { callIs, explainedAs, requestsAre, wireForm } from '../proof/broadworks-proof';
import { nothingLeftOpen } from '../proof/call-proof';
import { recordingsAre, verdictIs } from '../proof/wire';
import { type Scenario } from '../scenario';
import { broadworksConfig } from '../stage/broadworks';
import { ALICE, BOB } from '../stage/places';
import { playHeldCall } from './held-call';

export const broadworksOutbound: Scenario = {
  name: 'broadworks-outbound',
  title: 'BroadWorks: a call of the user, held and resumed',
  shows:
    'the calling user is on label 1 with the digits dialled, and a hold is SDP alone: there is no document for it',
  config: () => broadworksConfig({ mode: 'always' }),
  async play(stage) {
    const { evidence, session, checks } = await playHeldCall(stage);
    return [
      ...checks,
      ...wireForm(session),
      requestsAre(session, [
        'INVITE sendonly +metadata',
        'INVITE inactive',
        'INVITE sendonly',
        'UPDATE +metadata',
        'BYE',
      ]),
      ...callIs(session, {
        direction: 'outbound',
        callingPartyNumber: 'alice',
        calledPartyNumber: 'bob',
        dialedDigits: 'bob',
        redirections: null,
      }),
      ...explainedAs(stage, session, [[ALICE], [BOB]]),
      recordingsAre(evidence, 1),
      verdictIs(evidence, 'recorded', ['complete']),
      nothingLeftOpen(evidence),
    ];
  },
};
