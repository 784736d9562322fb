import {
  type ControlAction,
  type ControlOrigin,
  initialIntent,
  INTENT_PHASES,
  type IntentCommand,
  type IntentEvent,
  type IntentState,
  possibleActions,
  reduceIntent,
} from '../../../src/policy';
import { type RecordingMode } from '#core';

const MODES: readonly RecordingMode[] = [
  'never',
  'always',
  'always-with-pause-resume',
  'on-demand',
  'on-demand-keep',
];
const ACTIONS: readonly ControlAction[] = ['start', 'stop', 'pause', 'resume'];

function control(action: ControlAction, origin: ControlOrigin = 'recorded-party'): IntentEvent {
  return { kind: 'control', control: { controlId: 'c1', action, origin } };
}

/** `recording, started by policy, (done)` and the like: short enough for a table. */
function summary(commands: readonly IntentCommand[]): string {
  return commands
    .map(command => {
      switch (command.kind) {
        case 'desire':
          return command.recording;
        case 'tell':
          return `${command.what} by ${command.by}`;
        case 'answer-control':
          return `(${command.outcome})`;
        default:
          return command.kind;
      }
    })
    .join(', ');
}

// One row per event, one column per phase: waiting | off | barred | on | paused | ended.
// A cell is `next phase: commands`; `=` stays without a command.
const NOTHING = ['=', '=', '=', '=', '=', '='];
const NO_CONTROL = Array<string>(6).fill('=: (refused-not-allowed-by-mode)');
const STOPPED = 'ended: none, stopped by policy';
const END = ['ended:', 'ended:', 'ended:', STOPPED, STOPPED, '='];
const WAIT = '=: (refused-not-answered)';
const BARRED = '=: (refused-voicemail)';
const OVER = '=: (refused-ended)';
const SAME = '=: (unchanged)';
const NOT_RECORDING = '=: (refused-not-recording)';
const PAUSED = 'paused: paused, paused by user, (done)';
const RESUMED = 'on: recording, resumed by user, (done)';
const OFF = 'off: none, stopped by user, (done)';
const START = 'on: recording, started by user, (done)';
const BEGIN = 'on: recording, started by policy';
const PAUSE = [WAIT, NOT_RECORDING, BARRED, PAUSED, SAME, OVER];
const RESUME = [WAIT, NOT_RECORDING, BARRED, SAME, RESUMED, OVER];
const NO_CONTROLS = { start: NO_CONTROL, stop: NO_CONTROL, pause: NO_CONTROL, resume: NO_CONTROL };
const BARRED_NOW = 'barred: none, stopped by policy';
const VOICEMAIL = ['barred:', 'barred:', '=', BARRED_NOW, BARRED_NOW, '='];
const BEGINS = {
  answered: [BEGIN, '=', '=', '=', '=', '='],
  replaced: ['=', '=', BEGIN, '=', '=', '='],
};
const BEGINS_OFF = {
  answered: ['off:', '=', '=', '=', '=', '='],
  replaced: ['=', '=', 'off:', '=', '=', '='],
};
const ALIKE = {
  voicemail: VOICEMAIL,
  lost: NOTHING,
  restored: NOTHING,
  left: END,
  end: END,
};
const TABLE: Readonly<Record<RecordingMode, Readonly<Record<string, readonly string[]>>>> = {
  never: { ...ALIKE, ...BEGINS_OFF, ...NO_CONTROLS },
  always: { ...ALIKE, ...BEGINS, ...NO_CONTROLS },
  'always-with-pause-resume': {
    ...ALIKE,
    ...BEGINS,
    ...NO_CONTROLS,
    pause: PAUSE,
    resume: RESUME,
  },
  'on-demand': {
    ...ALIKE,
    ...BEGINS_OFF,
    start: [WAIT, START, BARRED, SAME, SAME, OVER],
    stop: [WAIT, SAME, BARRED, OFF, OFF, OVER],
    pause: PAUSE,
    resume: RESUME,
  },
  'on-demand-keep': {
    ...ALIKE,
    ...BEGINS,
    // The table is of calls that were decided on; those that were not are below.
    start: [WAIT, START, BARRED, SAME, SAME, OVER],
    stop: NO_CONTROL,
    pause: PAUSE,
    resume: RESUME,
  },
};

const EVENTS: Readonly<Record<string, IntentEvent>> = {
  answered: { kind: 'answered' },
  voicemail: { kind: 'answered-by-voicemail' },
  replaced: { kind: 'other-party-replaced' },
  start: control('start'),
  stop: control('stop'),
  pause: control('pause'),
  resume: control('resume'),
  lost: { kind: 'recording-lost' },
  restored: { kind: 'recording-restored' },
  left: { kind: 'recorded-party-left' },
  end: { kind: 'call-ended' },
};

