import { assertNever, type RecordingMode } from '#core';

import {
  allowedActions,
  type Control,
  type ControlAction,
  type ControlOrigin,
  type ControlOutcome,
} from './control';

/**
 * What should be recorded now, for one recorded party of one call. The machine is pure: it never knows
 * whether an SRS is reachable; bringing the actual state to the desired one is the business of the
 * recording session. A control is decided at once, so one that arrives while another is still being
 * signalled to an SRS finds the phase that the other has led to.
 *
 * ```text
 *            answered (always, on-demand-keep)
 *   waiting ─────────────────────────────────▶ on ◀──────────┐
 *      │                                       ▲ │ pause     │ resume
 *      │ answered (on-demand, never)     start │ │           │
 *      ├─────────────▶ off ────────────────────┘ └────▶ paused
 *      │                ▲            stop (on-demand)           │
 *      │                └───────────────────────────────────────┘
 *      │ answered by a voicemail that is not recorded
 *      └─────────────▶ barred ── other party replaced ──▶ on or off, as if answered
 *   any state ── party left, call ended ──▶ ended
 * ```
 */
export interface IntentState {
  readonly phase: IntentPhase;
  /**
   * Whether what was recorded will be kept. Only `on-demand-keep` is ever undecided: its user decides by
   * "start", and a call that ends undecided is discarded.
   */
  readonly keep: 'kept' | 'undecided' | 'discarded';
}

export const INTENT_PHASES = ['waiting', 'off', 'barred', 'on', 'paused', 'ended'] as const;
export type IntentPhase = (typeof INTENT_PHASES)[number];

/** Facts that the machine reacts to. */
export type IntentEvent =
  | { readonly kind: 'answered' }
  /** A mailbox has answered, and the recorded party's policy leaves voicemail out. */
  | { readonly kind: 'answered-by-voicemail' }
  | { readonly kind: 'control'; readonly control: Control }
  /** The other party was replaced (transfer, redirect, pickup): the recording goes on. */
  | { readonly kind: 'other-party-replaced' }
  /** The recorded party left the call (was transferred away): its recording ends. */
  | { readonly kind: 'recorded-party-left' }
  /** No SRS has the recording for now; one is being looked for. */
  | { readonly kind: 'recording-lost' }
  | { readonly kind: 'recording-restored' }
  | { readonly kind: 'call-ended' };

/** What shall be done, as data. */
export type IntentCommand =
  /** The state that the recording shall have from now on; the RTP gate follows it at once. */
  | { readonly kind: 'desire'; readonly recording: DesiredRecording }
  /** Something that the SRS, the parties and whoever listens are told. */
  | { readonly kind: 'tell'; readonly what: RecordingMoment; readonly by: MomentCause }
  /** The user decided that the whole call is kept. */
  | { readonly kind: 'keep' }
  | { readonly kind: 'discard' }
  | {
      readonly kind: 'answer-control';
      readonly controlId: string;
      readonly outcome: ControlOutcome;
    };

export type DesiredRecording = 'recording' | 'paused' | 'none';

/** `kept`: the user of `on-demand-keep` has decided so; for whoever hears announcements it starts now. */
export type RecordingMoment = 'started' | 'kept' | 'paused' | 'resumed' | 'stopped';

/** Who made it happen: the policy (mode, transfer, hang-up), the recorded party, an API client. */
export type MomentCause = 'policy' | 'user' | 'api';

export interface IntentStep {
  readonly state: IntentState;
  readonly commands: readonly IntentCommand[];
}

/** The state of a call that has not been answered yet. */
export function initialIntent(mode: RecordingMode): IntentState {
  return { phase: 'waiting', keep: mode === 'on-demand-keep' ? 'undecided' : 'kept' };
}

/** The next state and what has to be done for it. Never throws; an event that means nothing changes nothing. */
export function reduceIntent(
  state: IntentState,
  event: IntentEvent,
  mode: RecordingMode,
): IntentStep {
  switch (event.kind) {
    case 'answered':
      return state.phase === 'waiting' ? begin(state, mode) : unchanged(state);
    case 'answered-by-voicemail':
      return bar(state);
    case 'other-party-replaced':
      // Somebody has taken the call out of the mailbox; any other recording simply goes on.
      return state.phase === 'barred' ? begin(state, mode) : unchanged(state);
    case 'control':
      return control(state, event.control, mode);
    case 'recorded-party-left':
    case 'call-ended':
      return end(state);
    case 'recording-lost':
    case 'recording-restored':
      // The wish is the same as before; recovering is the recording session's business.
      return unchanged(state);
    default:
      return assertNever(event);
  }
}

