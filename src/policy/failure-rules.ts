import { type RecordingMode } from '#core';

import { type IntentState } from './intent-machine';
import { type DueNotice } from './notice-rules';
import { type FailureAction, type UserPolicy } from './user-policy';

/**
 * What the parties of a call have to put up with when a recording that must be made is not. Pure; one per recorded party.
 *
 * ```text
 *            lost                grace over
 *   fine ──────────▶ waiting ──────────────▶ missing ── restored ──▶ fine
 *     │ failed         │ restored              ▲
 *     │                └──────▶ fine           │
 *     └────────────────────────────────────────┘
 * ```
 *
 * Only when it is missing anybody is told or the call is ended, once per time. What the user of `on-demand-keep` has not
 * decided to keep is not missed by anybody: the decision comes first.
 */
export interface FailureState {
  readonly phase: 'fine' | 'waiting' | 'missing';
  /** The parties have been told that the call is not recorded, and nothing else since. */
  readonly isTold: boolean;
}

export const FAILURE_PHASES = ['fine', 'waiting', 'missing'] as const;

export type FailureEvent =
  /** No recorder takes the recording, or something inside the gateway keeps it from being made. */
  | 'failed'
  /** Its recorder was lost; another one is being looked for. */
  | 'lost'
  /** Nobody has taken it in the time that a failover may take. */
  | 'grace-over'
  /** A recorder has it, again or after all. */
  | 'restored'
  /** The user has decided that the recording is kept. */
  | 'kept'
  /** The recording is over, wanted by whoever may want it. */
  | 'stopped';

export type FailureCommand =
  | { readonly kind: 'start-grace' }
  | { readonly kind: 'cancel-grace' }
  /** To all parties; nothing more is captured until it is restored: they believe not to be recorded. */
  | { readonly kind: 'announce-proceed' }
  /** To all parties, then the call is ended. */
  | { readonly kind: 'announce-end' }
  /** To all parties, who believe not to be recorded. */
  | { readonly kind: 'announce-restored' };

export interface FailureStep {
  readonly state: FailureState;
  readonly commands: readonly FailureCommand[];
}

export const NO_FAILURE: FailureState = { phase: 'fine', isTold: false };

/** The next state and what has to be done for it. Never throws; an event that means nothing changes nothing. */
export function reduceFailure(
  state: FailureState,
  event: FailureEvent,
  action: FailureAction,
  keep: IntentState['keep'],
): FailureStep {
  const { phase } = state;
  const cancel: readonly FailureCommand[] = phase === 'waiting' ? [{ kind: 'cancel-grace' }] : [];
  switch (event) {
    case 'lost':
      return phase === 'fine'
        ? { state: { ...state, phase: 'waiting' }, commands: [{ kind: 'start-grace' }] }
        : { state, commands: [] };
    case 'failed':
      // While it waits, a round without success is no news.
      return phase === 'fine' ? miss(state, action, keep) : { state, commands: [] };
    case 'grace-over':
      return phase === 'waiting' ? miss(state, action, keep) : { state, commands: [] };
    case 'kept':
      return phase === 'missing' && !state.isTold
        ? miss(state, action, 'kept')
        : { state, commands: [] };
    case 'restored':
      return {
        state: NO_FAILURE,
        commands: state.isTold ? [...cancel, { kind: 'announce-restored' }] : cancel,
      };
    case 'stopped':
      return { state: NO_FAILURE, commands: cancel };
  }
}

function miss(state: FailureState, action: FailureAction, keep: IntentState['keep']): FailureStep {
  const missing: FailureState = { ...state, phase: 'missing' };
  if (keep !== 'kept' || action === 'proceed') {
    return { state: missing, commands: [] };
  }
  const kind = action === 'proceed-with-announcement' ? 'announce-proceed' : 'announce-end';
  return { state: { ...missing, isTold: true }, commands: [{ kind }] };
}

/** What is done for a user of this mode; both on-demand modes have a behaviour of their own. */
export function failureAction(
  { failureBehaviour }: Pick<UserPolicy, 'failureBehaviour'>,
  mode: RecordingMode,
): FailureAction {
  return mode === 'on-demand' || mode === 'on-demand-keep'
    ? failureBehaviour.onDemand
    : failureBehaviour.always;
}

/**
 * Whether the recording session must stand before the callee is rung. A recording that begins later, when its user starts it
 * or its party comes into the call, cannot be had ahead: there `compulsory` ends the call.
 */
export function isCompulsory(
  user: Pick<UserPolicy, 'failureBehaviour'>,
  mode: RecordingMode,
): boolean {
  return mode !== 'on-demand' && failureAction(user, mode) === 'compulsory';
}

/** Whether the parties may have to hear of a failure, so that the codecs of the call must be ones that can be mixed. */
export function mayAnnounceFailure(
  user: Pick<UserPolicy, 'failureBehaviour'>,
  mode: RecordingMode,
): boolean {
  return failureAction(user, mode) !== 'proceed';
}

/** What the parties hear. */
export function failureNotice(kind: FailureCommand['kind']): DueNotice | null {
  const to = { toRoles: ['caller', 'callee'] as const, delayMs: 0 };
  switch (kind) {
    case 'announce-proceed':
      return { kind: 'failure', prompt: 'failure-proceed', ...to };
    case 'announce-end':
      return { kind: 'failure', prompt: 'failure-end', ...to };
    case 'announce-restored':
      return { kind: 'start', ...to };
    default:
      return null;
  }
}

/** How long a lost recording is looked for before it counts as missing: two rounds of invitations, ms. */
export function failureGraceMs(targets: number, maxResponseWaitMs: number): number {
  return Math.min(MAX_GRACE_MS, 2 * targets * maxResponseWaitMs + ROUND_PAUSE_MS);
}

/** Between the first two rounds. */
const ROUND_PAUSE_MS = 1_000;
const MAX_GRACE_MS = 30_000;
