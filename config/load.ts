import { runAtOnce, type SlicedWork } from '#core';
import { crossCheck } from './cross-checks';
import { applyEnvironment, type AppliedEnvironment, type Environment } from './environment';
import { ConfigError, type ConfigProblem } from './errors';
import { describeIssue, type PlacedMessage } from './issue-text';
import { formatPath, isMapping, type KeyPath } from './key-path';
import { mergeTrees } from './merge';
import { checkOverlay, defaultOverlayFile, readOverlay } from './overlay';
import { applyProfiles } from './profiles';
import { parseInParts } from './parse-in-parts';
import { type GatewayConfig } from './schema';
import { readUsersFile, type UsersFile } from './users-file';
import { parseYamlSource, readYamlSource, type YamlSource } from './yaml-source';

export interface LoadOptions {
  /** Path of the YAML file. */
  readonly file: string;
  /** Variables that override the file and that it may refer to; usually `process.env`. */
  readonly env: Environment;
}

/** What was read from files, before overlay, environment and defaults. */
export interface ConfigSources {
  readonly file: string;
  readonly env: Environment;
  readonly yaml: YamlSource;
  /** By organisation. */
  readonly usersFiles: ReadonlyMap<string, UsersFile>;
  /** The tree of the file with the users of the users files in it. */
  readonly root: unknown;
}

/** The overlay: what the API has changed. */
export interface Overlay {
  readonly file: string;
  readonly root: unknown;
  lineOf(path: KeyPath): number | null;
}

/** A configuration and what it was made from. */
export interface LoadedConfig {
  readonly config: GatewayConfig;
  readonly sources: ConfigSources;
  readonly overlay: Overlay;
}

/** More problems than these are counted only. */
const MAX_PROBLEMS = 500;

/**
 * Reads, checks and freezes the configuration: file, users files, overlay, environment, profiles, defaults.
 * @throws ConfigError (`REC_ERR_CONFIG_INVALID`) with every problem at once.
 */
export function loadConfig(options: LoadOptions): GatewayConfig {
  return loadWithSources(options).config;
}

/** As {@link loadConfig}, with what it was made from: for changes while running. */
export function loadWithSources(options: LoadOptions): LoadedConfig {
  return runAtOnce(loadInSlices(options));
}

/** As {@link loadWithSources}, a user at a time, so that other work can go on meanwhile. @throws ConfigError */
export function* loadInSlices({ file, env }: LoadOptions): SlicedWork<LoadedConfig> {
  const sources = yield* sourcesOf(readYamlSource(file, env), file, env);
  const overlay = loadOverlay(sources);
  return { config: yield* check(sources, overlay), sources, overlay };
}

/**
 * As {@link loadConfig} for YAML text in hand, without an overlay; `name` stands for the file in problems.
 * @throws ConfigError (`REC_ERR_CONFIG_INVALID`) with every problem at once.
 */
export function parseConfig(text: string, name: string, env: Environment = {}): GatewayConfig {
  return checkConfig(runAtOnce(sourcesOf(parseYamlSource(text, name, env), name, env)), null);
}

/** Reads the files. @throws ConfigError when the main one cannot be read. */
export function readSources({ file, env }: LoadOptions): ConfigSources {
  return runAtOnce(sourcesOf(readYamlSource(file, env), file, env));
}

/** Where the overlay of a configuration is, whether or not it exists yet. */
export function overlayFileOf({ root, file }: Pick<ConfigSources, 'root' | 'file'>): string {
  const overlay = isMapping(root) ? root['overlay'] : undefined;
  const named = isMapping(overlay) ? overlay['file'] : undefined;
  return typeof named === 'string' && named.trim() !== '' ? named : defaultOverlayFile(file);
}

/** @throws ConfigError when there is one that is not even YAML. */
export function loadOverlay(sources: Pick<ConfigSources, 'root' | 'file'>): Overlay {
  const file = overlayFileOf(sources);
  const source = readOverlay(file);
  if (source.problems.length > 0) {
    throw new ConfigError(source.problems);
  }
  return { file, root: source.root, lineOf: path => source.lineOf(path) };
}

/** Puts everything together and checks it. @throws ConfigError (`REC_ERR_CONFIG_INVALID`) with every problem at once. */
export function checkConfig(sources: ConfigSources, overlay: Overlay | null): GatewayConfig {
  return runAtOnce(check(sources, overlay));
}

