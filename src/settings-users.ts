import { ConfigError, formatProblem } from '#config';
import { isGatewayError } from '#core';

import { type ChangeAnswer, type UsersPort, type UserView } from './admin';
import { type SettingsStore } from './settings-store';

/** Users as the API sees and changes them. */
export function settingsUsers(store: SettingsStore): UsersPort {
  let sorted: { version: number; keys: readonly SortedKey[] } = { version: 0, keys: [] };
  /** Sorted once for each version of the settings: there may be very many. */
  const keys = (): readonly SortedKey[] => {
    const { version, config } = store.current;
    if (sorted.version !== version) {
      const all = Object.entries(config.organisations).flatMap(([organisationId, { users }]) =>
        Object.keys(users).map(userId => ({
          organisationId,
          userId,
          text: `${organisationId}/${userId}`,
        })),
      );
      sorted = { version, keys: all.sort((a, b) => (a.text < b.text ? -1 : 1)) };
    }
    return sorted.keys;
  };
  return {
    list({ organisationId, after, limit }) {
      const from = after === null ? 0 : indexBehind(keys(), after);
      const found: UserView[] = [];
      for (const key of keys().slice(from)) {
        if (found.length === limit) {
          break;
        }
        if (organisationId === null || key.organisationId === organisationId) {
          found.push(...view(store, key));
        }
      }
      return found;
    },
    find: userId =>
      Object.keys(store.current.config.organisations).flatMap(organisationId =>
        view(store, { organisationId, userId }),
      ),
    platform: (organisationId, userId) => store.user(organisationId, userId)?.platform ?? null,
    change: (organisationId, userId, change) =>
      answering(() =>
        store.change({
          organisations: { [organisationId]: { users: { [userId]: { recording: change } } } },
        }),
      ),
  };
}

/** Runs a change of settings; what is wrong with it is told in words. */
export async function answering(change: () => Promise<unknown>): Promise<ChangeAnswer> {
  try {
    await change();
    return { ok: true };
  } catch (error) {
    if (error instanceof ConfigError) {
      return { ok: false, problems: error.problems.map(formatProblem) };
    }
    if (isGatewayError(error)) {
      return { ok: false, problems: [`${error.message} (${error.code})`] };
    }
    throw error;
  }
}

interface UserKey {
  readonly organisationId: string;
  readonly userId: string;
}

type SortedKey = UserKey & { readonly text: string };

/** The first place behind `after`, which need not exist any more. */
function indexBehind(
  keys: readonly (UserKey & { readonly text: string })[],
  after: string,
): number {
  let [low, high] = [0, keys.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((keys[middle]?.text ?? '') <= after) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

function view(store: SettingsStore, { organisationId, userId }: UserKey): readonly UserView[] {
  const policy = store.user(organisationId, userId);
  const user = store.current.config.organisations[organisationId]?.users[userId];
  if (policy === null || user === undefined) {
    return [];
  }
  const { locationId, mode, providerId, notRecordedBecause } = policy;
  return [
    {
      userId,
      organisationId,
      locationId,
      identities: user.identities,
      mode,
      providerId,
      notRecordedBecause,
      recording: user.recording,
    },
  ];
}