const MATRIX = MODES.flatMap(mode =>
  Object.keys(EVENTS).flatMap(event =>
    INTENT_PHASES.map((phase, column) => ({
      mode,
      phase,
      event,
      cell: TABLE[mode][event]?.[column] ?? 'missing',
    })),
  ),
);

describe('reduceIntent', () => {
  test.each(MATRIX)('$mode: $event while $phase gives "$cell"', ({ mode, phase, event, cell }) => {
    const state: IntentState = { phase, keep: 'kept' };
    const [next = '', commands = ''] = cell === '=' ? ['='] : cell.split(/:\s?/);
    const step = reduceIntent(state, EVENTS[event]!, mode);
    expect(step.state).toEqual({ phase: next === '=' ? phase : next, keep: 'kept' });
    expect(summary(step.commands)).toBe(commands);
  });

  test('offers exactly the controls that would do something', () => {
    for (const mode of MODES) {
      for (const phase of INTENT_PHASES) {
        const state: IntentState = { phase, keep: 'kept' };
        const doing = ACTIONS.filter(action =>
          summary(reduceIntent(state, control(action), mode).commands).endsWith('(done)'),
        );
        expect([...possibleActions(state, mode)].sort()).toEqual(doing.sort());
      }
    }
  });

  test('the other party may control nothing, in any mode, phase and action', () => {
    for (const mode of MODES) {
      for (const phase of INTENT_PHASES) {
        for (const action of ACTIONS) {
          const state: IntentState = { phase, keep: 'kept' };
          const step = reduceIntent(state, control(action, 'other-party'), mode);
          expect(step.state).toBe(state);
          expect(summary(step.commands)).toBe('(refused-wrong-party)');
        }
      }
    }
  });

  test('an API client may do what the recorded party may do, in its own name', () => {
    for (const mode of MODES) {
      for (const phase of INTENT_PHASES) {
        for (const action of ACTIONS) {
          const state: IntentState = { phase, keep: 'kept' };
          const byApi = reduceIntent(state, control(action, 'api'), mode);
          const byUser = reduceIntent(state, control(action), mode);
          expect(byApi.state).toEqual(byUser.state);
          expect(summary(byApi.commands)).toBe(
            summary(byUser.commands).replace('by user', 'by api'),
          );
        }
      }
    }
  });

  test('an on-demand call may be recorded several times', () => {
    let state = reduceIntent(initialIntent('on-demand'), { kind: 'answered' }, 'on-demand').state;
    const seen: string[] = [];
    for (const action of ['start', 'stop', 'start', 'pause', 'stop', 'start'] as const) {
      const step = reduceIntent(state, control(action), 'on-demand');
      state = step.state;
      seen.push(state.phase);
      expect(summary(step.commands)).toMatch(/\(done\)$/);
    }
    expect(seen).toEqual(['on', 'off', 'on', 'paused', 'off', 'on']);
  });

  describe('on-demand-keep', () => {
    const mode = 'on-demand-keep';
    const undecided = reduceIntent(initialIntent(mode), { kind: 'answered' }, mode).state;

    test('records from the answer on without having decided', () => {
      expect(undecided).toEqual({ phase: 'on', keep: 'undecided' });
    });

    test('start keeps the whole call', () => {
      const step = reduceIntent(undecided, control('start'), mode);
      expect(step.state).toEqual({ phase: 'on', keep: 'kept' });
      expect(summary(step.commands)).toBe('keep, kept by user, (done)');
    });

    test('start while paused keeps the call and leaves it paused', () => {
      const paused = reduceIntent(undecided, control('pause'), mode).state;
      const step = reduceIntent(paused, control('start'), mode);
      expect(step.state).toEqual({ phase: 'paused', keep: 'kept' });
      expect(summary(step.commands)).toBe('keep, kept by user, (done)');
    });

    test('a call that ends undecided is discarded', () => {
      const step = reduceIntent(undecided, { kind: 'call-ended' }, mode);
      expect(step.state).toEqual({ phase: 'ended', keep: 'discarded' });
      expect(summary(step.commands)).toBe('discard, none, stopped by policy');
    });

    test('a call that ends unanswered has nothing to discard', () => {
      const step = reduceIntent(initialIntent(mode), { kind: 'call-ended' }, mode);
      expect(step.state).toEqual({ phase: 'ended', keep: 'discarded' });
      expect(step.commands).toEqual([]);
    });
  });
});
