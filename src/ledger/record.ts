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
  /** It would have been less protected than the call, which its provider's settings do not allow. */
  | 'security'
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
  /** The SRS reports that packets were lost on the way to it; above the configured share the recording is partial. */
  | 'loss-reported'
  /** A part of the time was not delivered, although the recording went on. */
  | 'gap'
  /** The gateway stopped without ending the recording. */
  | 'gateway-stopped';

/**
 * What gave away that an SRS was lost: it said BYE; it did not answer OPTIONS; it did not know the dialog any more; ICMP said
 * that nobody listens; its receiver reports stopped; its TCP or TLS connection was lost and it was not there any more; it did
 * not answer, or no more know, a re-INVITE or UPDATE; the session timer ran out; the gateway lost its own SIP engine.
 */
export type SrsLossCause =
  | 'bye'
  | 'options-timeout'
  | 'dialog-unknown'
  | 'icmp'
  | 'rtcp-silence'
  | 'connection-lost'
  | 're-invite-failed'
  | 'session-expired'
  | 'engine-lost';

/** An SRS that was lost in mid-recording, whether or not anything is missing therefore. ISO 8601. */
export interface SrsLoss {
  readonly noticedAt: string;
  readonly cause: SrsLossCause;
  /** When an SRS had the recording again; null: none did. */
  readonly restoredAt: string | null;
}

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
  /** Call-ID of the dialog with the SRS, which the recorder knows too; absent when there was none. */
  readonly srsCallId?: string;
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
  /** Made in the place of a pause, and not captured; absent: none. */
  readonly packetsOfSilence?: number;
  readonly firstPacketAt: string | null;
  readonly lastPacketAt: string | null;
  /** By the SRS's last receiver report (RFC 3550 §6.4.1); null when it sent none. */
  readonly lossBySrsReports: { readonly packetsLost: number; readonly fractionLost: number } | null;
  /** What the SRS took, e.g. `PCMU/8000`; null: nothing. Absent: not known. */
  readonly codec?: string | null;
  /** Crypto suite toward the SRS (RFC 4568 §6.2), never a key; null: none. Absent: not known. */
  readonly cryptoSuite?: string | null;
}

/** A time that should have been recorded and was not. ISO 8601. */
export interface LedgerGap {
  readonly startAt: string;
  /** null: until the end. */
  readonly endAt: string | null;
  /** Of a gap that a lost SRS left: what gave the loss away. */
  readonly reason: VerdictReason | SrsLossCause;
}

/** A tone or an announcement that was played, or should have been. ISO 8601. */
export interface LedgerNotice {
  readonly kind:
    'start' | 'stop' | 'pause' | 'resume' | 'compliance' | 'reminder' | 'beep' | 'failure';
  readonly language: string | null;
  /** null: it never began. */
  readonly startedAt: string | null;
  readonly endedAt: string | null;
  /** Who should have heard it, and what became of it there (`played`, `cut`, `codec`, …). */
  readonly heardBy: readonly { readonly role: LegRole; readonly outcome: string }[];
}

/** A start, stop, pause or resume that somebody asked for. */
export interface LedgerControl {
  /** ISO 8601. */
  readonly at: string;
  readonly action: 'start' | 'stop' | 'pause' | 'resume';
  /** Who asked: a party, or a client of the API. */
  readonly by: 'recorded-party' | 'other-party' | 'api';
  /** How: `info`, `recordpref`, `dtmf`, `api`. */
  readonly via: string;
  /** Name of the API client's token; absent for parties. */
  readonly client?: string;
  /** `done`, `unchanged`, or why it was refused. */
  readonly outcome: string;
}

/** Who was on the other side of the recorded party from then on, as the switch that holds the conference has told. */
export interface LedgerParticipants {
  /** ISO 8601. */
  readonly at: string;
  /** SIP or tel URIs. */
  readonly present: readonly string[];
}

/** A stretch of the call in which the recording was on or paused. ISO 8601. */
export interface LedgerInterval {
  readonly startAt: string;
  /** null: until the end. */
  readonly endAt: string | null;
  readonly state: 'recording' | 'paused';
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
  readonly policy: {
    readonly mode: RecordingMode;
    readonly why: string;
    readonly userId?: string;
    readonly organisationId?: string;
    readonly locationId?: string | null;
  };
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
  /** In order. Absent in records of before it was told. */
  readonly srsLosses?: readonly SrsLoss[];
  /** Seconds of audio that were sent once more after a recorder was lost. */
  readonly replayedS: number;
  /** In the order in which they were due. */
  readonly notices: readonly LedgerNotice[];
  /** In the order in which they came. */
  readonly controls: readonly LedgerControl[];
  /** In the order in which they were told; empty: nobody but the peer of the leg was told of. */
  readonly participants: readonly LedgerParticipants[];
  /** When it was on and when paused; empty: on from start to end. */
  readonly intervals: readonly LedgerInterval[];
  /** How it was seen that a mailbox answered; null: none did. */
  readonly voicemail: { readonly detectedBy: string } | null;
  /** Whether an `on-demand-keep` recording was kept; null for other modes. */
  readonly kept: boolean | null;
  /** Things that were left out or replaced, in words, e.g. characters that XML cannot hold. */
  readonly remarks: readonly string[];
  /** Of an interrupted recording: when the next start found it. `endedAt` is then the last checkpoint. ISO 8601. */
  readonly recoveredAt?: string;
}

/** How a line of the ledger is tied to the one before it. */
export interface ChainFields {
  /** 1 for the first line of the chain, then one more for each, across segments. */
  readonly seq: number;
  /** `hash` of the line before; 64 zeros in the first one. */
  readonly prev: string;
  /** SHA-256 (hex) over the bytes of this line without this member, which is always the last one. */
  readonly hash: string;
}

/**
 * A line of the ledger file: what kind of entry it is, then the entry. A reader skips kinds that it does not know,
 * empty lines, and lines that are no JSON: those were cut off by a crash.
 */
export type LedgerLine = { readonly kind: 'recording' } & LedgerRecord & ChainFields;
