import { type LegRole, type RecordingMode } from '#core';

/**
 * How a recording ended: everything was delivered; something was and something was not; nothing may be recorded
 * (policy, terms); it should have been and nothing was; the gateway itself was cut off.
 */
export type Verdict = 'recorded' | 'partial' | 'not-recorded' | 'failed' | 'interrupted';

/** Why a verdict is what it is; stable names for machines. */
export type VerdictReason =
  /** Every packet that was captured was sent. */
  | 'complete'
  /** Nobody said anything while it was recorded. */
  | 'no-media'
  /** The user's policy forbids it. */
  | 'policy'
  /** The provider's terms of service are not accepted. */
  | 'terms'
  /** The media of the call did not pass through the gateway. */
  | 'media-not-anchored'
  /** The media plane lost the call. */
  | 'media-lost'
  /** An error of the gateway. */
  | 'internal-error'
  /** No SRS was asked. */
  | 'srs-not-tried'
  /** No SRS answered. */
  | 'srs-silent'
  /** The last SRS that was asked refused. */
  | 'srs-refused'
  /** The SRS, or the connection to it, went away before the recording ended. */
  | 'srs-lost'
  /** The SRS did not take a stream. */
  | 'stream-refused'
  /** The SRS's port for a stream was closed (ICMP). */
  | 'stream-unreachable'
  /** Packets were overwritten before they could be sent. */
  | 'overflow'
  /** Packets had a payload format that the SRS did not take. */
  | 'unaccepted-format'
  /** Packets were still waiting at the end. */
  | 'pending-at-end'
  /** Packets were captured of which nobody knows what became. */
  | 'unaccounted'
  /** The SRS reports that packets were lost on the way to it. Does not lower a verdict by itself. */
  | 'loss-reported'
  /** The gateway stopped without ending the recording. */
  | 'gateway-stopped';

/** One attempt to reach an SRS. */
export interface SrsAttemptRecord {
  readonly uri: string;
  /** `established`, or the code of the error that ended the attempt. */
  readonly result: string;
  /** SIP status of the final response; null when there was none. */
  readonly status: number | null;
  /** Milliseconds since the epoch. */
  readonly atMs: number;
  readonly tookMs: number;
}

/** What became of one stream. Times are ISO 8601. */
export interface LedgerStream {
  readonly label: string;
  /** Who speaks on it. */
  readonly party: string;
  readonly packetsCaptured: number;
  readonly packetsSent: number;
  readonly bytesSent: number;
  readonly packetsOverflowed: number;
  readonly packetsUnaccepted: number;
  readonly packetsPending: number;
  readonly firstPacketAt: string | null;
  readonly lastPacketAt: string | null;
  /** By the SRS's last receiver report (RFC 3550 §6.4.1); null when it sent none. */
  readonly lossBySrsReports: { readonly packetsLost: number; readonly fractionLost: number } | null;
}

/** A time that should have been recorded and was not. ISO 8601. */
export interface LedgerGap {
  readonly startAt: string;
  /** null: until the end. */
  readonly endAt: string | null;
  readonly reason: VerdictReason;
}

/**
 * What happened to one recording. It is the operator's proof, so it holds full identities; it never holds keys,
 * tokens or digits. Fields are only ever added; a reader ignores those that it does not know.
 */
export interface LedgerRecord {
  readonly version: 1;
  readonly recordingId: string;
  readonly callId: string;
  readonly sipCallId: string;
  readonly provider: string;
  /** In the order in which they were made. */
  readonly srsAttempts: readonly SrsAttemptRecord[];
  readonly recordedParty: {
    readonly identity: string;
    readonly role: LegRole;
    /** Which header or fact identified it. */
    readonly identifiedBy: string;
  };
  readonly policy: { readonly mode: RecordingMode; readonly why: string };
  /** ISO 8601; when the recording should have begun. */
  readonly startedAt: string;
  readonly endedAt: string;
  readonly verdict: Verdict;
  readonly verdictReasons: readonly VerdictReason[];
  /** The reasons in words. */
  readonly verdictText: string;
  readonly streams: readonly LedgerStream[];
  readonly gaps: readonly LedgerGap[];
  /** Who ended the recording: a leg, the gateway or the SRS, and how. */
  readonly endedBy: string;
}

/**
 * A line of the ledger file: what kind of entry it is, then the entry. A reader skips kinds that it does not know,
 * empty lines, and lines that are no JSON: those were cut off by a crash or a full disk.
 */
export type LedgerLine = { readonly kind: 'recording' } & LedgerRecord;
