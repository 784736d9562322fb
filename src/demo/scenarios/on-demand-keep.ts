import { liveCallIsWhole, nothingLeftOpen, sessionIsWhole, sessionOf } from '../proof/call-proof';
import { conforms, recordingsAre, tellsEvents } from '../proof/wire';
import { check, checkEqual, type Scenario } from '../scenario';
import { type SessionEvidence } from '../stage/evidence';
import { pressRecordKey } from '../stage/controls';
import { ALICE, BOB } from '../stage/places';
import { recordedUsers } from '../stage/stage-config';

export const onDemandKeep: Scenario = {
  name: 'on-demand-keep',
  title: 'Recorded from the beginning, kept on demand',
  shows:
    'the whole call is kept when the user starts at any time, and the recorder is told to discard it otherwise',
  config: () =>
    recordedUsers({ alice: { mode: 'on-demand-keep', reminderTone: { enabled: false } } }),
  async play(stage) {
    const kept = await stage.call(ALICE, BOB);
    await stage.until(2000);
    const start = await pressRecordKey(stage, kept.caller, 'start');
    await stage.until(4000);
    const endMs = await stage.hangUp(kept);
    const discarded = await stage.call(ALICE, BOB);
    await stage.pause(1500);
    await stage.hangUp(discarded);
    const evidence = await stage.evidence();
    const [first, second] = [sessionOf(evidence, 0), sessionOf(evidence, 1)];
    return [
      start.check,
      ...liveCallIsWhole(stage, kept, endMs),
      ...sessionIsWhole(stage, kept, first, endMs),
      conforms(second),
      told('the first call', first, ['undecided', 'kept']),
      told('the second call', second, ['undecided', 'discarded']),
      tellsEvents(stage, first, [
        ['start', 0],
        // What the user does is told, too: from then on it is kept.
        ['start', start.span[1]],
        ['stop', endMs],
      ]),
      recordingsAre(evidence, 2),
      checkEqual('ledger: the first is kept', 'true', String(evidence.ledger[0]?.kept)),
      checkEqual('ledger: the second is kept', 'false', String(evidence.ledger[1]?.kept)),
      nothingLeftOpen(evidence),
    ];
  },
};

/** What the documents say about keeping, in the order in which it changes. */
function told(
  what: string,
  { documents }: SessionEvidence,
  expected: readonly string[],
): ReturnType<typeof check> {
  const found = documents
    .flatMap(({ xml }) => /\bretention="([a-z]+)"/.exec(xml)?.[1] ?? [])
    .filter((each, index, all) => each !== all[index - 1]);
  return check(
    `${what}: what the metadata says about keeping it`,
    found.join() === expected.join(),
    expected.join(', then '),
    found.join(', then ') || 'nothing',
  );
}
