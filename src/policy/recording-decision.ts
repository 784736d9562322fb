import { type LegRole, type RecordingMode } from '#core';

import { type IdentityClaim, type IdentitySource } from './identity';

/** What policy knows of one user. */
export interface UserPolicy {
  readonly userId: string;
  readonly organisationId: string;
  readonly mode: RecordingMode;
  /** null: recording is turned off where the user belongs. */
  readonly providerId: string | null;
}

/** Looks a user up by an identity (SIP or tel URI); exact after normalisation. */
export type FindUser = (identity: string) => UserPolicy | null;

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

/** The first claim that names a known user decides; claims are in order of trust. */
export function identifyUser(
  role: LegRole,
  claims: readonly IdentityClaim[],
  findUser: FindUser,
): IdentifiedUser | null {
  for (const claim of claims) {
    const user = findUser(claim.uri);
    if (user !== null) {
      return { role, user, identity: claim.uri, identifiedBy: claim.source };
    }
  }
  return null;
}

/** Whether and how the recording of an identified user is made; null when it is not, by policy. */
export function decideRecording(identified: IdentifiedUser): RecordingDecision | null {
  const { mode, providerId } = identified.user;
  return mode === 'never' || providerId === null ? null : { ...identified, mode, providerId };
}
