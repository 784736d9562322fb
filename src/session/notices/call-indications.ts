import { type IncomingCall, type RecordIndication } from '#sip';

import { type IntentState } from '../../policy';
import { type RecordingSessionState } from '../recording-session/recording-session-state';

/** What counts of one recorded party for what the UAs are told. */
export interface IndicatedParty {
  readonly intent: IntentState;
  /** Its recordings begin with the answer: a call that rings says so already. */
  readonly beginsWithAnswer: boolean;
  /** null: no session (yet). */
  readonly session: RecordingSessionState | null;
}

/**
 * What record-aware UAs are told of all recordings of a call (RFC 7866 §6.1.2): `on` while anything is recorded, kept or
 * not; `paused` when all that would be recorded is paused; null when nobody of the call is recorded at all.
 */
export function combinedIndication(parties: readonly IndicatedParty[]): RecordIndication | null {
  const states = parties.map(indicationOf).filter(state => state !== null);
  return (
    (['on', 'paused', 'off'] as const).find(state => states.includes(state)) ??
    (parties.length === 0 ? null : 'off')
  );
}

/** null: this party has left, and says nothing any more. */
function indicationOf({
  intent,
  beginsWithAnswer,
  session,
}: IndicatedParty): RecordIndication | null {
  switch (intent.phase) {
    case 'waiting':
      return beginsWithAnswer ? 'on' : 'off';
    case 'on':
      // Nobody takes the recording: saying that it is on would not be true.
      return session === 'failed' ? 'off' : 'on';
    case 'paused':
      return 'paused';
    case 'off':
    case 'barred':
      return 'off';
    case 'ended':
      return null;
  }
}

/** Keeps the UAs of one call told. */
export class CallIndications {
  readonly #call: IncomingCall;
  readonly #told: (state: RecordIndication) => void;
  #state: RecordIndication | null = null;

  /** @param told called for each state that is indicated */
  constructor(call: IncomingCall, told: (state: RecordIndication) => void) {
    this.#call = call;
    this.#told = told;
  }

  update(parties: readonly IndicatedParty[]): void {
    const state = combinedIndication(parties);
    if (state !== this.#state) {
      this.#state = state;
      this.#call.indicate(state);
      if (state !== null) {
        this.#told(state);
      }
    }
  }
}