function* check(sources: ConfigSources, overlay: Overlay | null): SlicedWork<GatewayConfig> {
  const { yaml, env } = sources;
  // A file that is not even YAML has no keys worth checking.
  if (yaml.problems.some(problem => problem.path === '')) {
    throw new ConfigError(yaml.problems);
  }
  const ofOverlay = checkOverlay(overlay?.root, sources.root);
  const overlaid =
    ofOverlay.length > 0 || !isMapping(overlay?.root)
      ? sources.root
      : mergeTrees(sources.root, overlay.root);
  const applied = applyEnvironment(overlaid, env, yaml.referredTo);
  const profiled = applyProfiles(applied.root);
  yield;
  const { data, issues } = yield* parseInParts(profiled.root);
  const ofSchema = issues.flatMap(describeIssue);
  const ofValues = yield* crossCheck(profiled.root);
  const ofSubstitution = new Set(yaml.problems.map(problem => problem.path));
  const found = [...ofSchema, ...withoutEchoes([...profiled.problems, ...ofValues], ofSchema)];
  const placed = found
    .slice(0, MAX_PROBLEMS)
    .map(message => toProblem(message, sources, overlay, applied))
    .filter(problem => !ofSubstitution.has(problem.path));
  const problems = [
    ...yaml.problems,
    ...applied.problems,
    ...[...sources.usersFiles.values()].flatMap(problemsOf),
    ...ofOverlay.map(({ path, message }) => ({
      source: overlay?.file ?? '',
      line: overlay?.lineOf(path) ?? null,
      path: formatPath(path),
      message,
    })),
    ...unique(placed),
  ];
  if (data === null || problems.length > 0) {
    throw new ConfigError(sorted(problems, found.length - MAX_PROBLEMS, sources.file));
  }
  for (const { users } of Object.values(data.organisations)) {
    for (const id of Object.keys(users)) {
      deepFreeze(users[id]);
      yield;
    }
    Object.freeze(users);
    yield;
  }
  return deepFreeze(data) as GatewayConfig;
}

function* sourcesOf(yaml: YamlSource, file: string, env: Environment): SlicedWork<ConfigSources> {
  const usersFiles = new Map<string, UsersFile>();
  let root = yaml.root;
  const organisations = isMapping(root) ? root['organisations'] : undefined;
  if (isMapping(organisations)) {
    for (const [name, organisation] of Object.entries(organisations)) {
      const usersFile = isMapping(organisation) ? organisation['usersFile'] : undefined;
      if (typeof usersFile === 'string' && usersFile.trim() !== '') {
        const read = yield* readUsersFile(usersFile);
        usersFiles.set(name, withoutKnown(read, organisation));
        root = mergeTrees(root, { organisations: { [name]: { users: read.users } } });
      }
    }
  }
  return { file, env, yaml, usersFiles, root };
}

/** A user of the users file who stands in the configuration too would win silently. */
function withoutKnown(file: UsersFile, organisation: unknown): UsersFile {
  const users = isMapping(organisation) ? organisation['users'] : undefined;
  const twice = isMapping(users) ? Object.keys(users).filter(id => file.lines.has(id)) : [];
  return {
    ...file,
    users: file.users,
    problems: [
      ...file.problems,
      ...twice.map(id => ({
        line: file.lines.get(id) ?? null,
        message: `holds the user ${id}, who is in the configuration already`,
      })),
    ],
  };
}

function problemsOf({ file, problems }: UsersFile): ConfigProblem[] {
  return problems.map(({ line, message }) => ({ source: file, line, path: '', message }));
}

function sorted(
  problems: readonly ConfigProblem[],
  left: number,
  file: string,
): readonly ConfigProblem[] {
  const inOrder = [...problems].sort((a, b) => (a.line ?? Infinity) - (b.line ?? Infinity) || 0);
  return left <= 0
    ? inOrder
    : [...inOrder, { source: file, line: null, path: '', message: `has ${left} more problems` }];
}

/** Leaves out what is only a consequence of a problem at the same place. */
function withoutEchoes(
  messages: readonly PlacedMessage[],
  known: readonly PlacedMessage[],
): readonly PlacedMessage[] {
  const paths = new Set(known.map(message => JSON.stringify(message.path)));
  return messages.filter(message => !paths.has(JSON.stringify(message.path)));
}

function toProblem(
  { path, message }: PlacedMessage,
  sources: ConfigSources,
  overlay: Overlay | null,
  applied: AppliedEnvironment,
): ConfigProblem {
  const variable = applied.variables.get(JSON.stringify(path));
  if (variable !== undefined) {
    return { source: variable, line: null, path: formatPath(wildcard(path)), message };
  }
  return { ...placeOf(path, sources, overlay), path: formatPath(path), message };
}

/** The file and line that the value at a path is from. */
function placeOf(
  path: KeyPath,
  { file, yaml, usersFiles }: ConfigSources,
  overlay: Overlay | null,
): Pick<ConfigProblem, 'source' | 'line'> {
  if (overlay !== null && has(overlay.root, path)) {
    return { source: overlay.file, line: overlay.lineOf(path) };
  }
  const [section, organisation, kind, user] = path;
  const usersFile =
    section === 'organisations' && kind === 'users'
      ? usersFiles.get(String(organisation))
      : undefined;
  const line = usersFile?.lines.get(String(user));
  return usersFile === undefined || line === undefined
    ? { source: file, line: yaml.lineOf(path) }
    : { source: usersFile.file, line };
}

function has(root: unknown, path: KeyPath): boolean {
  let node = root;
  for (const part of path) {
    if (Array.isArray(node)) {
      node = node[Number(part)] as unknown;
    } else if (isMapping(node) && Object.hasOwn(node, part)) {
      node = node[part];
    } else {
      return false;
    }
  }
  return path.length > 0;
}

/** A variable that sets the same key of every list element is one problem, not many. */
function wildcard(path: KeyPath): KeyPath {
  return path.map(part => (typeof part === 'number' ? '*' : part));
}

function unique(problems: readonly ConfigProblem[]): readonly ConfigProblem[] {
  return [...new Map(problems.map(problem => [JSON.stringify(problem), problem])).values()];
}

function deepFreeze(value: unknown): unknown {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.values(value).forEach(deepFreeze);
    Object.freeze(value);
  }
  return value;
}