/** The controls that would change something, or be no error, in this state. */
export function possibleActions(state: IntentState, mode: RecordingMode): readonly ControlAction[] {
  return allowedActions(mode).filter(action => {
    const request = { controlId: '', action, origin: 'api' } as const;
    return control(state, request, mode).commands.some(
      command => command.kind === 'answer-control' && command.outcome === 'done',
    );
  });
}

function begin(state: IntentState, mode: RecordingMode): IntentStep {
  const starts = mode !== 'never' && mode !== 'on-demand';
  return starts
    ? {
        state: { ...state, phase: 'on' },
        commands: [desire('recording'), tell('started', 'policy')],
      }
    : { state: { ...state, phase: 'off' }, commands: [] };
}

/** What was recorded of the early media ends here. */
function bar(state: IntentState): IntentStep {
  if (state.phase === 'ended' || state.phase === 'barred') {
    return unchanged(state);
  }
  return {
    state: { ...state, phase: 'barred' },
    commands: isRecording(state) ? [desire('none'), tell('stopped', 'policy')] : [],
  };
}

function end(state: IntentState): IntentStep {
  if (state.phase === 'ended') {
    return unchanged(state);
  }
  const isDiscarded = state.keep === 'undecided';
  return {
    state: { phase: 'ended', keep: isDiscarded ? 'discarded' : state.keep },
    commands: isRecording(state)
      ? [
          ...(isDiscarded ? [{ kind: 'discard' } as const] : []),
          desire('none'),
          tell('stopped', 'policy'),
        ]
      : [],
  };
}

function control(state: IntentState, request: Control, mode: RecordingMode): IntentStep {
  const answer = (outcome: ControlOutcome): IntentCommand => ({
    kind: 'answer-control',
    controlId: request.controlId,
    outcome,
  });
  const refuse = (outcome: ControlOutcome): IntentStep => ({ state, commands: [answer(outcome)] });
  const enter = (next: Partial<IntentState>, ...commands: IntentCommand[]): IntentStep => ({
    state: { ...state, ...next },
    commands: [...commands, answer('done')],
  });
  const told = (what: RecordingMoment): IntentCommand => tell(what, causeOf(request.origin));

  if (request.origin === 'other-party') {
    return refuse('refused-wrong-party');
  }
  if (!allowedActions(mode).includes(request.action)) {
    return refuse('refused-not-allowed-by-mode');
  }
  switch (state.phase) {
    case 'waiting':
      return refuse('refused-not-answered');
    case 'barred':
      return refuse('refused-voicemail');
    case 'ended':
      return refuse('refused-ended');
    default:
  }
  switch (request.action) {
    case 'start':
      if (state.keep === 'undecided') {
        return enter({ keep: 'kept' }, { kind: 'keep' }, told('kept'));
      }
      return state.phase === 'off'
        ? enter({ phase: 'on' }, desire('recording'), told('started'))
        : refuse('unchanged');
    case 'stop':
      return state.phase === 'off'
        ? refuse('unchanged')
        : enter({ phase: 'off' }, desire('none'), told('stopped'));
    case 'pause':
      if (state.phase === 'off') {
        return refuse('refused-not-recording');
      }
      return state.phase === 'paused'
        ? refuse('unchanged')
        : enter({ phase: 'paused' }, desire('paused'), told('paused'));
    case 'resume':
      if (state.phase === 'off') {
        return refuse('refused-not-recording');
      }
      return state.phase === 'on'
        ? refuse('unchanged')
        : enter({ phase: 'on' }, desire('recording'), told('resumed'));
    default:
      return assertNever(request.action);
  }
}

function causeOf(origin: ControlOrigin): MomentCause {
  return origin === 'api' ? 'api' : 'user';
}

function isRecording({ phase }: IntentState): boolean {
  return phase === 'on' || phase === 'paused';
}

function desire(recording: DesiredRecording): IntentCommand {
  return { kind: 'desire', recording };
}

function tell(what: RecordingMoment, by: MomentCause): IntentCommand {
  return { kind: 'tell', what, by };
}

function unchanged(state: IntentState): IntentStep {
  return { state, commands: [] };
}
