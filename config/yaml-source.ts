import { readFileSync, statSync } from 'node:fs';
import { errorMessage } from '#core';
import {
  type Document,
  isAlias,
  isMap,
  isNode,
  isPair,
  isScalar,
  isSeq,
  LineCounter,
  type Pair,
  parseDocument,
  visit,
} from 'yaml';
import { type Environment } from './environment';
import { ConfigError, type ConfigProblem } from './errors';
import { formatPath, type KeyPath } from './key-path';

/** Larger files are refused (100 000 users take about 20 MB). */
const MAX_FILE_BYTES = 64 * 1024 * 1024;

/** A YAML file as a plain tree that still knows its lines. */
export interface YamlSource {
  readonly root: unknown;
  readonly problems: readonly ConfigProblem[];
  /** Variables that the file refers to by `${NAME}`. */
  readonly referredTo: ReadonlySet<string>;
  /** 1-based line of the key at `path`, or of the nearest key above it. */
  lineOf(path: KeyPath): number | null;
}

/**
 * Reads a YAML file and puts environment variables in place of `${NAME}` in its strings (`$${` is a
 * literal `${`). @throws ConfigError when the file cannot be read.
 */
export function readYamlSource(file: string, env: Environment): YamlSource {
  return parseYamlSource(readText(file), file, env);
}

/** As {@link readYamlSource}, for text that was read already. */
export function parseYamlSource(text: string, file: string, env: Environment): YamlSource {
  const lines = new LineCounter();
  const document = parseDocument(text, {
    lineCounter: lines,
    prettyErrors: false,
    // The parser compares every key with every other, which takes minutes for 100 000 users; see below.
    uniqueKeys: false,
  });
  const problems: ConfigProblem[] = [...document.errors, ...document.warnings].map(error => ({
    source: file,
    line: lines.linePos(error.pos[0]).line,
    path: '',
    message: `is not valid YAML: ${lowerFirst(error.message)}`,
  }));
  const lineOf = (path: KeyPath): number | null => lineOfPath(document, lines, path);
  const referredTo = new Set<string>();
  if (problems.length === 0) {
    problems.push(
      ...badKeys(document, file, lines),
      ...(text.includes('${') ? substitute(document, file, env, referredTo, lines) : []),
    );
  }
  // What is broken as a whole has no values worth reading.
  const isBroken = problems.some(problem => problem.path === '');
  try {
    const root: unknown = isBroken ? null : document.toJS({ maxAliasCount: 1000 });
    return { root, problems, referredTo, lineOf };
  } catch (error) {
    const message = `is not usable YAML: ${lowerFirst(errorMessage(error))}`;
    problems.push({ source: file, line: null, path: '', message });
    return { root: null, problems, referredTo, lineOf };
  }
}

function readText(file: string): string {
  try {
    const bytes = statSync(file).size;
    if (bytes > MAX_FILE_BYTES) {
      throw new Error(`it has ${bytes} bytes; at most ${MAX_FILE_BYTES} are accepted`);
    }
    return readFileSync(file, 'utf8');
  } catch (error) {
    const message = `cannot be read: ${errorMessage(error)}`;
    throw new ConfigError([{ source: file, line: null, path: '', message }]);
  }
}

/** Keys that are there twice (the last would silently win) or are no plain names. */
function badKeys(document: Document, file: string, lines: LineCounter): ConfigProblem[] {
  const problems: ConfigProblem[] = [];
  const complain = (pair: Pair, message: string): void => {
    const offset = startOf(pair.key);
    const line = offset === null ? null : lines.linePos(offset).line;
    problems.push({ source: file, line, path: '', message });
  };
  visit(document, {
    Map(_key, map) {
      const seen = new Set<string>();
      for (const pair of map.items) {
        const key = keyText(pair);
        if (!isScalar(pair.key)) {
          complain(pair, 'has a key that is no plain name');
        } else if (seen.has(key)) {
          complain(pair, `is not valid YAML: the key ${JSON.stringify(key)} is there twice`);
        }
        seen.add(key);
      }
    },
  });
  return problems;
}

function substitute(
  document: Document,
  file: string,
  env: Environment,
  referredTo: Set<string>,
  lines: LineCounter,
): ConfigProblem[] {
  const problems: ConfigProblem[] = [];
  visit(document, {
    Scalar(key, node, ancestors) {
      if (key === 'key' || typeof node.value !== 'string' || !node.value.includes('${')) {
        return;
      }
      const line = node.range ? lines.linePos(node.range[0]).line : null;
      const complain = (message: string): void => {
        problems.push({
          source: file,
          line,
          path: formatPath(pathOf([...ancestors, node])),
          message,
        });
      };
      node.value = node.value.replace(
        /\$(\$\{)|\$\{([A-Za-z_]\w*)\}|\$\{/g,
        (all: string, escaped: string | undefined, name: string | undefined) => {
          if (escaped !== undefined) {
            return escaped;
          }
          if (name === undefined) {
            complain('has a broken variable reference; write ${NAME}, or $${ for a literal ${');
            return all;
          }
          referredTo.add(name);
          const value = env[name];
          if (value === undefined || value === '') {
            complain(`needs the environment variable ${name}, which is not set`);
          }
          return value ?? '';
        },
      );
    },
  });
  return problems;
}

/** The key path of the last node, given all nodes from the document down to it. */
function pathOf(nodes: readonly unknown[]): KeyPath {
  return nodes.flatMap((node, i): KeyPath => {
    if (isSeq(node)) {
      return [node.items.indexOf(nodes[i + 1])];
    }
    return isPair(node) ? [keyText(node)] : [];
  });
}

function lineOfPath(document: Document, lines: LineCounter, path: KeyPath): number | null {
  let node: unknown = document.contents;
  let offset = startOf(node);
  for (const part of path) {
    if (isAlias(node)) {
      node = node.resolve(document);
    }
    let place: unknown;
    if (isMap(node)) {
      const pair = node.items.find(item => keyText(item) === String(part));
      place = pair?.key;
      node = pair?.value;
    } else if (isSeq(node)) {
      place = node = node.items[Number(part)];
    }
    const start = startOf(place);
    if (start === null) {
      break;
    }
    offset = start;
  }
  return offset === null ? null : lines.linePos(offset).line;
}

function startOf(node: unknown): number | null {
  return isNode(node) ? (node.range?.[0] ?? null) : null;
}

function keyText(pair: Pair): string {
  return String(isScalar(pair.key) ? pair.key.value : pair.key);
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}
