/**
 * What RFC 7865 has no words for, as plain data: how and for whom a call is recorded, when the recording started,
 * paused, resumed and stopped, which notices were played, and how a telephone system saw the call. Every dialect
 * has its own place for it (docs/metadata-extension.md, docs/broadworks-dialect.md). Times are milliseconds since
 * the epoch; null means absent or unknown.
 */

import { type RecordingMode } from '#core';
import { type MetadataId } from './unique-id';

export interface RecordingDetails {
  /** Which session they are about. */
  readonly sessionId: MetadataId | null;
  readonly properties: RecordingProperties | null;
  readonly call: CallDetails | null;
  /** In the order in which they happened. */
  readonly events: readonly RecordingEvent[];
  /** In the order in which they were told. */
  readonly notices: readonly PlayedNotice[];
  /** In the order in which they were told. */
  readonly gaps: readonly RecordingGap[];
}

/** How and for whom a call is recorded. */
export interface RecordingProperties {
  readonly mode: RecordingMode | null;
  /** Whether the recording will be kept; only `on-demand-keep` is ever undecided. */
  readonly retention: Retention | null;
  /** Who the recorded user is at the recording platform (Webex Calling: `serviceProvider`, …). */
  readonly serviceProvider: string | null;
  readonly externalGroup: string | null;
  readonly externalIdentifier: string | null;
}

export const RETENTIONS = ['kept', 'undecided', 'discarded'] as const;
export type Retention = (typeof RETENTIONS)[number];

export const RECORDING_EVENT_KINDS = ['start', 'stop', 'pause', 'resume'] as const;
export type RecordingEventKind = (typeof RECORDING_EVENT_KINDS)[number];

/** The recording started, stopped, paused or went on. */
export interface RecordingEvent {
  readonly kind: RecordingEventKind;
  readonly atMs: number;
  /** Who or what caused it: `policy`, `user`, `api`, `system`, … */
  readonly by: string;
}

export const NOTICE_KINDS = [
  'start',
  'stop',
  'pause',
  'resume',
  'compliance',
  'failure',
  'reminder',
  'beep',
] as const;
export type NoticeKind = (typeof NOTICE_KINDS)[number];

/** A notice that parties heard (it is not in the recording). `reminder` and `beep` are tones. */
export interface PlayedNotice {
  readonly kind: NoticeKind;
  /** BCP 47 tag; null for a tone. */
  readonly language: string | null;
  readonly startedAtMs: number;
  readonly endedAtMs: number;
  /** The participants who heard it. */
  readonly toParticipantIds: readonly MetadataId[];
}

/** A time of the recording that no SRS was ever sent, because the one before was lost. */
export interface RecordingGap {
  readonly startMs: number;
  readonly endMs: number;
  /** What gave the loss away, e.g. `options-timeout`. */
  readonly reason: string;
}

/** The call as the recorded party's telephone system saw it. */
export interface CallDetails {
  /** Shared by all recordings of one call. */
  readonly trackingId: string;
  /** Names the recorded party's half of the call; BroadWorks: `callhalf-<n>:<0|1>`. */
  readonly callId: string | null;
  /** As the recorded party sees it: who called is recorded (`outbound`), or who was called (`inbound`). */
  readonly direction: 'inbound' | 'outbound';
  /** null: withheld. */
  readonly callingPartyNumber: string | null;
  readonly calledPartyNumber: string | null;
  /** Outbound only. */
  readonly dialedDigits: string | null;
  /** The call came over others before it reached the recorded party; inbound only. */
  readonly redirections: Redirections | null;
  /** The recorded call was transferred while it was recorded. */
  readonly redirectedCall: RedirectedCall | null;
  /** The recorded party answered for a call centre queue. */
  readonly acd: AutomaticCallDistribution | null;
}

export interface Redirections {
  readonly lastRedirectNumber: string | null;
  readonly originalCalledNumber: string | null;
  /** At least 1. */
  readonly count: number;
}

export interface RedirectedCall {
  /** The tracking id of the call from now on. */
  readonly newTrackingId: string;
  readonly fromPartyNumber: string | null;
  readonly toPartyNumber: string | null;
}

export interface AutomaticCallDistribution {
  readonly userId: string;
  readonly name: string | null;
  readonly number: string | null;
  /** Digits, without `+`. */
  readonly countryCode: string | null;
}
