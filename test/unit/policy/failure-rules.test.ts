import {
  FAILURE_PHASES,
  failureAction,
  type FailureEvent,
  failureGraceMs,
  failureNotice,
  type FailureState,
  isCompulsory,
  mayAnnounceFailure,
  NO_FAILURE,
  reduceFailure,
} from '../../../src/policy';
import { userPolicy } from '../../support/user-policy';

const ACTIONS = [
  'proceed',
  'proceed-with-announcement',
  'end-call-with-announcement',
  'compulsory',
] as const;
const KEEPS = ['kept', 'undecided', 'discarded'] as const;
const EVENTS: readonly FailureEvent[] = [
  'failed',
  'lost',
  'grace-over',
  'restored',
  'kept',
  'stopped',
];
const STATES: readonly FailureState[] = FAILURE_PHASES.flatMap(phase =>
  [false, true].map(isTold => ({ phase, isTold })),
);

/** `missing told: announce-end`. */
function spelled(step: ReturnType<typeof reduceFailure>): string {
  const { phase, isTold } = step.state;
  return `${phase}${isTold ? ' told' : ''}: ${step.commands.map(({ kind }) => kind).join(', ')}`;
}

function after(
  events: readonly FailureEvent[],
  action: (typeof ACTIONS)[number],
  keep: (typeof KEEPS)[number] = 'kept',
): string {
  let step: ReturnType<typeof reduceFailure> = { state: NO_FAILURE, commands: [] };
  events.forEach(event => {
    step = reduceFailure(step.state, event, action, keep);
  });
  return spelled(step);
}

describe('reduceFailure', () => {
  test.each<[(typeof ACTIONS)[number], string]>([
    ['proceed', 'missing: '],
    ['proceed-with-announcement', 'missing told: announce-proceed'],
    ['end-call-with-announcement', 'missing told: announce-end'],
    ['compulsory', 'missing told: announce-end'],
  ])('%s: a recording that cannot be made, or stays lost, gives "%s"', (action, expected) => {
    expect(after(['failed'], action)).toBe(expected);
    expect(after(['lost', 'grace-over'], action)).toBe(expected);
  });

  test.each(ACTIONS)(
    '%s: a loss is given its time, and a failed round in it is no news',
    action => {
      expect(after(['lost'], action)).toBe('waiting: start-grace');
      expect(after(['lost', 'failed'], action)).toBe('waiting: ');
      expect(after(['lost', 'restored'], action)).toBe('fine: cancel-grace');
      expect(after(['lost', 'stopped'], action)).toBe('fine: cancel-grace');
      expect(after(['lost', 'restored', 'grace-over'], action)).toBe('fine: ');
    },
  );

  test('who was told that nothing is recorded is told when it is recorded after all', () => {
    const action = 'proceed-with-announcement';
    expect(after(['failed', 'restored'], action)).toBe('fine: announce-restored');
    expect(after(['failed', 'restored', 'failed'], action)).toBe('missing told: announce-proceed');
    expect(after(['failed', 'restored'], 'proceed')).toBe('fine: ');
  });

  test('what is not decided to be kept is missed only when that is decided', () => {
    const action = 'end-call-with-announcement';
    expect(after(['failed'], action, 'undecided')).toBe('missing: ');
    expect(after(['failed', 'kept'], action, 'undecided')).toBe('missing told: announce-end');
    expect(after(['kept'], action, 'undecided')).toBe('fine: ');
  });

  test('in every state, every event leaves a legal state, and nobody is told twice', () => {
    const steps = STATES.flatMap(state =>
      EVENTS.flatMap(event =>
        ACTIONS.flatMap(action =>
          KEEPS.map(keep => {
            const { state: next, commands } = reduceFailure(state, event, action, keep);
            return { state, event, action, keep, next, kinds: commands.map(({ kind }) => kind) };
          }),
        ),
      ),
    );
    expect(steps).toHaveLength(STATES.length * EVENTS.length * ACTIONS.length * KEEPS.length);
    const isBad = ({ state, event, action, keep, next, kinds }: (typeof steps)[number]): boolean =>
      // Told only when it is missing, once, and where somebody wants to know.
      (kinds.some(kind => kind === 'announce-end' || kind === 'announce-proceed') &&
        (next.phase !== 'missing' ||
          !next.isTold ||
          (state.phase === 'missing' && state.isTold) ||
          action === 'proceed' ||
          (keep !== 'kept' && event !== 'kept'))) ||
      (kinds.includes('cancel-grace') && state.phase !== 'waiting') ||
      // The timer runs exactly while it waits.
      (next.phase === 'waiting' && state.phase !== 'waiting' && !kinds.includes('start-grace'));
    expect(steps.filter(isBad)).toEqual([]);
  });
});

test('modes on demand have a failure behaviour of their own', () => {
  const user = userPolicy('u', {
    failureBehaviour: { always: 'compulsory', onDemand: 'proceed-with-announcement' },
  });
  expect(failureAction(user, 'always')).toBe('compulsory');
  expect(failureAction(user, 'always-with-pause-resume')).toBe('compulsory');
  expect(failureAction(user, 'on-demand')).toBe('proceed-with-announcement');
  expect(failureAction(user, 'on-demand-keep')).toBe('proceed-with-announcement');
  expect(mayAnnounceFailure(user, 'on-demand')).toBe(true);
  expect(mayAnnounceFailure(userPolicy('v'), 'always')).toBe(false);
});

test('only a recording that begins with the answer can be had before anybody is rung', () => {
  const user = userPolicy('u', {
    failureBehaviour: { always: 'compulsory', onDemand: 'compulsory' },
  });
  expect(isCompulsory(user, 'always')).toBe(true);
  expect(isCompulsory(user, 'on-demand-keep')).toBe(true);
  expect(isCompulsory(user, 'on-demand')).toBe(false);
  expect(isCompulsory(userPolicy('v'), 'always')).toBe(false);
});

test('both parties hear whether the call goes on', () => {
  const toRoles = ['caller', 'callee'];
  expect(failureNotice('announce-proceed')).toMatchObject({ prompt: 'failure-proceed', toRoles });
  expect(failureNotice('announce-end')).toMatchObject({ prompt: 'failure-end', toRoles });
  expect(failureNotice('announce-restored')).toMatchObject({ kind: 'start', toRoles });
  expect(failureNotice('start-grace')).toBeNull();
});

test('a lost recording is looked for in two rounds of invitations, 30 s at most', () => {
  expect(failureGraceMs(1, 1000)).toBe(3000);
  expect(failureGraceMs(3, 500)).toBe(4000);
  expect(failureGraceMs(16, 10_000)).toBe(30_000);
});
