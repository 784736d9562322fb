import { type Logger } from '#core';
import { type MediaCall } from '#media';
import { type IncomingCall } from '#sip';

import { type CallDeps } from '../deps';
import { type EventSubject, type RecordingEventKind, type RecordingEventView } from '../live-view';
import { type BarredUsers } from '../parties/barred-users';
import { type CallParties } from '../parties/parties-of-call';
import { type CallLegs } from './call-legs';

/** What all parts of one call with media share. */
export interface CallContext {
  readonly call: IncomingCall;
  readonly media: MediaCall;
  readonly legs: CallLegs;
  readonly parties: CallParties;
  readonly barred: BarredUsers;
  readonly deps: CallDeps;
  readonly logger: Logger;
  /** Tells whoever listens what has happened. */
  emit(kind: RecordingEventKind, subject: EventSubject, facts: RecordingEventView['facts']): void;
}
