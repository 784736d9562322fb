import { type Clock, type Logger, type SrtpSuite } from '#core';
import { type MediaRecording, type RecordingReport } from '#media';
import { type SrsClient, type SrsStreamAnswer } from '#sip';

import { type SrsLossCause } from '../../ledger';
import { type Metrics } from '../../observability';
import { type RecordingDecision } from '../../policy';
import { type RecordingMetadata } from '../recording/recording-metadata';
import { type ProviderSettings } from '../settings';
import { type Outage } from '../srs/outages';
import { type SrsHealth } from '../srs/srs-health';
import { type SrsAttempt } from '../srs/srs-invitation';
import { type RecordingSessionState } from './recording-session-state';
import { type WithheldTime } from './withholding';

/** What happened to a recording, as it is told to the ledger. */
export interface RecordingFacts {
  readonly state: RecordingSessionState;
  readonly attempts: readonly SrsAttempt[];
  /** When the intent first said "on"; null when it never did. */
  readonly startedAtMs: number | null;
  readonly establishedAtMs: number | null;
  readonly stoppedAtMs: number | null;
  /** When the SRS went away for good in mid-recording; null when it did not. */
  readonly lostAtMs: number | null;
  readonly lostReason: SrsLossCause | null;
  /** In order; the recording went on after all but, perhaps, the last. */
  readonly outages: readonly Outage[];
  /** Times in which nothing was captured although it was desired: the parties believed not to be recorded. */
  readonly withheld: readonly WithheldTime[];
  /** Where the provider wants pauses filled with silence: whether some were, and whether some could not be. */
  readonly pauses: { readonly filled: boolean; readonly unfillable: boolean };
  readonly unreachableLabels: readonly string[];
  /** The newest answer of the SRS, one per stream. */
  readonly answers: readonly SrsStreamAnswer[];
  readonly report: RecordingReport;
  readonly replacedCharacters: number;
}

/** `exhausted`: no SRS takes the recording for now; it is tried again while the call lasts. */
export type RecordingSessionChange = 'established' | 'exhausted' | 'lost' | 'restored';

export interface RecordingSessionOptions {
  readonly decision: RecordingDecision;
  readonly provider: ProviderSettings;
  readonly srcUri: string;
  readonly drainMs: number;
  /** Suites that the streams are offered with now; empty or absent: plain RTP. */
  readonly srtpSuites?: () => readonly SrtpSuite[];
  /** Whether the SRS is told by its SDP that the sender of the n-th stream is held now. Absent: never. */
  readonly isHeld?: (streamIndex: number) => boolean;
  readonly media: MediaRecording;
  readonly metadata: RecordingMetadata;
  readonly srsClient: SrsClient;
  readonly health: SrsHealth;
  /** Called at each change that others may have to act upon. */
  readonly changed?: (change: RecordingSessionChange) => void;
  readonly metrics: Metrics;
  readonly clock: Clock;
  readonly logger: Logger;
}
