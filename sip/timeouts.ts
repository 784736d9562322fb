/** Deadlines of the B2BUA, all in milliseconds. */
export interface CallTimeouts {
  /** From the INVITE to reject() or connect(); afterwards the caller gets 503. */
  readonly decisionMs: number;
  /** For opening the media of both legs; afterwards the caller gets 503. */
  readonly openMediaMs: number;
  /** From the first ringing of a target to its answer; afterwards it counts as 408 (RFC 3261 §16.6, timer C). */
  readonly ringMs: number;
  /** For the answer to a BYE; the engine goes on retransmitting after it. */
  readonly byeMs: number;
  /** For what is played to the caller before anybody is rung; afterwards the call goes on. */
  readonly preConnectMs: number;
}

export const DEFAULT_CALL_TIMEOUTS: CallTimeouts = {
  decisionMs: 10_000,
  openMediaMs: 5_000,
  ringMs: 180_000,
  byeMs: 5_000,
  preConnectMs: 120_000,
};
