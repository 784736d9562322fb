import {
  type ControlAction,
  type ControlOrigin,
  initialIntent,
  INTENT_PHASES,
  type IntentCommand,
  type IntentEvent,
  type IntentState,
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

/** `desire recording, done` and the like: short enough for a table. */
function summary(commands: readonly IntentCommand[]): string {
  return commands
    .map(command => {
      switch (command.kind) {
        case 'desire':
          return command.recording;
        case 'answer-control':
          return `(${command.outcome})`;
        default:
          return command.kind;
      }
    })
    .join(' ');
}

// One row per event, one column per phase: waiting | off | on | paused | ended.
// A cell is `next phase: commands`; `=` stays without a command.
const NOT_ALLOWED = '=: (refused-not-allowed-by-mode)';
const NO_CONTROL = [NOT_ALLOWED, NOT_ALLOWED, NOT_ALLOWED, NOT_ALLOWED, NOT_ALLOWED];
const END = ['ended:', 'ended:', 'ended: none', 'ended: none', '='];
const WAIT = '=: (refused-not-answered)';
const OVER = '=: (refused-ended)';
const SAME = '=: (unchanged)';
const NOT_RECORDING = '=: (refused-not-recording)';
const PAUSE = [WAIT, NOT_RECORDING, 'paused: paused (done)', SAME, OVER];
const RESUME = [WAIT, NOT_RECORDING, SAME, 'on: recording (done)', OVER];
const TABLE: Readonly<Record<RecordingMode, Readonly<Record<string, readonly string[]>>>> = {
  never: {
    answered: ['off:', '=', '=', '=', '='],
    start: NO_CONTROL,
    stop: NO_CONTROL,
    pause: NO_CONTROL,
    resume: NO_CONTROL,
    end: END,
  },
  always: {
    answered: ['on: recording', '=', '=', '=', '='],
    start: NO_CONTROL,
    stop: NO_CONTROL,
    pause: NO_CONTROL,
    resume: NO_CONTROL,
    end: END,
  },
  'always-with-pause-resume': {
    answered: ['on: recording', '=', '=', '=', '='],
    start: NO_CONTROL,
    stop: NO_CONTROL,
    pause: PAUSE,
    resume: RESUME,
    end: END,
  },
  'on-demand': {
    answered: ['off:', '=', '=', '=', '='],
    start: [WAIT, 'on: recording (done)', SAME, SAME, OVER],
    stop: [WAIT, SAME, 'off: none (done)', 'off: none (done)', OVER],
    pause: PAUSE,
    resume: RESUME,
    end: END,
  },
  'on-demand-keep': {
    answered: ['on: recording', '=', '=', '=', '='],
    start: [WAIT, 'on: recording (done)', SAME, SAME, OVER],
    stop: NO_CONTROL,
    pause: PAUSE,
    resume: RESUME,
    end: END,
  },
};

const EVENTS: Readonly<Record<string, IntentEvent>> = {
  answered: { kind: 'answered' },
  start: control('start'),
  stop: control('stop'),
  pause: control('pause'),
  resume: control('resume'),
  end: { kind: 'call-ended' },
};

const MATRIX = MODES.flatMap(mode =>
  Object.entries(TABLE[mode]).flatMap(([event, cells]) =>
    INTENT_PHASES.map((phase, column) => ({
      mode,
      phase,
      event,
      cell: cells[column] ?? 'missing',
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

  test('the recorded party leaving ends the recording exactly as the end of the call does', () => {
    for (const mode of MODES) {
      for (const phase of INTENT_PHASES) {
        const state: IntentState = { phase, keep: 'kept' };
        expect(reduceIntent(state, { kind: 'recorded-party-left' }, mode)).toEqual(
          reduceIntent(state, { kind: 'call-ended' }, mode),
        );
      }
    }
  });

  test.each(['other-party-replaced', 'recording-lost', 'recording-restored'] as const)(
    '%s changes nothing in any mode and phase',
    kind => {
      for (const mode of MODES) {
        for (const phase of INTENT_PHASES) {
          const state: IntentState = { phase, keep: 'kept' };
          expect(reduceIntent(state, { kind }, mode)).toEqual({ state, commands: [] });
        }
      }
    },
  );

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

  test('an API client may do what the recorded party may do', () => {
    for (const mode of MODES) {
      for (const phase of INTENT_PHASES) {
        for (const action of ACTIONS) {
          const state: IntentState = { phase, keep: 'kept' };
          expect(reduceIntent(state, control(action, 'api'), mode)).toEqual(
            reduceIntent(state, control(action), mode),
          );
        }
      }
    }
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
      expect(summary(step.commands)).toBe('keep (done)');
    });

    test('start while paused keeps the call and leaves it paused', () => {
      const paused = reduceIntent(undecided, control('pause'), mode).state;
      const step = reduceIntent(paused, control('start'), mode);
      expect(step.state).toEqual({ phase: 'paused', keep: 'kept' });
      expect(summary(step.commands)).toBe('keep (done)');
    });

    test('a call that ends undecided is discarded', () => {
      const step = reduceIntent(undecided, { kind: 'call-ended' }, mode);
      expect(step.state).toEqual({ phase: 'ended', keep: 'discarded' });
      expect(summary(step.commands)).toBe('discard none');
    });

    test('a call that ends unanswered has nothing to discard', () => {
      const step = reduceIntent(initialIntent(mode), { kind: 'call-ended' }, mode);
      expect(step.state).toEqual({ phase: 'ended', keep: 'discarded' });
      expect(step.commands).toEqual([]);
    });
  });
});
