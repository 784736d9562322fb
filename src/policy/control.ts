import { type RecordingMode } from '#core';

/** What a user (or an API client) may ask of a recording. */
export type ControlAction = 'start' | 'stop' | 'pause' | 'resume';

/** Who asks. Only the recorded party's own leg and an authorised API client may control a recording. */
export type ControlOrigin = 'recorded-party' | 'other-party' | 'api';

/** One request to control a recording; `controlId` ties the answer to it. */
export interface Control {
  readonly controlId: string;
  readonly action: ControlAction;
  readonly origin: ControlOrigin;
}

/**
 * `done`: something changed. `unchanged`: it already was so, which is no error. Everything else is a
 * refusal and changes nothing.
 */
export type ControlOutcome =
  | 'done'
  | 'unchanged'
  | 'refused-not-allowed-by-mode'
  | 'refused-wrong-party'
  | 'refused-not-answered'
  | 'refused-not-recording'
  | 'refused-ended'
  /** A mailbox has answered, and this user's voicemail is not recorded. */
  | 'refused-voicemail'
  /** The provider's terms of service are not accepted: nothing is recorded there. */
  | 'refused-terms'
  /** This user's recordings are not for API clients to control. */
  | 'refused-api'
  /** The recording has been started and stopped too often. */
  | 'refused-limit'
  /** There is no such call or recording. */
  | 'refused-unknown';

const ALLOWED: Readonly<Record<RecordingMode, readonly ControlAction[]>> = {
  never: [],
  always: [],
  'always-with-pause-resume': ['pause', 'resume'],
  'on-demand': ['start', 'stop', 'pause', 'resume'],
  'on-demand-keep': ['start', 'pause', 'resume'],
};

/** The controls that a recording mode offers to its user. */
export function allowedActions(mode: RecordingMode): readonly ControlAction[] {
  return ALLOWED[mode];
}

/** One answer for a control that was for several recordings: what was done counts most, then what was so already. */
export function combinedOutcome(outcomes: readonly ControlOutcome[]): ControlOutcome {
  return (
    outcomes.find(outcome => outcome === 'done') ??
    outcomes.find(outcome => outcome === 'unchanged') ??
    outcomes[0] ??
    'refused-unknown'
  );
}

/** Whether nothing came of a control. */
export function isRefusal(outcome: ControlOutcome): boolean {
  return outcome !== 'done' && outcome !== 'unchanged';
}
