import { type InfoVerdict } from '#sip';

import { type ControlOutcome, isRefusal } from '../../policy';

/** What the values of a `Record` header ask for. */
export const RECORD_ACTIONS = {
  on: 'start',
  off: 'stop',
  pause: 'pause',
  resume: 'resume',
} as const;

const REFUSALS: Partial<Record<ControlOutcome, string>> = {
  'refused-not-allowed-by-mode': 'Not allowed by the recording mode',
  'refused-wrong-party': 'Only the recorded party may control the recording',
  'refused-not-answered': 'The call is not answered',
  'refused-not-recording': 'Nothing is being recorded',
  'refused-ended': 'The recording has ended',
  'refused-voicemail': 'Calls with voicemail are not recorded',
  'refused-terms': 'The terms of the recording provider are not accepted',
  'refused-limit': 'Too many recordings of one call',
};

/** RFC 3326: why a control was not carried out. */
export function verdictOf(outcome: ControlOutcome): InfoVerdict {
  return isRefusal(outcome) ? { status: 403, reason: REFUSALS[outcome] ?? outcome } : 'consumed';
}
