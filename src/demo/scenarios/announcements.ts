import { nothingLeftOpen, sessionOf } from '../proof/call-proof';
import { doesNotHear, hears, noPromptRecorded } from '../proof/prompt-proof';
import { conforms, recordingsAre, tellsNotice, verdictIs } from '../proof/wire';
import { type Scenario, type ScenarioCheck } from '../scenario';
import { type SessionEvidence } from '../stage/evidence';
import { nothingWhilePaused } from '../proof/pause-proof';
import { ALICE, BOB, CAROL, DAVE } from '../stage/places';
import { type Stage } from '../stage/stage';
import { recordedUsers } from '../stage/stage-config';
import { announcedToBoth, earsOf, playAnnouncedControls } from './announced-controls';

/** Carol calls from here: the public network. */
const PSTN_HOST = '127.0.0.2';
const ANNOUNCED = { internalCallsEnabled: true, pstnCallsEnabled: true };
const DELAY_S = 1;
/** An ear may be so much later than the clock: what came first was late, and all that follows stands after it. */
const EAR_TOLERANCE_MS = 250;

export const announcements: Scenario = {
  name: 'announcements',
  title: 'Announcements',
  shows:
    'start, stop, pause, resume and compliance are heard by whom they are for, over their speech, told to the recorder, and not recorded',
  phones: [
    { party: ALICE },
    { party: BOB },
    { party: CAROL, options: { host: PSTN_HOST }, kind: 'pstn' },
    { party: DAVE },
  ],
  config: () => ({
    trunks: { world: { sources: [`${PSTN_HOST}/32`], kind: 'pstn', trusted: true } },
    organisations: {
      demo: {
        complianceAnnouncement: {
          inboundPSTNCallsEnabled: true,
          outboundPSTNCallsEnabled: true,
          outboundPSTNCallsDelayEnabled: true,
          delayInSeconds: DELAY_S,
        },
        ...usersOf({
          alice: {
            mode: 'on-demand',
            notification: 'announcement',
            startStopAnnouncement: ANNOUNCED,
            reminderTone: { enabled: false },
          },
          dave: {
            mode: 'always',
            startStopAnnouncement: ANNOUNCED,
            reminderTone: { enabled: false },
          },
        }),
      },
    },
  }),
  async play(stage) {
    const internal = await playInternal(stage);
    const inbound = await playInbound(stage);
    const outbound = await playOutbound(stage);
    const evidence = await stage.evidence();
    return [
      ...internal(sessionOf(evidence, 0)),
      ...inbound(sessionOf(evidence, 1)),
      ...outbound(sessionOf(evidence, 2)),
      recordingsAre(evidence, 3),
      ...[0, 1, 2].map(index => verdictIs(evidence, 'recorded', null, index)),
      nothingLeftOpen(evidence),
    ];
  },
};

/** What there is to check of a call once its recording is there. */
type Proof = (session: SessionEvidence) => readonly ScenarioCheck[];

/** Alice records on demand: what she does is announced to both. */
async function playInternal(stage: Stage): Promise<Proof> {
  const played = await playAnnouncedControls(stage);
  return session => [
    ...announcedToBoth(stage, played, session),
    ...nothingWhilePaused(session, played.pause, played.resume),
    conforms(session),
  ];
}

/** Carol calls Dave from the public network: she hears of it before his phone rings, he when it starts. */
async function playInbound(stage: Stage): Promise<Proof> {
  const calledMs = stage.nowMs();
  let rangMs = Infinity;
  const call = await stage.call(CAROL, DAVE, {
    answer: incoming => {
      rangMs = stage.nowMs();
      incoming.answer();
    },
  });
  const answeredMs = stage.nowMs();
  await stage.pause(3500);
  await stage.hangUp(call);
  return session => {
    const [carols, daves] = earsOf(stage, call, CAROL, DAVE);
    const compliance = hears(
      stage,
      { ...carols, speakersCall: null },
      { kind: 'compliance', after: [calledMs, rangMs] },
    );
    const start = hears(stage, daves, { kind: 'start', after: [rangMs, answeredMs] });
    const beforeMs = rangMs - (compliance.found?.span[1] ?? Infinity);
    return [
      ...compliance.checks,
      {
        name: 'compliance is told before the other phone rings',
        ok: beforeMs > -EAR_TOLERANCE_MS,
        expected: 'it has ended',
        found: `it has ended ${Math.round(beforeMs)} ms before`,
      },
      ...start.checks,
      doesNotHear(carols, start.cue, start.found),
      ...noPromptRecorded(session, [start], [DAVE, CAROL]),
      tellsNotice(stage, session, 'compliance', compliance.found?.span ?? null, 1),
      tellsNotice(stage, session, 'start', start.found?.span ?? null, 1),
      conforms(session),
    ];
  };
}

/** Dave calls Carol: after a second both hear of it, and nothing else is announced. */
async function playOutbound(stage: Stage): Promise<Proof> {
  const call = await stage.call(DAVE, CAROL);
  const answeredMs = stage.nowMs();
  await stage.pause(6000);
  await stage.hangUp(call);
  return session => {
    const cue = {
      kind: 'compliance',
      after: [answeredMs - 300, answeredMs],
      delayMs: DELAY_S * 1000,
    } as const;
    const heard = earsOf(stage, call, DAVE, CAROL).map(ear => hears(stage, ear, cue));
    return [
      ...heard.flatMap(({ checks }) => checks),
      ...noPromptRecorded(session, heard.slice(0, 1), [DAVE, CAROL]),
      tellsNotice(stage, session, 'compliance', heard[0]?.found?.span ?? null, 2),
      conforms(session),
    ];
  };
}

function usersOf(users: Parameters<typeof recordedUsers>[0]): object {
  const { organisations } = recordedUsers(users) as { organisations: { demo: object } };
  return organisations.demo;
}
