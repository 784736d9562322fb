import { headerKey } from './header-names';
import { splitList } from './grammar';

/** One header of a message. */
export interface HeaderEntry {
  /** As written, possibly a compact form. */
  readonly name: string;
  /** Full name in lower case. */
  readonly key: string;
  /** Unfolded and trimmed. */
  readonly value: string;
  /** The line(s) exactly as received, without the final CRLF; null: just `name: value`. */
  readonly raw: string | null;
}

/**
 * The headers of a message in their order (RFC 3261 §7.3). Names are found in any case and in compact
 * form. A header that was received and not changed is written again exactly as it came.
 */
export class HeaderList {
  #entries: HeaderEntry[];

  constructor(entries: readonly HeaderEntry[] = []) {
    this.#entries = [...entries];
  }

  /** A list of `[name, value]` pairs in that order. */
  static of(...pairs: readonly (readonly [string, string])[]): HeaderList {
    const list = new HeaderList();
    for (const [name, value] of pairs) {
      list.append(name, value);
    }
    return list;
  }

  get size(): number {
    return this.#entries.length;
  }

  entries(): readonly HeaderEntry[] {
    return this.#entries;
  }

  has(name: string): boolean {
    const key = headerKey(name);
    return this.#entries.some(entry => entry.key === key);
  }

  /** The value of the first header of that name, or null. */
  get(name: string): string | null {
    const key = headerKey(name);
    return this.#entries.find(entry => entry.key === key)?.value ?? null;
  }

  /** The values of all headers of that name, one per header line. */
  getAll(name: string): readonly string[] {
    const key = headerKey(name);
    return this.#entries.filter(entry => entry.key === key).map(entry => entry.value);
  }

  /** The elements of a comma-separated header over all its lines (RFC 3261 §7.3.1). */
  getList(name: string): readonly string[] {
    return this.getAll(name).flatMap(value => splitList(value));
  }

  /** Puts `value` where the first header of that name stands (or last), and removes the others. */
  set(name: string, value: string): this {
    const entry = makeEntry(name, value);
    const at = this.#entries.findIndex(other => other.key === entry.key);
    if (at < 0) {
      this.#entries.push(entry);
      return this;
    }
    this.#entries = this.#entries.filter((other, index) => other.key !== entry.key || index === at);
    this.#entries[at] = entry;
    return this;
  }

  /** Replaces the value of the first header of that name only; the others stay. No effect without one. */
  replaceFirst(name: string, value: string): this {
    const entry = makeEntry(name, value);
    const at = this.#entries.findIndex(other => other.key === entry.key);
    if (at >= 0) {
      this.#entries[at] = entry;
    }
    return this;
  }

  append(name: string, value: string): this {
    this.#entries.push(makeEntry(name, value));
    return this;
  }

  /** Adds an entry as it is, e.g. one of another message. */
  appendEntry(entry: HeaderEntry): this {
    this.#entries.push(entry);
    return this;
  }

  prepend(name: string, value: string): this {
    this.#entries.unshift(makeEntry(name, value));
    return this;
  }

  remove(name: string): this {
    const key = headerKey(name);
    this.#entries = this.#entries.filter(entry => entry.key !== key);
    return this;
  }

  clone(): HeaderList {
    return new HeaderList(this.#entries);
  }

  /** The header lines, each ended by CRLF. */
  toString(): string {
    let text = '';
    for (const entry of this.#entries) {
      text += `${entry.raw ?? `${entry.name}: ${entry.value}`}\r\n`;
    }
    return text;
  }
}

function makeEntry(name: string, value: string): HeaderEntry {
  // A line break in a value would let its author write headers of his own.
  return { name, key: headerKey(name), value: value.replace(/[\r\n]+[ \t]*/g, ' '), raw: null };
}
