import { type LegRole, type RecordingMode } from '#core';

import { type IdentityClaim, type IdentitySource } from './identity';
import { type NotRecordedBecause, type UserPolicy } from './user-policy';

/** Whose extensions are meant by a number without a plus. */
export interface IdentityScope {
  readonly organisationId: string;
  readonly locationId: string | null;
}

/** Looks a user up by an identity (SIP or tel URI); exact after normalisation. Extensions are looked for in the scope first. */
export type FindUser = (identity: string, scope?: IdentityScope | null) => UserPolicy | null;

/** A party of the call that policy knows as a user. */
export interface IdentifiedUser {
  readonly role: LegRole;
  readonly user: UserPolicy;
  readonly identity: string;
  readonly identifiedBy: IdentitySource;
}

/** One recording that shall be made. */
export interface RecordingDecision extends IdentifiedUser {
  readonly providerId: string;
  readonly mode: Exclude<RecordingMode, 'never'>;
}

/** Why an identified user is not recorded in this call. */
export type NotRecordedReason =
  | NotRecordedBecause
  /** A mailbox takes the call, and the user's calls with mailboxes are not recorded. */
  | 'voicemail';

/** The first claim that names a known user decides; claims are in order of trust. */
export function identifyUser(
  role: LegRole,
  claims: readonly IdentityClaim[],
  findUser: FindUser,
  scope: IdentityScope | null = null,
): IdentifiedUser | null {
  for (const claim of claims) {
    const user = findUser(claim.uri, scope);
    if (user !== null) {
      return { role, user, identity: claim.uri, identifiedBy: claim.source };
    }
  }
  return null;
}

/** Whether and how the recording of an identified user is made; null when it is not, see {@link notRecordedBecause}. */
export function decideRecording(
  identified: IdentifiedUser,
  isVoicemail = false,
): RecordingDecision | null {
  const { role, user, identity, identifiedBy } = identified;
  const { mode, providerId } = user;
  return mode === 'never' || providerId === null || notRecordedBecause(user, isVoicemail) !== null
    ? null
    : { role, user, identity, identifiedBy, mode, providerId };
}

/** Why calls of this user are not recorded; null: they are, as its mode says. */
export function notRecordedBecause(
  user: UserPolicy,
  isVoicemail: boolean,
): NotRecordedReason | null {
  return user.notRecordedBecause ?? (isVoicemail && !user.recordVoicemail ? 'voicemail' : null);
}
