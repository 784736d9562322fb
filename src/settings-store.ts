import {
  buildUserDirectory,
  checkConfig,
  ConfigError,
  type ConfigSources,
  findWarnings,
  indexUsers,
  type GatewayConfig,
  type LoadedConfig,
  loadInSlices,
  NO_PROVIDER,
  type Overlay,
  patchTree,
  type UserConfig,
  type UserDirectory,
  writeOverlay,
} from '#config';
import {
  type Clock,
  errorMessage,
  GatewayError,
  type Logger,
  runInSlices,
  type SlicedWork,
} from '#core';

import { needsRestart, unusableNetworks } from './needs-restart';
import { type UserPolicy } from './policy';
import { type SessionSettings } from './session';
import { sessionSettings } from './session-settings';
import { isRecordingEnabled, resolveUserPolicy } from './user-policies';

/** All settings at one moment; never changes. */
export interface SettingsSnapshot {
  /** Counts up with every change. */
  readonly version: number;
  readonly config: GatewayConfig;
  /** What calls look up. */
  readonly session: SessionSettings;
}

export interface SettingsChange {
  readonly snapshot: SettingsSnapshot;
  /** Keys whose new value counts only after a restart. */
  readonly needsRestart: readonly string[];
  readonly warnings: readonly string[];
  /** All files were read again. */
  readonly isReload: boolean;
}

/** A user's recording was switched on or off: the provider's account has to follow. */
export interface UserEvent {
  readonly kind: 'user.enabled' | 'user.disabled';
  readonly atMs: number;
  readonly user: UserPolicy;
}

export interface SettingsListener {
  changed?(change: SettingsChange): void;
  user?(event: UserEvent): void;
}

export interface SettingsStoreDeps {
  readonly clock: Clock;
  readonly logger: Logger;
}

type Mapping = Readonly<Record<string, unknown>>;

/** New settings, made beside those in force. */
interface Prepared {
  readonly config: GatewayConfig;
  readonly session: SessionSettings;
  readonly origin: { readonly sources: ConfigSources; readonly overlay: Overlay };
  readonly directory: UserDirectory;
  readonly isReload: boolean;
  readonly warnings: readonly string[];
  readonly events: readonly Omit<UserEvent, 'atMs'>[];
}

/**
 * The settings in force, and how they change: by a reload of the files, or by a change that the overlay keeps. Both are
 * atomic: a new snapshot takes the place of the old one, or nothing happens. With very many users that takes seconds, in
 * which everything else goes on; changes wait for one another. Calls keep the snapshot that they began with.
 */
export class SettingsStore {
  readonly #deps: SettingsStoreDeps;
  readonly #started: GatewayConfig;
  readonly #listeners = new Set<SettingsListener>();
  /** null: a configuration that came from no file. */
  #origin: { sources: ConfigSources; overlay: Overlay } | null;
  #directory: UserDirectory;
  /** The change that was asked for last, whatever became of it. */
  #last: Promise<unknown> = Promise.resolve();
  /** A reload that has not begun yet serves everybody who asks for one. */
  #waitingReload: Promise<SettingsChange> | null = null;
  #current: SettingsSnapshot;

  constructor(loaded: LoadedConfig | GatewayConfig, deps: SettingsStoreDeps) {
    const config = 'sources' in loaded ? loaded.config : loaded;
    this.#deps = deps;
    this.#started = config;
    this.#origin = 'sources' in loaded ? loaded : null;
    this.#directory = buildUserDirectory(config);
    this.#current = { version: 1, config, session: sessionSettings(config, this.#directory) };
  }

  get current(): SettingsSnapshot {
    return this.#current;
  }

  /** Who has these identities in the settings of now; null: nobody. */
  user(organisationId: string, userId: string): UserPolicy | null {
    return policyOf(this.#current.config, organisationId, userId);
  }

  /** @returns how to stop listening; idempotent. */
  onChange(listener: SettingsListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /**
   * Reads all files again.
   * @throws ConfigError (`REC_ERR_CONFIG_INVALID`) that says what is wrong; then nothing has changed
   * @throws GatewayError `REC_ERR_CONFIG_NO_FILE` for a configuration that came from no file
   */
  reload(): Promise<SettingsChange> {
    this.#waitingReload ??= this.#inTurn(async () => {
      this.#waitingReload = null;
      return this.#finish(await runInSlices(this.#reload(), this.#deps.clock));
    });
    return this.#waitingReload;
  }

