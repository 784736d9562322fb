import { type LegRole, type NetworkKind, type RecordingMode } from '#core';

import {
  type ControlAction,
  type ControlOrigin,
  type ControlOutcome,
  type IntentPhase,
} from '../policy';

/** One call in progress, as an API shows it. Plain data, made when it is asked for; times are ms since the epoch. */
export interface CallView {
  readonly callId: string;
  readonly sipCallId: string;
  /** `ending`: the talk is over, its recordings are being closed. */
  readonly state: 'ringing' | 'answered' | 'ending';
  readonly arrivedAtMs: number;
  readonly answeredAtMs: number | null;
  readonly trunkId: string;
  readonly routeId: string;
  /** Whether its media passes through the gateway. */
  readonly isAnchored: boolean;
  readonly parties: Readonly<Record<LegRole, PartyView>>;
  /** One per recorded party, in the order in which they came; a party that is only recorded on demand is here too. */
  readonly recordings: readonly RecordingView[];
}

export interface PartyView {
  /** SIP or tel URI. */
  readonly aor: string;
  readonly displayName: string | null;
  readonly kind: NetworkKind;
  /** The configured user that the party is; null: none. */
  readonly userId: string | null;
  /** What the party sends, see MediaCall.levels(); null while nobody watches. */
  readonly levelDbfs: number | null;
  /** Everybody on that side, as a switch has told (see setParticipants()); null: the party alone. */
  readonly participants:
    readonly { readonly aor: string; readonly displayName: string | null }[] | null;
}

/** What is recorded for one recorded party. */
export interface RecordingView {
  /** Of the recording in progress, else of the last one; null before the first (on demand). */
  readonly recordingId: string | null;
  readonly userId: string;
  readonly organisationId: string;
  readonly providerId: string;
  readonly role: LegRole;
  readonly mode: RecordingMode;
  /** What policy wants now. */
  readonly phase: IntentPhase;
  /** Only `on-demand-keep` is ever undecided. */
  readonly keep: 'kept' | 'undecided' | 'discarded';
  /** The state of the recording session (`established`, `lost`, …); null: there is none. */
  readonly session: string | null;
  /** When the recording in progress, or the last one, began. */
  readonly startedAtMs: number | null;
  /** What a control would be accepted for now. */
  readonly actions: readonly ControlAction[];
  /** The newest last, at most 50. */
  readonly notices: readonly NoticeView[];
}

export interface NoticeView {
  /** `start`, `stop`, `pause`, `resume`, `compliance`, `failure`, `reminder` or `beep`. */
  readonly kind: string;
  readonly startedAtMs: number | null;
  readonly endedAtMs: number | null;
  /** The legs that heard it. */
  readonly heardBy: readonly LegRole[];
}

/** Which recordings of a call a control is for: all that match; with neither, all of the call. */
export interface ControlRequest {
  readonly action: ControlAction;
  readonly recordingId?: string;
  readonly userId?: string;
}

/** A control, whom it comes from and on which way. */
export interface CallControl extends Omit<ControlRequest, 'userId' | 'recordingId'> {
  readonly origin: ControlOrigin;
  readonly via: string;
}

export interface ControlAnswer {
  /** `done` when anything changed, else `unchanged` when anything was so already, else why it was refused. */
  readonly outcome: ControlOutcome;
}

export const RECORDING_EVENT_KINDS = [
  'call.started',
  'call.answered',
  'call.ended',
  /** A switch has told who is on the other side of a recorded party now, and it is not who was there before. */
  'call.participants-changed',
  'recording.started',
  'recording.stopped',
  'recording.paused',
  'recording.resumed',
  /** The SRS, or every SRS, went away in mid-recording. */
  'recording.lost',
  'recording.restored',
  /** It could not be made at all. */
  'recording.failed',
  /** Policy or the provider's terms kept a call from being recorded that would have been. */
  'recording.not-recorded',
  'notice.played',
  'control.done',
  'control.refused',
] as const;
export type RecordingEventKind = (typeof RECORDING_EVENT_KINDS)[number];

/** Something that happened to a call or one of its recordings. Holds full identities, never digits. */
export interface RecordingEventView {
  readonly kind: RecordingEventKind;
  readonly atMs: number;
  readonly callId: string;
  /** null: it is about the call, or no recording exists. */
  readonly recordingId: string | null;
  readonly userId: string | null;
  readonly organisationId: string | null;
  readonly providerId: string | null;
  /** What else belongs to the kind, e.g. `{ action: 'pause', by: 'api' }`, `{ reason: 'terms' }`. */
  readonly facts: Readonly<Record<string, string | number | boolean | null>>;
}

/** What a recording event is about; the call alone, when nothing else is named. */
export type EventSubject = Partial<
  Pick<RecordingEventView, 'recordingId' | 'userId' | 'organisationId' | 'providerId'>
>;

export type RecordingEventListener = (event: RecordingEventView) => void;
