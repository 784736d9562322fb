import { type RecordingMode } from '#core';

import {
  type CallView,
  type ControlAnswer,
  type ControlRequest,
  type ParticipantsOutcome,
} from '../session';

/** A person in a call that a switch holds (a conference), as it tells us. */
export interface ParticipantChange {
  /** SIP or tel URI. */
  readonly aor: string;
  readonly displayName: string | null;
}

/** Whether and how a provider's recorders work at the moment. Times are ms since the epoch. */
export interface ProviderView {
  readonly providerId: string;
  /** `up`: the last attempt succeeded; `down`: it failed, or every target is dead; `unknown`: there was none yet. */
  readonly state: 'up' | 'down' | 'unknown';
  readonly targets: readonly string[];
  /** Targets that do not answer at the moment: they are asked last. */
  readonly deadTargets: readonly string[];
  readonly openRecordings: number;
  readonly lastSuccessAtMs: number | null;
  readonly lastFailureAtMs: number | null;
  readonly lastFailure: string | null;
}

/** A configured user, as the API shows it. */
export interface UserView {
  readonly userId: string;
  readonly organisationId: string;
  readonly locationId: string | null;
  readonly identities: readonly string[];
  readonly mode: RecordingMode;
  readonly providerId: string | null;
  /** null: recorded as the mode says; else why not. */
  readonly notRecordedBecause: string | null;
  /** The settings as they are in force, by the names of the configuration. */
  readonly recording: Readonly<Record<string, unknown>>;
}

/** How a provider knows a user; for support. */
export interface PlatformView {
  readonly serviceProvider: string;
  readonly externalGroup: string;
  readonly externalIdentifier: string;
}

/** Whether something that was asked for was done, or why not. */
export type ChangeAnswer =
  { readonly ok: true } | { readonly ok: false; readonly problems: readonly string[] };

/** Users and settings: read, changed and kept. */
export interface UsersPort {
  /** Sorted by organisation and user; at most `limit` after the one that `after` names (`organisation/user`). */
  list(query: {
    readonly organisationId: string | null;
    readonly after: string | null;
    readonly limit: number;
  }): readonly UserView[];
  /** Users of that name, in as many organisations as have one. */
  find(userId: string): readonly UserView[];
  platform(organisationId: string, userId: string): PlatformView | null;
  /** `change` holds keys of the user's `recording` settings (and `enabled`); it is checked like the file. */
  change(
    organisationId: string,
    userId: string,
    change: Readonly<Record<string, unknown>>,
  ): Promise<ChangeAnswer>;
}

/** What the API can do with the gateway. */
export interface AdminOperations {
  calls(): readonly CallView[];
  call(callId: string): CallView | null;
  control(callId: string, request: ControlRequest): Promise<ControlAnswer>;
  watchLevels(callId: string, on: boolean): void;
  /** Who is on the other side of a recorded party now; null: of every one of the call. */
  setParticipants(
    callId: string,
    participants: readonly ParticipantChange[],
    userId: string | null,
  ): ParticipantsOutcome;
  providers(): readonly ProviderView[];
  /** Absent: users cannot be looked at. */
  readonly users?: UsersPort;
  /** Reads the configuration again; calls in progress keep theirs. Absent: not possible. */
  reload?(): Promise<ChangeAnswer>;
  /** Refuses new calls from now on. */
  drain(): void;
}
