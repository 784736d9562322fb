import { answerAfter } from '../../lab';
import { firstWordsMs, nothingLeftOpen, sessionHolds, sessionOf } from '../proof/call-proof';
import { firstHeardMs, isAbsent, isSilent, type Span, speaks } from '../proof/ear';
import { partyCameAndWent } from '../proof/transfer-proof';
import {
  conforms,
  nothingFrom,
  recorderCounts,
  recordingsAre,
  speakerIs,
  tellsEvents,
  untouched,
  verdictIs,
} from '../proof/wire';
import { check, checkEqual, type Scenario } from '../scenario';
import { refer } from '../stage/controls';
import { ALICE, BOB, CAROL } from '../stage/places';

/** Audio and signalling meet: packets under way when the new party is agreed with. */
const EDGE_MS = 250;

export const transfer: Scenario = {
  name: 'transfer',
  title: 'The other party is replaced by a transfer',
  shows:
    'when the other party transfers the recorded one to somebody else, its recording goes on with a new participant',
  phones: [{ party: ALICE }, { party: BOB }, { party: CAROL }],
  config: () => ({ sip: { refer: 'perform' } }),
  async play(stage) {
    const call = await stage.call(ALICE, BOB);
    await stage.until(2500);
    const next = stage.nextCallOf(CAROL, answerAfter(200));
    const referred = await refer(stage, call.callee, CAROL);
    const carols = await next;
    await carols.waitFor('answered');
    const joinedMs = (carols.times.answeredAtMs ?? Infinity) - stage.zeroMs;
    stage.tell('carol has answered');
    await call.callee.waitFor('ended');
    const leftMs = (call.callee.times.endedAtMs ?? Infinity) - stage.zeroMs;
    await stage.pause(3000);
    const endMs = await stage.hangUp({ caller: call.caller, callee: carols });
    const evidence = await stage.evidence();
    const session = sessionOf(evidence);
    const [alice, others] = session.channels;
    const [aliceMs, bobMs] = firstWordsMs(stage, call);
    const [aliceHears, carolHears] = [stage.heard(call.caller), stage.heard(carols)];
    const carolMs = firstHeardMs(
      aliceHears.subarray(Math.max(0, Math.round(joinedMs * 8))),
      CAROL.toneHz,
    );
    const withCarol: Span = [joinedMs + Math.min(carolMs, EDGE_MS) + 40, endMs - 100];
    return [
      referred.check,
      checkEqual('what bob is told of it', '100, 180, 200', referred.told().join(', ')),
      speaks("live, alice's ear", aliceHears, BOB, [[bobMs, referred.span[0]]]),
      speaks("live, alice's ear", aliceHears, CAROL, [withCarol]),
      speaks("live, carol's ear", carolHears, ALICE, [[joinedMs + EDGE_MS, endMs - 100]]),
      checkEqual('recording sessions', 1, evidence.sessions.length),
      speaks(`${session.file} channel 1`, alice, ALICE, [
        [aliceMs, joinedMs],
        [joinedMs + EDGE_MS, endMs - 100],
      ]),
      speaks(`${session.file} channel 2`, others, BOB, [[bobMs, referred.span[0]]]),
      speaks(`${session.file} channel 2, after the transfer`, others, CAROL, [withCarol]),
      isAbsent(
        `${session.file} channel 2, after the transfer`,
        others.subarray(Math.round((leftMs + EDGE_MS) * 8)),
        BOB,
      ),
      isAbsent(
        `${session.file} channel 2, before the transfer`,
        others.subarray(0, Math.round(joinedMs * 8)),
        CAROL,
      ),
      ...[BOB, CAROL].map(party => isAbsent(`${session.file} channel 1`, alice, party)),
      speakerIs(session, '1', ALICE),
      partyCameAndWent(stage, session, '2', BOB, [0, leftMs]),
      partyCameAndWent(stage, session, '2', CAROL, [joinedMs, endMs]),
      tellsEvents(stage, session, [
        ['start', 0],
        ['stop', endMs],
      ]),
      conforms(session),
      check(
        'bob is out of the call',
        call.callee.ending?.by === 'peer',
        'the gateway has sent him a BYE',
        call.callee.ending?.by ?? 'still in it',
      ),
      recordingsAre(evidence, 1),
      verdictIs(evidence, 'recorded', ['complete']),
      nothingLeftOpen(evidence),
    ];
  },
};

export const transferToRecorded: Scenario = {
  name: 'transfer-to-recorded',
  title: 'A call is transferred to a recorded user',
  shows: 'a call that nobody records is recorded from the moment on that it is transferred to one',
  phones: [{ party: ALICE }, { party: BOB }, { party: CAROL }],
  config: () => ({
    sip: { refer: 'perform' },
    providers: { lab: { failover: { optionsIntervalMs: 0 } } },
  }),
  async play(stage) {
    const call = await stage.call(BOB, CAROL);
    await stage.until(2500);
    const before = await recorderCounts(stage);
    const next = stage.nextCallOf(ALICE, answerAfter(200));
    const referred = await refer(stage, call.callee, ALICE);
    const alices = await next;
    await alices.waitFor('answered');
    const joinedMs = (alices.times.answeredAtMs ?? Infinity) - stage.zeroMs;
    stage.tell('alice has answered');
    await call.callee.waitFor('ended');
    await stage.pause(3000);
    const endMs = await stage.hangUp({ caller: call.caller, callee: alices });
    const evidence = await stage.evidence();
    const session = sessionOf(evidence);
    const talk: Span = [joinedMs + EDGE_MS, endMs - 100];
    return [
      ...untouched(', before the transfer', before),
      referred.check,
      checkEqual('what carol is told of it', '100, 180, 200', referred.told().join(', ')),
      speaks("live, bob's ear", stage.heard(call.caller), ALICE, [talk]),
      speaks("live, alice's ear", stage.heard(alices), BOB, [talk]),
      ...sessionHolds(session, [[talk], [talk]]),
      ...session.channels.map((samples, index) =>
        isSilent(`${session.file} channel ${index + 1}, before the transfer`, samples, [
          0,
          referred.span[0],
        ]),
      ),
      ...session.channels.map((samples, index) =>
        isAbsent(`${session.file} channel ${index + 1}`, samples, CAROL),
      ),
      nothingFrom('before the transfer', session, [0, referred.span[0]]),
      tellsEvents(stage, session, [
        ['start', joinedMs],
        ['stop', endMs],
      ]),
      checkEqual('recording sessions', 1, evidence.sessions.length),
      recordingsAre(evidence, 1),
      verdictIs(evidence, 'recorded', ['complete']),
      checkEqual('ledger: recorded party', 'callee', evidence.ledger[0]?.recordedParty.role),
      nothingLeftOpen(evidence),
    ];
  },
};
