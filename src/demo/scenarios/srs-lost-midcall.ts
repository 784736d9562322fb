import { conforms, speakerIs } from '../proof/wire';
import { recordingSurvives } from '../proof/failover-proof';
import { check, type Scenario } from '../scenario';
import { ALICE, BOB } from '../stage/places';
import { type SrsSpec } from '../stage/stage-srs';
import { type Stage } from '../stage/stage';

const LOST_AT_MS = 3000;

interface Loss {
  readonly name: string;
  readonly title: string;
  readonly shows: string;
  readonly srs: readonly SrsSpec[];
  /** Length of the call: the loss must be noticed within it. */
  readonly talkMs: number;
  /** Makes the recorder go away, if it does not by itself. */
  readonly happen: (stage: Stage) => void;
  /** It answers nothing any more, and refuses nothing. */
  readonly isMute?: true;
}

/** The recorder goes away in mid-call; what was said is complete across both WAVs. */
function lostMidcall({ name, title, shows, srs, talkMs, happen, isMute }: Loss): Scenario {
  return {
    name,
    title,
    shows,
    srs,
    async play(stage) {
      const call = await stage.call(ALICE, BOB);
      await stage.until(LOST_AT_MS);
      happen(stage);
      await stage.until(talkMs);
      const endMs = await stage.hangUp(call);
      const evidence = await stage.evidence({ isOneMute: isMute === true });
      const [line] = evidence.ledger;
      const second = evidence.sessions.find(session => session.srs === 'second');
      stage.figures['seconds replayed'] = (line?.replayedS ?? 0).toFixed(1);
      return [
        ...recordingSurvives(stage, call, endMs, evidence),
        check(
          'who recorded',
          evidence.sessions.map(session => session.srs).join(', ') === 'first, second',
          'first, second',
          evidence.sessions.map(session => session.srs).join(', '),
        ),
        ...(second === undefined
          ? []
          : [conforms(second), speakerIs(second, '1', ALICE), speakerIs(second, '2', BOB)]),
        check(
          'ledger: recording 1',
          line?.verdict === 'recorded' && line.gaps.length === 0,
          'recorded, without a gap',
          `${line?.verdict ?? 'no record'}, ${line?.gaps.length ?? 0} gaps`,
        ),
      ];
    },
  };
}

const TWO_PROCESSES: readonly SrsSpec[] = [
  { name: 'first', isProcess: true },
  { name: 'second', isProcess: true },
];

export const srsKilledMidcall = lostMidcall({
  name: 'srs-killed-midcall',
  title: 'A recorder that is killed',
  shows: 'when the recorder is killed (SIGKILL) in mid-call, the call is complete across both WAVs',
  srs: TWO_PROCESSES,
  talkMs: 9000,
  happen: stage => {
    stage.tell('the recorder is killed');
    stage.srs('first').kill();
  },
});

export const srsFrozenMidcall = lostMidcall({
  name: 'srs-frozen-midcall',
  title: 'A recorder that hangs',
  shows:
    'when the recorder hangs (SIGSTOP: its ports stay open, nothing is refused), the call is complete across both WAVs',
  srs: TWO_PROCESSES,
  talkMs: 12_000,
  happen: stage => {
    stage.tell('the recorder is frozen');
    stage.srs('first').freeze();
  },
  isMute: true,
});

export const srsByeMidcall = lostMidcall({
  name: 'srs-bye-midcall',
  title: 'A recorder that hangs up',
  shows: 'when the recorder ends its session in mid-call, the next one goes on and nothing is lost',
  srs: [{ name: 'first', behaviour: { byeAfterMs: LOST_AT_MS } }, { name: 'second' }],
  talkMs: 7000,
  happen: () => undefined,
});
