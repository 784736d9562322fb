import { HeaderList } from '#sip/engine';

import { callIs, elementOf, explainedAs, requestsAre, wireForm } from '../proof/broadworks-proof';
import { firstWordsMs, nothingLeftOpen, sessionOf } from '../proof/call-proof';
import { isAbsent, speaks } from '../proof/ear';
import { conforms, recordingsAre, speakerIs, verdictIs } from '../proof/wire';
import { check, checkEqual, type Scenario, type ScenarioCheck } from '../scenario';
import { broadworksConfig } from '../stage/broadworks';
import { type SessionEvidence } from '../stage/evidence';
import { addressOf, ALICE, BOB, CAROL } from '../stage/places';

/** From the REFER to the answer of the new party nothing is promised of either, ms. */
const TALKING_AGAIN_MS = 1500;

export const broadworksTransfer: Scenario = {
  name: 'broadworks-transfer',
  title: 'BroadWorks: the other party is blindly transferred',
  shows:
    'SDP alone, then a complete document in which every id is new and redirectedCall says who came for whom; the recording goes on',
  phones: [{ party: ALICE }, { party: BOB }, { party: CAROL }],
  config: () => broadworksConfig({ mode: 'always' }, { sip: { refer: 'perform' } }),
  async play(stage) {
    const call = await stage.call(ALICE, BOB);
    await stage.until(2500);
    const arriving = stage.nextCallOf(CAROL, incoming => incoming.answer());
    stage.tell('bob transfers alice to carol');
    const referredMs = stage.nowMs();
    const { status } = await call.callee.request('REFER', {
      headers: HeaderList.of(
        ['Refer-To', `<${addressOf(CAROL)}>`],
        ['Referred-By', `<${addressOf(BOB)}>`],
      ),
    });
    const carols = await arriving;
    await carols.waitFor('answered', 5000);
    const transferredMs = stage.nowMs() + TALKING_AGAIN_MS;
    await stage.until(transferredMs + 2500);
    const endMs = await stage.hangUp({ caller: call.caller, callee: carols });
    const evidence = await stage.evidence();
    const session = sessionOf(evidence);
    const [aliceMs, bobMs] = firstWordsMs(stage, call);
    const [first, second] = session.channels;
    const [from, until] = [transferredMs, endMs - 100];
    return [
      checkEqual('the REFER is accepted', 202, status),
      speaks(`${session.file} channel 1`, first, ALICE, [
        [aliceMs, referredMs],
        [from, until],
      ]),
      speaks(`${session.file} channel 2`, second, BOB, [[bobMs, referredMs]]),
      speaks(`${session.file} channel 2`, second, CAROL, [[from, until]]),
      isAbsent(`${session.file} channel 1`, first, BOB),
      isAbsent(`${session.file} channel 1`, first, CAROL),
      isAbsent(`${session.file} channel 2`, second, ALICE),
      speakerIs(session, '1', ALICE),
      speakerIs(session, '2', CAROL),
      conforms(session),
      ...wireForm(session),
      requestsAre(session, [
        'INVITE sendonly +metadata',
        'INVITE sendonly',
        'INVITE sendonly +metadata',
        'UPDATE +metadata',
        'BYE',
      ]),
      ...idsAreNew(session),
      ...callIs(session, {
        redirectedCall: {
          newTrackingId: elementOf(session.documents.at(-1)?.xml ?? '', 'extTrackingID') ?? '',
          fromPartyNumber: 'bob',
          toPartyNumber: 'carol',
        },
      }),
      ...explainedAs(stage, session, [[ALICE], [BOB, CAROL]]),
      recordingsAre(evidence, 1),
      verdictIs(evidence, 'recorded'),
      nothingLeftOpen(evidence),
    ];
  },
};

function idsAreNew({ documents }: SessionEvidence): readonly ScenarioCheck[] {
  const [before = '', after = ''] = documents.map(({ xml }) => xml);
  const idsOf = (xml: string): readonly string[] =>
    [...xml.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id ?? '');
  const kept = idsOf(after).filter(id => idsOf(before).includes(id));
  return [
    check(
      'every id of the second document is new',
      idsOf(after).length > 0 && kept.length === 0,
      'none of the first document',
      `${idsOf(after).length} ids, ${kept.length} of the first document`,
    ),
    check(
      'so is the tracking id',
      elementOf(before, 'extTrackingID') !== elementOf(after, 'extTrackingID'),
      'another one',
      elementOf(after, 'extTrackingID'),
    ),
    checkEqual('callID stays', elementOf(before, 'callID'), elementOf(after, 'callID')),
  ];
}
