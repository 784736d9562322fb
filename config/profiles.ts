import { readdirSync, readFileSync } from 'node:fs';
import * as path from 'node:path';
import { parse } from 'yaml';
import { DEFAULTS } from './defaults';
import { nearest } from './did-you-mean';
import { type PlacedMessage } from './issue-text';
import { isMapping } from './key-path';
import { mergeTrees } from './merge';
import { packageFolder } from './package-folder';

/*
 * Profiles are what is known of a provider before its own keys are read: files in config/providers, with the keys of
 * `providers.<name>`. A key of the configuration wins over the same key of the profile.
 */

let profiles: ReadonlyMap<string, unknown> | null = null;

/** Names of the profiles that the product ships, sorted. */
export function profileNames(): readonly string[] {
  return [...shipped().keys()];
}

/**
 * Completes each provider from its profile, and each of its targets (a URI alone, or no priority: its place in the list).
 * The tree that is given stays as it is; what is no mapping is left to the schema.
 */
export function applyProfiles(root: unknown): {
  readonly root: unknown;
  readonly problems: readonly PlacedMessage[];
} {
  const providers = isMapping(root) ? root['providers'] : undefined;
  if (!isMapping(root) || !isMapping(providers)) {
    return { root, problems: [] };
  }
  const problems: PlacedMessage[] = [];
  const completed = Object.entries(providers).map(([name, provider]): [string, unknown] => {
    if (!isMapping(provider)) {
      return [name, provider];
    }
    const profile = provider['profile'] ?? ownProfile(name);
    const base = typeof profile === 'string' ? shipped().get(profile) : undefined;
    if (base === undefined && typeof profile === 'string') {
      const meant = nearest(profile, profileNames());
      const hint =
        meant === null ? `known are ${profileNames().join(', ')}` : `did you mean ${meant}?`;
      const message = `names the profile "${profile}", which does not exist; ${hint}`;
      problems.push({ path: ['providers', name, 'profile'], message });
    }
    return [name, completeTargets(mergeTrees(base ?? {}, { profile, ...provider }))];
  });
  return { root: { ...root, providers: Object.fromEntries(completed) }, problems };
}

/** A provider that has the name of a profile means it. */
function ownProfile(name: string): string {
  return shipped().has(name) ? name : DEFAULTS.provider.profile;
}

function completeTargets(provider: unknown): unknown {
  const targets: unknown = isMapping(provider) ? provider['targets'] : undefined;
  return !isMapping(provider) || !Array.isArray(targets)
    ? provider
    : {
        ...provider,
        targets: targets.map((target: unknown, index) =>
          typeof target === 'string'
            ? { uri: target, priority: index }
            : isMapping(target)
              ? { priority: index, ...target }
              : target,
        ),
      };
}

function shipped(): ReadonlyMap<string, unknown> {
  if (profiles === null) {
    const folder = packageFolder('config', 'providers');
    profiles = new Map(
      readdirSync(folder)
        .filter(file => file.endsWith('.yaml'))
        .sort()
        .map(file => [
          path.basename(file, '.yaml'),
          parse(readFileSync(path.join(folder, file), 'utf8')) as unknown,
        ]),
    );
  }
  return profiles;
}
