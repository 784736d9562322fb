import { tone } from '../../lab';
import { explainedAs, requestsAre, wireForm } from '../proof/broadworks-proof';
import { firstWordsMs, nothingLeftOpen, sessionOf } from '../proof/call-proof';
import { isAbsent, speaks } from '../proof/ear';
import { conforms, recordingsAre, speakerIs, verdictIs } from '../proof/wire';
import { check, checkEqual, type Scenario, type ScenarioCheck } from '../scenario';
import { broadworksConfig } from '../stage/broadworks';
import { type SessionEvidence } from '../stage/evidence';
import { addressOf, ALICE, BOB, CAROL, type DemoParty } from '../stage/places';
import { type Stage } from '../stage/stage';

/** Until a packet with another voice is heard, ms. */
const EDGE_MS = 150;
const LEVEL_DBFS = -12;

export const broadworksConference: Scenario = {
  name: 'broadworks-conference',
  title: 'BroadWorks: a conference that the switch holds',
  shows:
    'participants whom the switch tells through the API come and go in complete updates with the same ids; label 1 stays alice',
  config: () => broadworksConfig({ mode: 'always' }),
  async play(stage) {
    const call = await stage.call(ALICE, BOB);
    const bridge = call.callee;
    await stage.until(2000);
    stage.tell('carol joins on the bridge, and speaks');
    const joined = await tellParticipants(stage, [BOB, CAROL]);
    const joinedMs = stage.nowMs();
    bridge.play(tone({ hz: CAROL.toneHz, levelDbfs: LEVEL_DBFS }));
    await stage.until(4500);
    stage.tell('bob leaves');
    const left = await tellParticipants(stage, [CAROL]);
    await stage.until(6000);
    const endMs = await stage.hangUp(call);
    const evidence = await stage.evidence();
    const session = sessionOf(evidence);
    const [aliceMs, bobMs] = firstWordsMs(stage, call);
    const [first, second] = session.channels;
    return [
      checkEqual('the API takes who is there now', '204, 204', `${joined}, ${left}`),
      speaks(`${session.file} channel 1`, first, ALICE, [[aliceMs, endMs - 100]]),
      speaks(`${session.file} channel 2`, second, BOB, [[bobMs, joinedMs - EDGE_MS]]),
      speaks(`${session.file} channel 2`, second, CAROL, [[joinedMs + EDGE_MS, endMs - 100]]),
      isAbsent(`${session.file} channel 1`, first, BOB),
      isAbsent(`${session.file} channel 1`, first, CAROL),
      isAbsent(`${session.file} channel 2`, second, ALICE),
      speakerIs(session, '1', ALICE),
      speakerIs(session, '2', CAROL),
      conforms(session),
      ...wireForm(session),
      requestsAre(session, [
        'INVITE sendonly +metadata',
        'UPDATE +metadata',
        'UPDATE +metadata',
        'UPDATE +metadata',
        'BYE',
      ]),
      sendersAre(session, 1, [BOB]),
      sendersAre(session, 2, [BOB, CAROL]),
      sendersAre(session, 3, [CAROL]),
      idsStay(session),
      ...explainedAs(stage, session, [[ALICE], [BOB, CAROL]]),
      recordingsAre(evidence, 1),
      verdictIs(evidence, 'recorded', ['complete']),
      nothingLeftOpen(evidence),
    ];
  },
};

/** What the switch does. @returns the status of the answer */
async function tellParticipants(stage: Stage, parties: readonly DemoParty[]): Promise<number> {
  const { calls } = (await stage.api('/v1/calls')).body as { calls: { callId: string }[] };
  const participants = parties.map(party => ({
    aor: addressOf(party),
    displayName: party.displayName,
  }));
  const path = `/v1/calls/${calls[0]?.callId ?? 'none'}/participants`;
  return (await stage.api(path, { participants })).status;
}

/** Who sends label 2 by the n-th document. */
function sendersAre(
  { documents }: SessionEvidence,
  number: number,
  parties: readonly DemoParty[],
): ScenarioCheck {
  const xml = documents[number - 1]?.xml ?? '';
  const streamId = / id="([^"]+)"[^>]*><label>2</.exec(xml)?.[1] ?? '(none)';
  const senders = [...xml.matchAll(/<participant .*?<\/participant>/g)]
    .map(([text]) => text)
    .filter(text => text.includes(`<send><id>${streamId}</id></send>`))
    .map(text => /<aor>sip:([^@]+)@/.exec(text)?.[1] ?? '?');
  const names = parties.map(({ name }) => name).join(', ');
  return check(
    `document ${number}: who sends label 2`,
    senders.join(', ') === names,
    names,
    senders.join(', ') || 'nobody',
  );
}

function idsStay({ documents }: SessionEvidence): ScenarioCheck {
  const ids = documents.map(({ xml }) =>
    [...xml.matchAll(/<(?:session|stream|group|recording) id="([^"]+)"/g)]
      .map(([, id]) => id ?? '')
      .join(' '),
  );
  const isSame = ids.length > 1 && ids.every(each => each !== '' && each === ids[0]);
  return check(
    'session and streams keep their ids',
    isSame,
    'the same in all documents',
    `${ids.length} documents, ${isSame ? 'the same' : 'not the same'}`,
  );
}
