/** What the session layer tells its observers; adapters live in src/observability and src/ledger. */

export type CallResult = 'answered' | 'rejected' | 'cancelled' | 'failed';

/** Metrics of calls and recordings. Every method is cheap and never throws. */
export interface SessionMetrics {
  callStarted(): void;
  callEnded(result: CallResult): void;
  recordingStarted(provider: string): void;
  recordingEnded(provider: string, verdict: string): void;
  /** One SRS attempt that failed, or an SRS that was lost. */
  srsFailure(provider: string, reason: string): void;
  /** From the intent's "on" to the SRS's answer. */
  observeSrsSetup(provider: string, seconds: number): void;
  /** From the INVITE's arrival to its departure to the callee. */
  observeCallSetup(seconds: number): void;
}

export const noopSessionMetrics: SessionMetrics = {
  callStarted: () => undefined,
  callEnded: () => undefined,
  recordingStarted: () => undefined,
  recordingEnded: () => undefined,
  srsFailure: () => undefined,
  observeSrsSetup: () => undefined,
  observeCallSetup: () => undefined,
};
