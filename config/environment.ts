import { DEFAULTS } from './defaults';
import { nearest } from './did-you-mean';
import { type ConfigProblem } from './errors';
import { isMapping, type KeyPath } from './key-path';

/** Variables as in `process.env`. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** All variables that set a key begin so. */
export const ENVIRONMENT_PREFIX = 'SIPREC_GATEWAY_';

/** Where a variable's value goes. `*` in the path stands for every element of a list. */
interface EnvironmentRow {
  readonly path: KeyPath;
  readonly type: 'text' | 'integer' | 'boolean';
}

function row(path: string, type: EnvironmentRow['type'] = 'text'): EnvironmentRow {
  return { path: path.split('.'), type };
}

/** Variable (without prefix) → key. A variable wins over the file; an empty one counts as not set. */
export const ENVIRONMENT: Readonly<Record<string, EnvironmentRow>> = {
  SIP_ENGINE: row('sip.engine'),
  SIP_HOST: row('sip.listeners.*.host'),
  SIP_PORT: row('sip.listeners.*.port', 'integer'),
  SIP_ADVERTISED_HOST: row('sip.listeners.*.advertisedHost'),
  DRACHTIO_HOST: row('sip.drachtio.host'),
  DRACHTIO_PORT: row('sip.drachtio.port', 'integer'),
  DRACHTIO_SECRET: row('sip.drachtio.secret'),
  MEDIA_BACKEND: row('media.backend'),
  MEDIA_WORKERS: row('media.workers', 'integer'),
  MEDIA_PORT_MIN: row('media.ports.min', 'integer'),
  MEDIA_PORT_MAX: row('media.ports.max', 'integer'),
  MEDIA_BIND_HOST: row('media.networks.default.bindHost'),
  MEDIA_ADVERTISED_HOST: row('media.networks.default.advertisedHost'),
  LEDGER_FILE: row('ledger.file'),
  LOG_LEVEL: row('log.level'),
  LOG_FILE: row('log.file'),
  ADMIN_ENABLED: row('admin.enabled', 'boolean'),
  ADMIN_HOST: row('admin.host'),
  ADMIN_PORT: row('admin.port', 'integer'),
};

/** The variable that sets the key at `path`, if there is one. */
export function variableOf(path: KeyPath): string | null {
  const wanted = path.map(part => (typeof part === 'number' ? '*' : part)).join('.');
  const entry = Object.entries(ENVIRONMENT).find(([, { path: key }]) => key.join('.') === wanted);
  return entry === undefined ? null : ENVIRONMENT_PREFIX + entry[0];
}

/** What {@link applyEnvironment} did. */
export interface AppliedEnvironment {
  readonly root: unknown;
  readonly problems: readonly ConfigProblem[];
  /** Which variable set the value at a path (as a JSON array of its parts). */
  readonly variables: ReadonlyMap<string, string>;
}

/**
 * Lays the variables of the table over the plain tree of the file. Unknown variables with our prefix are
 * problems, except those that the file itself refers to by `${…}`.
 */
export function applyEnvironment(
  root: unknown,
  env: Environment,
  referredTo: ReadonlySet<string>,
): AppliedEnvironment {
  const problems: ConfigProblem[] = [];
  const variables = new Map<string, string>();
  const tree: Record<string, unknown> = { '': root ?? {} };
  const settings = Object.entries(env).filter(([variable]) =>
    variable.startsWith(ENVIRONMENT_PREFIX),
  );
  if (settings.length > 0) {
    // The caller's tree stays as it is. Users may be many: only what a variable can set is copied.
    tree[''] = withCopies(tree['']);
  }
  for (const [variable, value] of settings) {
    if (value === undefined || value === '') {
      continue;
    }
    const name = variable.slice(ENVIRONMENT_PREFIX.length);
    const target = Object.hasOwn(ENVIRONMENT, name) ? ENVIRONMENT[name] : undefined;
    if (target !== undefined) {
      for (const path of assign(tree[''], target.path, convert(value, target.type))) {
        variables.set(JSON.stringify(path), variable);
      }
    } else if (!referredTo.has(variable)) {
      problems.push(unknownVariable(variable, name));
    }
  }
  return { root: tree[''], problems, variables };
}

function withCopies(root: unknown): unknown {
  const sections = new Set(Object.values(ENVIRONMENT).map(({ path }) => path[0]));
  return isMapping(root)
    ? Object.fromEntries(
        Object.entries(root).map(([key, value]) => [
          key,
          sections.has(key) ? structuredClone(value) : value,
        ]),
      )
    : root;
}

function unknownVariable(variable: string, name: string): ConfigProblem {
  const meant = nearest(name, Object.keys(ENVIRONMENT));
  const hint = meant === null ? '' : `; did you mean ${ENVIRONMENT_PREFIX}${meant}?`;
  return { source: variable, line: null, path: '', message: `is not a known variable${hint}` };
}

/** Values that do not look like their type stay text: the schema says what is wrong with them. */
function convert(value: string, type: EnvironmentRow['type']): unknown {
  if (type === 'integer' && /^-?\d{1,15}$/.test(value)) {
    return Number(value);
  }
  if (type === 'boolean' && (value === 'true' || value === 'false')) {
    return value === 'true';
  }
  return value;
}

/** @returns the paths that were set: none when the way there leads through something that is no mapping. */
function assign(node: unknown, path: KeyPath, value: unknown, walked: KeyPath = []): KeyPath[] {
  const [key, ...rest] = path;
  if (key === '*' && Array.isArray(node)) {
    return node.flatMap((element, i) => assign(element, rest, value, [...walked, i]));
  }
  if (!isMapping(node) || key === undefined) {
    return [];
  }
  if (rest.length === 0) {
    node[key] = value;
    return [[...walked, key]];
  }
  if (!Object.hasOwn(node, key)) {
    node[key] = missingContainer([...walked, key]);
  }
  return assign(node[key], rest, value, [...walked, key]);
}

/** What the variable is laid over when the file says nothing there: our defaults where they are a list or map. */
function missingContainer(path: KeyPath): unknown {
  switch (path.join('.')) {
    case 'sip.listeners':
      return structuredClone(DEFAULTS.sip.listeners);
    case 'media.networks':
      return structuredClone(DEFAULTS.media.networks);
    default:
      return {};
  }
}
