import { liveCallIsWhole, nothingLeftOpen, sessionIsWhole, sessionOf } from '../proof/call-proof';
import { seconds } from '../proof/ear';
import { speaksUnder } from '../proof/held-up';
import { liveToneDbfs, noticeTones, noToneRecorded } from '../proof/notice-proof';
import { recordingsAre, tellsEvents, tellsNotice, verdictIs } from '../proof/wire';
import { check, type Scenario } from '../scenario';
import { ALICE, BOB } from '../stage/places';
import { recordedUsers } from '../stage/stage-config';

const INTERVAL_MS = 10_000;
const TOLERANCE_MS = 100;
/** The recording begins before the answer has reached the phone. */
const FIRST_TOLERANCE_MS = 250;

export const reminderTone: Scenario = {
  name: 'reminder-tone',
  title: 'The reminder tone',
  shows:
    'all parties hear the tone at its interval, speech goes on under it, and the recording has no trace of it',
  config: () =>
    recordedUsers({
      alice: { mode: 'always', reminderTone: { enabled: true, intervalS: INTERVAL_MS / 1000 } },
    }),
  async play(stage) {
    const call = await stage.call(ALICE, BOB);
    await stage.until(24_000);
    const endMs = await stage.hangUp(call);
    const evidence = await stage.evidence();
    const session = sessionOf(evidence);
    const ears = [
      {
        name: 'alice',
        samples: stage.heard(call.caller),
        speaker: { party: BOB, call: call.callee },
      },
      {
        name: 'bob',
        samples: stage.heard(call.callee),
        speaker: { party: ALICE, call: call.caller },
      },
    ].map(ear => ({ ...ear, tones: noticeTones(ear.samples) }));
    const liveDbfs = Math.min(...ears.map(({ samples }) => liveToneDbfs(samples)));
    return [
      ...ears.flatMap(({ name, samples, speaker, tones }) => {
        const intervalMs = (tones[1]?.[0] ?? Infinity) - (tones[0]?.[0] ?? 0);
        const starts = tones.map(([fromMs]) => seconds(fromMs)).join(', ');
        return [
          check(
            `${name}'s ear: interval of the tone`,
            tones.length === 2 && Math.abs(intervalMs - INTERVAL_MS) <= TOLERANCE_MS,
            `2 tones, ${seconds(INTERVAL_MS)} apart (±${TOLERANCE_MS} ms)`,
            `${tones.length} tones, at ${starts || 'no time'}`,
          ),
          check(
            `${name}'s ear: the first tone`,
            Math.abs((tones[0]?.[0] ?? Infinity) - INTERVAL_MS) <= FIRST_TOLERANCE_MS,
            `${seconds(INTERVAL_MS)} after the beginning (±${FIRST_TOLERANCE_MS} ms)`,
            starts || 'no tone',
          ),
          speaksUnder(
            `${name}'s ear, under the tone`,
            { samples, fromMs: 0 },
            speaker,
            tones,
            stage.zeroMs,
          ),
        ];
      }),
      ...noToneRecorded(session, liveDbfs),
      ...liveCallIsWhole(stage, call, INTERVAL_MS),
      ...sessionIsWhole(stage, call, session, endMs),
      ...[0, 1].map(n =>
        tellsNotice(stage, session, 'reminder', ears[0]?.tones[n] ?? [Infinity, Infinity], 2),
      ),
      tellsEvents(stage, session, [
        ['start', 0],
        ['stop', endMs],
      ]),
      recordingsAre(evidence, 1),
      verdictIs(evidence, 'recorded', ['complete']),
      nothingLeftOpen(evidence),
    ];
  },
};
