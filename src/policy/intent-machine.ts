import { assertNever, type RecordingMode } from '#core';

import { allowedActions, type Control, type ControlOutcome } from './control';

/**
 * What should be recorded now, for one recorded party of one call. The machine is pure: it never knows
 * whether an SRS is reachable; bringing the actual state to the desired one is the business of the
 * recording session.
 *
 * ```text
 *            answered (always, on-demand-keep)
 *   waiting ─────────────────────────────────▶ on ◀──────────┐
 *      │                                       ▲ │ pause     │ resume
 *      │ answered (on-demand, never)     start │ │           │
 *      └─────────────▶ off ────────────────────┘ └────▶ paused
 *                       ▲            stop (on-demand)   │
 *                       └───────────────────────────────┘
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

export const INTENT_PHASES = ['waiting', 'off', 'on', 'paused', 'ended'] as const;
export type IntentPhase = (typeof INTENT_PHASES)[number];

/** Facts that the machine reacts to. */
export type IntentEvent =
  | { readonly kind: 'answered' }
  | { readonly kind: 'control'; readonly control: Control }
  /** The other party was replaced (transfer): the recording goes on. */
  | { readonly kind: 'other-party-replaced' }
  /** The recorded party left the call (was transferred away): its recording ends. */
  | { readonly kind: 'recorded-party-left' }
  | { readonly kind: 'recording-lost' }
  | { readonly kind: 'recording-restored' }
  | { readonly kind: 'call-ended' };

/** What shall be done, as data. */
export type IntentCommand =
  /** The state that the recording shall have from now on; the RTP gate follows it at once. */
  | { readonly kind: 'desire'; readonly recording: DesiredRecording }
  /** The user decided that the whole call is kept. */
  | { readonly kind: 'keep' }
  | { readonly kind: 'discard' }
  | {
      readonly kind: 'answer-control';
      readonly controlId: string;
      readonly outcome: ControlOutcome;
    };

export type DesiredRecording = 'recording' | 'paused' | 'none';

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
    case 'control':
      return control(state, event.control, mode);
    case 'recorded-party-left':
    case 'call-ended':
      return end(state);
    case 'other-party-replaced':
    case 'recording-lost':
    case 'recording-restored':
      // The wish is the same as before; recovering is the recording session's business.
      return unchanged(state);
    default:
      return assertNever(event);
  }
}

function begin(state: IntentState, mode: RecordingMode): IntentStep {
  const starts = mode !== 'never' && mode !== 'on-demand';
  return starts
    ? { state: { ...state, phase: 'on' }, commands: [desire('recording')] }
    : { state: { ...state, phase: 'off' }, commands: [] };
}

function end(state: IntentState): IntentStep {
  if (state.phase === 'ended') {
    return unchanged(state);
  }
  const wasRecording = state.phase === 'on' || state.phase === 'paused';
  const isDiscarded = state.keep === 'undecided';
  return {
    state: { phase: 'ended', keep: isDiscarded ? 'discarded' : state.keep },
    commands: [
      ...(isDiscarded && wasRecording ? [{ kind: 'discard' } as const] : []),
      ...(wasRecording ? [desire('none')] : []),
    ],
  };
}

function control(state: IntentState, request: Control, mode: RecordingMode): IntentStep {
  const answer = (outcome: ControlOutcome): IntentCommand => ({
    kind: 'answer-control',
    controlId: request.controlId,
    outcome,
  });
  const refuse = (outcome: ControlOutcome): IntentStep => ({ state, commands: [answer(outcome)] });
  const enter = (next: IntentState, ...commands: IntentCommand[]): IntentStep => ({
    state: next,
    commands: [...commands, answer('done')],
  });

  if (request.origin === 'other-party') {
    return refuse('refused-wrong-party');
  }
  if (!allowedActions(mode).includes(request.action)) {
    return refuse('refused-not-allowed-by-mode');
  }
  if (state.phase === 'ended') {
    return refuse('refused-ended');
  }
  if (state.phase === 'waiting') {
    return refuse('refused-not-answered');
  }
  switch (request.action) {
    case 'start':
      if (state.keep === 'undecided') {
        return enter({ ...state, keep: 'kept' }, { kind: 'keep' });
      }
      return state.phase === 'off'
        ? enter({ ...state, phase: 'on' }, desire('recording'))
        : refuse('unchanged');
    case 'stop':
      return state.phase === 'off'
        ? refuse('unchanged')
        : enter({ ...state, phase: 'off' }, desire('none'));
    case 'pause':
      if (state.phase === 'off') {
        return refuse('refused-not-recording');
      }
      return state.phase === 'paused'
        ? refuse('unchanged')
        : enter({ ...state, phase: 'paused' }, desire('paused'));
    case 'resume':
      if (state.phase === 'off') {
        return refuse('refused-not-recording');
      }
      return state.phase === 'on'
        ? refuse('unchanged')
        : enter({ ...state, phase: 'on' }, desire('recording'));
    default:
      return assertNever(request.action);
  }
}

function desire(recording: DesiredRecording): IntentCommand {
  return { kind: 'desire', recording };
}

function unchanged(state: IntentState): IntentStep {
  return { state, commands: [] };
}