  *#reload(): SlicedWork<Prepared> {
    const { file, env } = this.#file().sources;
    const loaded = yield* loadInSlices({ file, env });
    const unusable = unusableNetworks(this.#started, loaded.config, file);
    if (unusable.length > 0) {
      throw new ConfigError(unusable);
    }
    const { config } = loaded;
    const directory = yield* indexUsers(config);
    return {
      config,
      session: sessionSettings(config, directory),
      origin: loaded,
      directory,
      isReload: true,
      warnings: yield* findWarnings(config, directory),
      events: yield* userEvents(this.#current.config, config, null),
    };
  }

  /**
   * Changes settings and keeps the change in the overlay file.
   * @param patch of the shape of the overlay (`{ organisations: { acme: { users: { alice: { recording: { mode: 'always' } } } } } }`);
   *   null takes a key out of the overlay, so that the files count again. `recording.enabled: false` of a user drops what
   *   else the overlay has of its recording settings.
   * @throws ConfigError (`REC_ERR_CONFIG_INVALID`), GatewayError `REC_ERR_CONFIG_OVERLAY_WRITE` or `REC_ERR_CONFIG_NO_FILE`; then
   *   nothing has changed
   */
  change(patch: Mapping): Promise<SettingsChange> {
    return this.#inTurn(async () =>
      this.#finish(await runInSlices(this.#change(patch), this.#deps.clock)),
    );
  }

  *#change(patch: Mapping): SlicedWork<Prepared> {
    const { sources, overlay } = this.#file();
    const root = withoutSettingsOfDisabled(patchTree(overlay.root, patch), patch);
    const changed: Overlay = { file: overlay.file, root, lineOf: () => null };
    // Users whom nobody touches were checked before; there may be very many.
    const touched = touchedUsers(root, patch, this.#current.config);
    const checked = checkConfig({ ...sources, root: onlyUsers(sources.root, touched) }, changed);
    const config = withOrganisations(this.#current.config, checked);
    const session = sessionSettings(config, this.#directory);
    const events = yield* userEvents(this.#current.config, config, touched);
    writeOverlay(overlay.file, root);
    return {
      config,
      session,
      origin: { sources, overlay: changed },
      directory: this.#directory,
      isReload: false,
      warnings: [],
      events,
    };
  }

  /** One change at a time: each begins with what the one before has left. */
  #inTurn<T>(run: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(run);
    this.#last = turn.catch(() => undefined);
    return turn;
  }

  #file(): { sources: ConfigSources; overlay: Overlay } {
    if (this.#origin === null) {
      throw new GatewayError(
        'REC_ERR_CONFIG_NO_FILE',
        'the configuration came from no file: it cannot be loaded again or changed',
      );
    }
    return this.#origin;
  }

  /** The new settings take the place of the old ones, in one step. */
  #finish(prepared: Prepared): SettingsChange {
    const { config, session, isReload, warnings, events } = prepared;
    this.#origin = prepared.origin;
    this.#directory = prepared.directory;
    this.#current = { version: this.#current.version + 1, config, session };
    const change: SettingsChange = {
      snapshot: this.#current,
      needsRestart: needsRestart(this.#started, config),
      warnings,
      isReload,
    };
    this.#tell(listener => listener.changed?.(change));
    const atMs = this.#deps.clock.wallNowMs();
    for (const event of events) {
      this.#tell(listener => listener.user?.({ ...event, atMs }));
    }
    return change;
  }

  #tell(what: (listener: SettingsListener) => void): void {
    for (const listener of this.#listeners) {
      try {
        what(listener);
      } catch (error) {
        this.#deps.logger.error('a listener to settings failed', { error: errorMessage(error) });
      }
    }
  }
}

/** By organisation. */
type TouchedUsers = ReadonlyMap<string, ReadonlySet<string>>;

