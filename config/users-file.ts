import { readFileSync, statSync } from 'node:fs';
import { errorMessage, type SlicedWork } from '#core';
import { csvRows } from './csv';
import { isMapping } from './key-path';
import { parseYamlSource } from './yaml-source';

/** Larger files are refused (100 000 users with everything set take some 60 MB). */
const MAX_FILE_BYTES = 256 * 1024 * 1024;
const MAX_LINE_CHARS = 64 * 1024;
const USER_ID = /^[A-Za-z0-9][A-Za-z0-9._@-]{0,127}$/;
/** More of the same is no news. */
const MAX_PROBLEMS = 200;

/** Users of one organisation from a file of their own; keys as under `users` in the configuration. */
export interface UsersFile {
  readonly file: string;
  readonly users: Readonly<Record<string, unknown>>;
  /** 1-based line of each user. */
  readonly lines: ReadonlyMap<string, number>;
  /** What is wrong with the file itself; values are the schema's business. */
  readonly problems: readonly { readonly line: number | null; readonly message: string }[];
}

/**
 * Reads users from `.jsonl` (one object a line, its `id` is the user's name), `.csv` (a header of `id` and key paths such as
 * `recording.mode`; several identities with `|` between them) or `.yaml` (a mapping of names; slow for many). Never throws.
 */
export function* readUsersFile(file: string): SlicedWork<UsersFile> {
  const collector = new Collector(file);
  try {
    const { size } = statSync(file);
    if (size > MAX_FILE_BYTES) {
      collector.complain(null, `has ${size} bytes; at most ${MAX_FILE_BYTES} are accepted`);
    } else {
      yield* readUsers(readFileSync(file, 'utf8'), file, collector);
    }
  } catch (error) {
    collector.complain(null, `cannot be read: ${errorMessage(error)}`);
  }
  return collector;
}

function* readUsers(text: string, file: string, collector: Collector): SlicedWork<void> {
  if (/\.(jsonl|ndjson)$/i.test(file)) {
    yield* readJsonLines(text, collector);
  } else if (/\.csv$/i.test(file)) {
    yield* readCsv(text, collector);
  } else if (/\.ya?ml$/i.test(file)) {
    readYaml(text, file, collector);
  } else {
    collector.complain(null, 'must be named .jsonl, .csv or .yaml');
  }
}

function* readJsonLines(text: string, collector: Collector): SlicedWork<void> {
  let line = 0;
  for (let start = 0; start < text.length;) {
    const newline = text.indexOf('\n', start);
    const end = newline < 0 ? text.length : newline;
    line++;
    yield;
    const content = text.slice(start, end).trim();
    start = end + 1;
    if (content === '' || (line === 1 && content === '\ufeff')) {
      continue;
    }
    if (content.length > MAX_LINE_CHARS) {
      collector.complain(line, `is longer than ${MAX_LINE_CHARS} characters`);
      continue;
    }
    let value: unknown;
    try {
      value = JSON.parse(content);
    } catch {
      collector.complain(line, 'is not valid JSON; write one object a line');
      continue;
    }
    if (!isMapping(value)) {
      collector.complain(line, 'must be an object such as {"id": "alice", "identities": ["1001"]}');
      continue;
    }
    const { id, ...user } = value;
    collector.add(line, id, user);
  }
}

function* readCsv(text: string, collector: Collector): SlicedWork<void> {
  const rows = csvRows(text);
  const header = rows.next();
  const columns = header.done === true ? [] : header.value.cells.map(cell => cell.trim());
  if (!columns.includes('id')) {
    collector.complain(1, 'must have a first line that names the columns, one of them id');
    return;
  }
  for (const { line, cells } of rows) {
    yield;
    if (cells.length !== columns.length) {
      collector.complain(line, `has ${cells.length} cells, but the header has ${columns.length}`);
      continue;
    }
    const user: Record<string, unknown> = {};
    let id = '';
    columns.forEach((column, i) => {
      const cell = (cells[i] ?? '').trim();
      if (column === 'id') {
        id = cell;
      } else if (cell !== '') {
        setPath(user, column.split('.'), cellValue(column, cell));
      }
    });
    collector.add(line, id, user);
  }
}

function readYaml(text: string, file: string, collector: Collector): void {
  const source = parseYamlSource(text, file, {});
  source.problems.forEach(({ line, message }) => collector.complain(line, message));
  if (!isMapping(source.root)) {
    if (source.problems.length === 0 && source.root !== null) {
      collector.complain(null, 'must be a mapping of user names');
    }
    return;
  }
  for (const [id, user] of Object.entries(source.root)) {
    collector.add(source.lineOf([id]) ?? 1, id, user);
  }
}

function cellValue(column: string, cell: string): unknown {
  if (column === 'identities') {
    return cell.split('|').map(identity => identity.trim());
  }
  if (cell === 'true' || cell === 'false') {
    return cell === 'true';
  }
  return column.endsWith('intervalS') && /^\d{1,9}$/.test(cell) ? Number(cell) : cell;
}

function setPath(target: Record<string, unknown>, keys: readonly string[], value: unknown): void {
  const [key = '', ...rest] = keys;
  const current = Object.hasOwn(target, key) ? target[key] : undefined;
  const next = rest.length === 0 ? value : isMapping(current) ? current : {};
  Object.defineProperty(target, key, {
    value: next,
    enumerable: true,
    configurable: true,
    writable: true,
  });
  if (rest.length > 0 && isMapping(next)) {
    setPath(next, rest, value);
  }
}

class Collector implements UsersFile {
  readonly users: Record<string, unknown> = {};
  readonly lines = new Map<string, number>();
  readonly problems: { line: number | null; message: string }[] = [];

  constructor(readonly file: string) {}

  add(line: number, id: unknown, user: unknown): void {
    if (typeof id !== 'string' || !USER_ID.test(id)) {
      this.complain(
        line,
        id === undefined || id === ''
          ? 'has no id: the name of the user'
          : 'has an id that is no user name: 1 to 128 letters, digits, dots, dashes, underscores or @, in quotes',
      );
      return;
    }
    const earlier = this.lines.get(id);
    if (earlier !== undefined) {
      this.complain(line, `is the user ${id} again, who is in line ${earlier}`);
      return;
    }
    this.lines.set(id, line);
    this.users[id] = user;
  }

  complain(line: number | null, message: string): void {
    if (this.problems.length < MAX_PROBLEMS) {
      this.problems.push({ line, message });
    }
  }
}
