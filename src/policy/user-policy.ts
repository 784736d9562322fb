import { type RecordingMode } from '#core';

import { type ControlAction } from './control';

/** What is done when a recording that must be made cannot be made. */
export type FailureAction =
  /** The call goes on, nobody is told. */
  | 'proceed'
  /** The call goes on, and the parties hear that it is not recorded. */
  | 'proceed-with-announcement'
  /** The parties hear why, then the call is ended. */
  | 'end-call-with-announcement'
  /** The recording session is established before the callee is invited; without it the caller gets 503. */
  | 'compulsory';

/** By recording mode: for users who are always recorded, and for those who are recorded on demand. */
export interface FailureBehaviour {
  readonly always: FailureAction;
  readonly onDemand: FailureAction;
}

/** Announcements; `failure` is what proceed-with-announcement and end-call-with-announcement say. */
export const PROMPT_KINDS = ['start', 'stop', 'pause', 'resume', 'compliance', 'failure'] as const;
export type PromptKind = (typeof PROMPT_KINDS)[number];

/** Why calls of a user are never recorded, whatever its mode says. The first that holds, in this order. */
export type NotRecordedBecause =
  /** Nobody is recorded where the user belongs (`provider: none`). */
  | 'provider-none'
  /** `recording.enabled: false`. */
  | 'recording-disabled'
  /** The user's licence does not include recording. */
  | 'licence'
  /** The user's mode. */
  | 'never'
  /** The provider's terms of service are not accepted: the only one of these that somebody must hear of. */
  | 'terms';

/** One user as calls see it: organisation, location and user put together once, when the configuration is read. */
export interface UserPolicy {
  readonly userId: string;
  readonly organisationId: string;
  /** null: the user belongs to no location. */
  readonly locationId: string | null;
  readonly mode: RecordingMode;
  /** null: recording is turned off where the user belongs. */
  readonly providerId: string | null;
  /** What made the provider the user's. */
  readonly providerFrom: 'organisation' | 'location';
  /** null: recorded as `mode` says. */
  readonly notRecordedBecause: NotRecordedBecause | null;
  /** Whether calls that a mailbox answers, deposit or retrieval, are recorded. */
  readonly recordVoicemail: boolean;
  /** When the start and stop of a recording are announced to all parties. */
  readonly startStopAnnouncement: { readonly internalCalls: boolean; readonly pstnCalls: boolean };
  /** What tells all parties of pause and resume. */
  readonly notification: 'none' | 'beep' | 'announcement';
  /** A tone to all parties while recording. */
  readonly reminderTone: { readonly enabled: boolean; readonly intervalMs: number };
  /** Announcement to the PSTN party that the call may be recorded; inbound before connect, outbound after. */
  readonly compliance: ComplianceAnnouncement;
  /** Of prompts: a language tag such as `en` or `pt-BR`. */
  readonly language: string;
  /** Absolute paths of the organisation's own prompts, by kind. */
  readonly customAudio: Readonly<Partial<Record<PromptKind, string>>>;
  /** How the provider knows the user. */
  readonly platform: PlatformIdentity;
  readonly failureBehaviour: FailureBehaviour;
  /** Whether an API client may control the user's recordings. */
  readonly apiControl: boolean;
  /** For the provider's account provisioning; null: none. */
  readonly dubberPlan: 'go' | 'standard' | 'ai' | null;
}

export interface ComplianceAnnouncement {
  readonly inboundPstn: boolean;
  readonly outboundPstn: boolean;
  /** Outbound: wait this long after the answer; null: at once. */
  readonly outboundDelayMs: number | null;
}

/** Service provider, external group and external identifier, as the provider's portal calls them. */
export interface PlatformIdentity {
  readonly serviceProvider: string;
  readonly externalGroup: string;
  readonly externalIdentifier: string;
}

/** What is the same for all calls. */
export interface CallPolicy {
  /** `when-recordable`: calls that nobody can ever record pass with their SDP untouched. */
  readonly anchor: 'always' | 'when-recordable';
  /** Whether media before the answer is recorded. */
  readonly recordEarlyMedia: boolean;
  readonly featureCodes: FeatureCodes;
  readonly notices: NoticePolicy;
  readonly voicemail: VoicemailRules;
}

/** Digits by which the recorded party controls its recording. */
export interface FeatureCodes {
  /** Keys such as `*44`. Empty: none are listened for. */
  readonly codes: ReadonlyMap<string, ControlAction>;
  /** Whether the digits of a code reach the other party. */
  readonly relay: boolean;
  /** How long digits that may begin a code are held back with `relay: false`. */
  readonly maxHoldMs: number;
}

/** How notices sound. */
export interface NoticePolicy {
  readonly reminderTone: TonePolicy;
  readonly beep: TonePolicy;
  /** By how much speech is lowered under a notice, dB, 0 or more. */
  readonly duckDb: number;
  /** With notices due: codecs that cannot be mixed are taken out of offers, or the notices are left out. */
  readonly codecs: 'strip' | 'skip-notices';
}

export interface TonePolicy {
  readonly frequencyHz: number;
  readonly durationMs: number;
  /** Level, dBm0 (0 is the highest, −60 the lowest). */
  readonly levelDbm0: number;
  /** Rise and fall, so that it does not click. */
  readonly rampMs: number;
}

/** How a mailbox is recognised; see {@link detectVoicemail}. */
export interface VoicemailRules {
  /** Whether a SIP or tel URI is one of the configured mailboxes (exact after normalisation); the text of the rule, or null. */
  matchTarget(uri: string): string | null;
  /** Whether a SIP or tel URI matches a configured pattern; the pattern, or null. */
  matchPattern(uri: string): string | null;
  /** Reasons of Diversion (RFC 5806) and causes of History-Info (RFC 4458, RFC 7044) that lead to a mailbox, lower case. */
  readonly redirectCauses: ReadonlySet<string>;
}
