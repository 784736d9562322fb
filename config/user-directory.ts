import { identityKeys, parseIdentity } from './identity';
import { type GatewayConfig, NO_PROVIDER, type UserConfig } from './schema';

/** A user as calls find it. */
export interface DirectoryUser {
  readonly organisationId: string;
  readonly userId: string;
  readonly user: UserConfig;
  /** Provider of the organisation; null: nobody of it is recorded. */
  readonly providerId: string | null;
}

/** Who is behind an identity. */
export interface UserDirectory {
  /**
   * Exact look-up of a SIP, SIPS or tel URI, `user@host`, number or extension; see `identity.ts` for how they
   * compare. The address of record is tried before the number or extension that its user part spells.
   * Never throws.
   */
  find(identity: string): DirectoryUser | null;
  readonly userCount: number;
  readonly identityCount: number;
}

/** Builds the index over all users of all organisations: one Map entry per identity, no scans. */
export function buildUserDirectory(config: Pick<GatewayConfig, 'organisations'>): UserDirectory {
  const byKey = new Map<string, DirectoryUser>();
  let userCount = 0;
  for (const [organisationId, organisation] of Object.entries(config.organisations)) {
    const providerId = organisation.provider === NO_PROVIDER ? null : organisation.provider;
    for (const [userId, user] of Object.entries(organisation.users)) {
      const entry = { organisationId, userId, user, providerId };
      userCount++;
      for (const identity of user.identities) {
        const key = parseIdentity(identity);
        if (key !== null) {
          byKey.set(key, entry);
        }
      }
    }
  }
  return {
    find(identity) {
      for (const key of identityKeys(identity)) {
        const entry = byKey.get(key);
        if (entry !== undefined) {
          return entry;
        }
      }
      return null;
    },
    userCount,
    identityCount: byKey.size,
  };
}
