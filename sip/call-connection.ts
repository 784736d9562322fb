import { type CallBridge } from './call-bridge';
import { type CallMedia } from './call-media';
import { type CallDelegate, type CallEnd, type CallPlan } from './ports';
import { type SessionIds } from './session-id';
import { type OutgoingResponse } from './user-agent';

/** What exists of a call from connect() on. */
export interface CallConnection {
  readonly plan: CallPlan;
  readonly delegate: CallDelegate;
  readonly media: CallMedia;
  readonly bridge: CallBridge;
  readonly sessionIds: SessionIds;
}

/** What the parts of a call may ask of it as a whole: to tell its delegate, and the ways out. */
export interface CallOwner {
  /** Runs a method of the delegate; what it throws is logged and goes no further. */
  tell(what: string, run: () => void): void;
  /** The caller gets this final response, and the call is over. */
  refuse(end: Omit<CallEnd, 'answered'>, reason: string | null, message?: OutgoingResponse): void;
  /** Ends the call in whatever state it is. */
  finish(end: Omit<CallEnd, 'answered'>, reason: string | null): void;
  /** An answered call cannot go on. */
  broken(by: CallEnd['by'], cause: string): void;
  engineLost(): void;
}
