import { firstWordsMs, liveCallIsWhole, nothingLeftOpen, sessionHolds } from '../proof/call-proof';
import { type Span } from '../proof/ear';
import { recordingsAre, tellsEvents, verdictIs } from '../proof/wire';
import { checkEqual, type Scenario } from '../scenario';
import { type SessionEvidence } from '../stage/evidence';
import { ALICE, BOB } from '../stage/places';
import { recordedUsers } from '../stage/stage-config';

export const bothRecorded: Scenario = {
  name: 'both-recorded',
  title: 'Two recorded users',
  shows:
    'a call of two recorded users gives two independent recordings, each with its own user on channel 1',
  config: () => recordedUsers({ alice: { mode: 'always' }, bob: { mode: 'always' } }),
  async play(stage) {
    const call = await stage.call(ALICE, BOB);
    await stage.until(4000);
    const endMs = await stage.hangUp(call);
    const evidence = await stage.evidence();
    const [aliceMs, bobMs] = firstWordsMs(stage, call);
    const [ofAlice, ofBob]: [Span[], Span[]] = [[[aliceMs, endMs - 100]], [[bobMs, endMs - 100]]];
    const isAbout = (name: string) => (session: SessionEvidence) =>
      session.streams.some(
        ({ label, parties }) => label === '1' && parties.some(({ aor }) => aor.includes(name)),
      );
    const [alices, bobs] = [
      evidence.sessions.find(isAbout('alice')),
      evidence.sessions.find(isAbout('bob')),
    ];
    return [
      ...liveCallIsWhole(stage, call, endMs),
      checkEqual('recording sessions', 2, evidence.sessions.length),
      checkEqual('session about alice', 'yes', alices === undefined ? 'no' : 'yes'),
      checkEqual('session about bob', 'yes', bobs === undefined ? 'no' : 'yes'),
      ...(alices === undefined ? [] : sessionHolds(alices, [ofAlice, ofBob])),
      ...(bobs === undefined ? [] : sessionHolds(bobs, [ofBob, ofAlice], [BOB, ALICE])),
      ...evidence.sessions.map(session =>
        tellsEvents(stage, session, [
          ['start', 0],
          ['stop', endMs],
        ]),
      ),
      recordingsAre(evidence, 2),
      verdictIs(evidence, 'recorded', ['complete'], 0),
      verdictIs(evidence, 'recorded', ['complete'], 1),
      nothingLeftOpen(evidence),
    ];
  },
};
