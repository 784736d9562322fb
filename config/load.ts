import { crossCheck } from './cross-checks';
import { applyEnvironment, type AppliedEnvironment, type Environment } from './environment';
import { ConfigError, type ConfigProblem } from './errors';
import { describeIssue, type PlacedMessage } from './issue-text';
import { formatPath, type KeyPath } from './key-path';
import { configSchema, type GatewayConfig } from './schema';
import { parseYamlSource, readYamlSource, type YamlSource } from './yaml-source';

export interface LoadOptions {
  /** Path of the YAML file. */
  readonly file: string;
  /** Variables that override the file and that it may refer to; usually `process.env`. */
  readonly env: Environment;
}

/**
 * Reads, checks and freezes the configuration: file, then environment, then defaults.
 * @throws ConfigError (`REC_ERR_CONFIG_INVALID`) with every problem at once.
 */
export function loadConfig({ file, env }: LoadOptions): GatewayConfig {
  return checkConfig(readYamlSource(file, env), file, env);
}

/**
 * As {@link loadConfig} for YAML text in hand; `name` stands for the file in problems.
 * @throws ConfigError (`REC_ERR_CONFIG_INVALID`) with every problem at once.
 */
export function parseConfig(text: string, name: string, env: Environment = {}): GatewayConfig {
  return checkConfig(parseYamlSource(text, name, env), name, env);
}

function checkConfig(source: YamlSource, file: string, env: Environment): GatewayConfig {
  const applied = applyEnvironment(source.root, env, source.referredTo);
  // A file that is not even YAML has no keys worth checking.
  if (source.problems.some(problem => problem.path === '')) {
    throw new ConfigError(source.problems);
  }
  const result = configSchema.safeParse(applied.root, { reportInput: true });
  const ofSchema = result.success ? [] : result.error.issues.flatMap(describeIssue);
  const ofSubstitution = new Set(source.problems.map(problem => problem.path));
  const placed = [...ofSchema, ...withoutEchoes(crossCheck(applied.root), ofSchema)]
    .map(message => toProblem(message, source, file, applied))
    .filter(problem => !ofSubstitution.has(problem.path));
  const problems = [...source.problems, ...applied.problems, ...unique(placed)];
  if (!result.success || problems.length > 0) {
    throw new ConfigError(
      problems.sort((a, b) => (a.line ?? Infinity) - (b.line ?? Infinity) || 0),
    );
  }
  return deepFreeze(result.data) as GatewayConfig;
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
  source: YamlSource,
  file: string,
  applied: AppliedEnvironment,
): ConfigProblem {
  const variable = applied.variables.get(JSON.stringify(path));
  return variable === undefined
    ? { source: file, line: source.lineOf(path), path: formatPath(path), message }
    : { source: variable, line: null, path: formatPath(wildcard(path)), message };
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
