import { firstWordsMs, liveCallIsWhole, nothingLeftOpen, sessionOf } from '../proof/call-proof';
import { isSilent, type Span, speaks } from '../proof/ear';
import { conforms, nothingFrom, recordingsAre, verdictIs } from '../proof/wire';
import { check, type Scenario } from '../scenario';
import { pressRecordKey } from '../stage/controls';
import { ALICE, BOB } from '../stage/places';
import { recordedUsers } from '../stage/stage-config';

const REFUSALS = [488, 491, 500];
const EDGE_MS = 20;

export const srsRefusesReinvite: Scenario = {
  name: 'srs-refuses-reinvite',
  title: 'A recorder that refuses to be told of a pause',
  shows:
    'whatever the recorder answers to re-INVITEs (488, 491, 500), nothing is sent while paused, and resume works',
  srs: [{ name: 'stubborn', behaviour: { refuseReinvites: REFUSALS } }],
  config: () =>
    recordedUsers({
      alice: { mode: 'always-with-pause-resume', reminderTone: { enabled: false } },
    }),
  async play(stage) {
    const call = await stage.call(ALICE, BOB);
    const presses = [];
    for (const [action, atMs] of [
      ['pause', 2000],
      ['resume', 4000],
      ['pause', 6000],
      ['resume', 8000],
    ] as const) {
      await stage.until(atMs);
      presses.push(await pressRecordKey(stage, call.caller, action));
    }
    await stage.until(10_000);
    const endMs = await stage.hangUp(call);
    const evidence = await stage.evidence();
    const session = sessionOf(evidence);
    const [aliceMs, bobMs] = firstWordsMs(stage, call);
    const [before = [0, 0], after = [0, 0], second = [0, 0], last = [0, 0]] = presses.map(
      ({ span }) => span,
    );
    const spansFrom = (fromMs: number): Span[] => [
      [fromMs, before[0]],
      [after[1] + EDGE_MS, second[0]],
      [last[1] + EDGE_MS, endMs - 100],
    ];
    const pauses: Span[] = [
      [before[1] + EDGE_MS, after[0]],
      [second[1] + EDGE_MS, last[0]],
    ];
    const reinvites =
      session.messages.filter(({ startLine }) => startLine.startsWith('INVITE ')).length - 1;
    return [
      ...presses.map(press => press.check),
      check(
        're-INVITEs, the refused ones among them',
        reinvites > REFUSALS.length,
        `more than ${REFUSALS.length}`,
        reinvites,
      ),
      ...liveCallIsWhole(stage, call, endMs),
      speaks(`${session.file} channel 1`, session.channels[0], ALICE, spansFrom(aliceMs)),
      speaks(`${session.file} channel 2`, session.channels[1], BOB, spansFrom(bobMs)),
      ...pauses.flatMap(pause => [
        isSilent(`${session.file} channel 1, paused`, session.channels[0], pause),
        isSilent(`${session.file} channel 2, paused`, session.channels[1], pause),
        nothingFrom('while paused', session, pause),
      ]),
      // It said no to what it was told: that media comes although it believes in a pause is its own doing.
      conforms(session, { except: ['rtp-while-inactive'] }),
      recordingsAre(evidence, 1),
      verdictIs(evidence, 'recorded'),
      nothingLeftOpen(evidence),
    ];
  },
};
