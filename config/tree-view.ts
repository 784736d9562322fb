import { isMapping, type KeyPath } from './key-path';

/**
 * A place in an unchecked tree. Reading never throws: what is missing or of another type reads as nothing,
 * because the schema already complains about it.
 */
export class TreeView {
  constructor(
    readonly value: unknown,
    readonly path: KeyPath = [],
  ) {}

  get exists(): boolean {
    return this.value !== undefined;
  }

  /** The value under a key of a mapping. */
  get(key: string): TreeView {
    const value =
      isMapping(this.value) && Object.hasOwn(this.value, key) ? this.value[key] : undefined;
    return new TreeView(value, [...this.path, key]);
  }

  /** Names and values of a mapping. */
  entries(): [string, TreeView][] {
    return isMapping(this.value)
      ? Object.keys(this.value).map(key => [key, this.get(key)] as [string, TreeView])
      : [];
  }

  /** As {@link entries}, one at a time: there may be very many. */
  *each(): Generator<[string, TreeView], void, undefined> {
    for (const key of isMapping(this.value) ? Object.keys(this.value) : []) {
      yield [key, this.get(key)];
    }
  }

  /** Elements of a list. */
  items(): TreeView[] {
    const value: unknown = this.value;
    return Array.isArray(value)
      ? value.map((item: unknown, i) => new TreeView(item, [...this.path, i]))
      : [];
  }

  text(): string | null {
    return typeof this.value === 'string' ? this.value : null;
  }

  number(): number | null {
    return typeof this.value === 'number' ? this.value : null;
  }
}