function isMapping(value: unknown): value is Mapping {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function child(node: unknown, key: string): unknown {
  return isMapping(node) && Object.hasOwn(node, key) ? node[key] : undefined;
}

function keysAt(node: unknown, key: string): string[] {
  const value = child(node, key);
  return isMapping(value) ? Object.keys(value) : [];
}

function withoutSettingsOfDisabled(overlay: unknown, patch: Mapping): unknown {
  let result = overlay;
  for (const organisation of keysAt(patch, 'organisations')) {
    const users = child(child(child(patch, 'organisations'), organisation), 'users');
    for (const user of isMapping(users) ? Object.keys(users) : []) {
      if (child(child(child(users, user), 'recording'), 'enabled') !== false) {
        continue;
      }
      const set = (recording: unknown): Mapping => ({
        organisations: { [organisation]: { users: { [user]: { recording } } } },
      });
      result = patchTree(patchTree(result, set(null)), set({ enabled: false }));
    }
  }
  return result;
}

function touchedUsers(overlay: unknown, patch: Mapping, config: GatewayConfig): TouchedUsers {
  const touched = new Map<string, Set<string>>();
  for (const tree of [overlay, patch]) {
    for (const organisation of keysAt(tree, 'organisations')) {
      const users = keysAt(child(child(tree, 'organisations'), organisation), 'users');
      const set = touched.get(organisation) ?? new Set<string>();
      users
        .filter(user => Object.hasOwn(config.organisations[organisation]?.users ?? {}, user))
        .forEach(user => set.add(user));
      touched.set(organisation, set);
    }
  }
  return touched;
}

function onlyUsers(root: unknown, touched: TouchedUsers): unknown {
  const organisations = child(root, 'organisations');
  if (!isMapping(root) || !isMapping(organisations)) {
    return root;
  }
  const reduced = Object.entries(organisations).map(([name, organisation]) => {
    const users = child(organisation, 'users');
    return !isMapping(organisation) || !isMapping(users)
      ? [name, organisation]
      : [
          name,
          {
            ...organisation,
            users: Object.fromEntries(
              [...(touched.get(name) ?? [])].map(user => [user, users[user]]),
            ),
          },
        ];
  });
  return { ...root, organisations: Object.fromEntries(reduced) as Mapping };
}

/** The organisations of `checked`, with all users that it has not. */
function withOrganisations(current: GatewayConfig, checked: GatewayConfig): GatewayConfig {
  const organisations = Object.entries(checked.organisations).map(([name, organisation]) => [
    name,
    {
      ...organisation,
      users: { ...current.organisations[name]?.users, ...organisation.users },
    },
  ]);
  return Object.freeze({
    ...current,
    organisations: Object.fromEntries(organisations) as GatewayConfig['organisations'],
  });
}

function policyOf(
  config: GatewayConfig,
  organisationId: string,
  userId: string,
): UserPolicy | null {
  const user = userIn(config, organisationId, userId);
  return user === null ? null : resolveUserPolicy(config, { organisationId, userId, user });
}

function userIn(config: GatewayConfig, organisationId: string, userId: string): UserConfig | null {
  const users = Object.hasOwn(config.organisations, organisationId)
    ? config.organisations[organisationId]?.users
    : undefined;
  return users !== undefined && Object.hasOwn(users, userId) ? (users[userId] ?? null) : null;
}

/** Whether the provider must have an account for the user. */
function isEnabled(config: GatewayConfig, organisationId: string, user: UserConfig): boolean {
  const organisation = config.organisations[organisationId];
  const location = user.location === undefined ? undefined : organisation?.locations[user.location];
  const own = location === undefined || location.provider === 'inherit' ? undefined : location;
  return isRecordingEnabled(user) && (own ?? organisation)?.provider !== NO_PROVIDER;
}

/** @param touched users that may have changed; null: all. */
function* userEvents(
  before: GatewayConfig,
  after: GatewayConfig,
  touched: TouchedUsers | null,
): SlicedWork<Omit<UserEvent, 'atMs'>[]> {
  const events: Omit<UserEvent, 'atMs'>[] = [];
  const organisations = new Set([
    ...Object.keys(before.organisations),
    ...Object.keys(after.organisations),
  ]);
  for (const organisationId of organisations) {
    const was = before.organisations[organisationId];
    const is = after.organisations[organisationId];
    // A change of an organisation's provider is one of all its users.
    const all =
      touched === null || was?.provider !== is?.provider || was?.locations !== is?.locations;
    const ids = all
      ? new Set([...Object.keys(was?.users ?? {}), ...Object.keys(is?.users ?? {})])
      : (touched.get(organisationId) ?? []);
    for (const userId of ids) {
      yield;
      const [userBefore, userAfter] = [was?.users[userId], is?.users[userId]];
      const wasEnabled = userBefore !== undefined && isEnabled(before, organisationId, userBefore);
      const isNow = userAfter !== undefined && isEnabled(after, organisationId, userAfter);
      if (wasEnabled === isNow) {
        continue;
      }
      const user = policyOf(isNow ? after : before, organisationId, userId);
      if (user !== null) {
        events.push({ kind: isNow ? 'user.enabled' : 'user.disabled', user });
      }
    }
  }
  return events;
}
