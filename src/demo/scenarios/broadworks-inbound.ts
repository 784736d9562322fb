import { callIs, explainedAs, requestsAre, wireForm } from '../proof/broadworks-proof';
import { firstWordsMs, nothingLeftOpen, sessionHolds, sessionOf } from '../proof/call-proof';
import { isSilent, type Span } from '../proof/ear';
import { nothingFrom, recordingsAre, tellsEvents, verdictIs } from '../proof/wire';
import { type Scenario } from '../scenario';
import { broadworksConfig } from '../stage/broadworks';
import { pressRecordKey } from '../stage/controls';
import { addressOf, ALICE, BOB, CAROL } from '../stage/places';

const EDGE_MS = 20;

export const broadworksInbound: Scenario = {
  name: 'broadworks-inbound',
  title: 'BroadWorks: a call that came over somebody else',
  shows:
    'the called user is on label 1, who redirected the call is told, and a pause is SDP alone with its event in a document after it',
  config: () => broadworksConfig({ mode: 'always-with-pause-resume' }),
  async play(stage) {
    const call = await stage.call(BOB, ALICE, {
      headers: { Diversion: `<${addressOf(CAROL)}>;reason=unconditional;counter=1` },
    });
    await stage.until(2000);
    const pause = await pressRecordKey(stage, call.callee, 'pause');
    await stage.until(4000);
    const resume = await pressRecordKey(stage, call.callee, 'resume');
    await stage.until(6000);
    const endMs = await stage.hangUp(call);
    const evidence = await stage.evidence();
    const session = sessionOf(evidence);
    const [bobMs, aliceMs] = firstWordsMs(stage, call, [BOB, ALICE]);
    const spansFrom = (fromMs: number): Span[] => [
      [fromMs, pause.span[0]],
      [resume.span[1] + EDGE_MS, endMs - 100],
    ];
    const paused: Span = [pause.span[1] + EDGE_MS, resume.span[0]];
    return [
      pause.check,
      resume.check,
      ...sessionHolds(session, [spansFrom(aliceMs), spansFrom(bobMs)]),
      isSilent(`${session.file} channel 1, paused`, session.channels[0], paused),
      isSilent(`${session.file} channel 2, paused`, session.channels[1], paused),
      nothingFrom('while paused', session, paused),
      ...wireForm(session),
      requestsAre(session, [
        'INVITE sendonly +metadata',
        'INVITE inactive',
        'UPDATE +metadata',
        'INVITE sendonly',
        'UPDATE +metadata',
        'UPDATE +metadata',
        'BYE',
      ]),
      tellsEvents(stage, session, [
        ['start', 0],
        ['pause', pause.span[1]],
        ['resume', resume.span[1]],
        ['stop', endMs],
      ]),
      ...callIs(session, {
        direction: 'inbound',
        callingPartyNumber: 'bob',
        calledPartyNumber: 'alice',
        redirections: { lastRedirectNumber: 'carol', originalCalledNumber: 'carol', count: 1 },
        redirectedCall: null,
      }),
      ...explainedAs(stage, session, [[ALICE], [BOB]]),
      recordingsAre(evidence, 1),
      verdictIs(evidence, 'recorded'),
      nothingLeftOpen(evidence),
    ];
  },
};
