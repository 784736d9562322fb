import { runAtOnce, type SlicedWork } from '#core';
import { identityKeys, parseIdentity } from './identity';
import { type GatewayConfig, type UserConfig } from './schema';

/** A user as calls find it. */
export interface DirectoryUser {
  readonly organisationId: string;
  readonly userId: string;
  readonly user: UserConfig;
}

/** Whose extensions are meant by a number without a plus. */
export interface IdentityScope {
  readonly organisationId: string;
  readonly locationId: string | null;
}

/** Who is behind an identity. */
export interface UserDirectory {
  /**
   * Exact look-up of a SIP, SIPS or tel URI, `user@host`, number or extension; see `identity.ts` for how they
   * compare. The address of record is tried before the number or extension that its user part spells. An extension is
   * looked for in the location, then in the organisation, then everywhere; where it is that of several users it is
   * nobody's. Never throws.
   */
  find(identity: string, scope?: IdentityScope | null): DirectoryUser | null;
  readonly userCount: number;
  readonly identityCount: number;
  /** Extensions that several users have, so that only calls from their own organisation or location find them. */
  readonly sharedExtensions: number;
}

/** Builds the index over all users of all organisations: Map look-ups only, no scans. */
export function buildUserDirectory(config: Pick<GatewayConfig, 'organisations'>): UserDirectory {
  return runAtOnce(indexUsers(config));
}

/** As {@link buildUserDirectory}, a user at a time. */
export function* indexUsers(
  config: Pick<GatewayConfig, 'organisations'>,
): SlicedWork<UserDirectory> {
  const index = new Map<string, DirectoryUser | null>();
  let userCount = 0;
  let identityCount = 0;
  let sharedExtensions = 0;
  const put = (key: string, entry: DirectoryUser): void => {
    const other = index.get(key);
    if (other !== undefined && other !== entry) {
      sharedExtensions += other === null ? 0 : 1;
      index.set(key, null);
    } else {
      index.set(key, entry);
    }
  };
  for (const [organisationId, organisation] of Object.entries(config.organisations)) {
    for (const userId of Object.keys(organisation.users)) {
      const user = organisation.users[userId];
      if (user === undefined) {
        continue;
      }
      yield;
      const entry = { organisationId, userId, user };
      userCount++;
      for (const identity of user.identities) {
        const key = parseIdentity(identity);
        if (key === null) {
          continue;
        }
        identityCount++;
        scopedKeys(key, { organisationId, locationId: user.location ?? null }).forEach(each =>
          put(each, entry),
        );
      }
    }
  }
  return {
    find(identity, scope = null) {
      for (const key of identityKeys(identity)) {
        for (const scoped of scopedKeys(key, scope)) {
          const entry = index.get(scoped);
          if (entry !== undefined && entry !== null) {
            return entry;
          }
        }
      }
      return null;
    },
    userCount,
    identityCount,
    sharedExtensions,
  };
}

/** Narrowest first. Only extensions are somebody's own. */
function scopedKeys(key: string, scope: IdentityScope | null): readonly string[] {
  if (scope === null || !key.startsWith('ext:')) {
    return [key];
  }
  const inOrganisation = `${scope.organisationId}:${key}`;
  return scope.locationId === null
    ? [inOrganisation, key]
    : [`${scope.organisationId}/${scope.locationId}:${key}`, inOrganisation, key];
}
