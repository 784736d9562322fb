import { callIs, explainedAs, requestsAre, wireForm } from '../proof/broadworks-proof';
import { firstWordsMs, nothingLeftOpen, sessionHolds, sessionOf } from '../proof/call-proof';
import { isSilent } from '../proof/ear';
import { recordingsAre, verdictIs } from '../proof/wire';
import { check, type Scenario } from '../scenario';
import { broadworksConfig } from '../stage/broadworks';
import { ALICE, BOB } from '../stage/places';

/** Audio and signalling meet: packets under way when the hold is agreed. */
const EDGE_MS = 150;

export const broadworksOutbound: Scenario = {
  name: 'broadworks-outbound',
  title: 'BroadWorks: a call of the user, held and resumed',
  shows:
    'the calling user is on label 1 with the digits dialled, and a hold is SDP alone: there is no document for it',
  config: () => broadworksConfig({ mode: 'always' }),
  async play(stage) {
    const call = await stage.call(ALICE, BOB);
    await stage.until(2000);
    stage.tell('bob puts alice on hold');
    const heldFromMs = stage.nowMs();
    const held = await call.callee.hold('inactive');
    const heldMs = stage.nowMs();
    await stage.until(4000);
    stage.tell('bob resumes');
    const resumedFromMs = stage.nowMs();
    const resumed = await call.callee.resume();
    const resumedMs = stage.nowMs();
    await stage.until(6000);
    const endMs = await stage.hangUp(call);
    const evidence = await stage.evidence();
    const session = sessionOf(evidence);
    const [aliceMs, bobMs] = firstWordsMs(stage, call);
    const spansFrom = (fromMs: number): [number, number][] => [
      [fromMs, heldFromMs],
      [resumedMs + EDGE_MS, endMs - 100],
    ];
    return [
      check(
        'hold and resume are answered',
        held.status === 200 && resumed.status === 200,
        '200, 200',
        `${held.status}, ${resumed.status}`,
      ),
      ...sessionHolds(session, [spansFrom(aliceMs), spansFrom(bobMs)]),
      isSilent(`${session.file} channel 1`, session.channels[0], [heldMs + EDGE_MS, resumedFromMs]),
      isSilent(`${session.file} channel 2`, session.channels[1], [heldMs + EDGE_MS, resumedFromMs]),
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
