/** The encoding of the ng control protocol (bencode): integers, strings, lists and dictionaries. */
export type Bencoded = string | number | readonly Bencoded[] | { readonly [key: string]: Bencoded };

export function bencode(value: Bencoded): string {
  if (typeof value === 'number') {
    return `i${value}e`;
  }
  if (typeof value === 'string') {
    return `${Buffer.byteLength(value)}:${value}`;
  }
  if (isList(value)) {
    return `l${value.map(bencode).join('')}e`;
  }
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `d${entries.map(([key, entry]) => bencode(key) + bencode(entry)).join('')}e`;
}

/** @throws SyntaxError for anything that is not one whole value. */
export function bdecode(bytes: Buffer): Bencoded {
  let at = 0;
  const until = (mark: string): string => {
    const end = bytes.indexOf(mark, at);
    if (end < 0) {
      throw new SyntaxError(`no ${mark} after ${at}`);
    }
    const text = bytes.toString('latin1', at, end);
    at = end + 1;
    return text;
  };
  const read = (depth: number): Bencoded => {
    const first = String.fromCharCode(bytes[at] ?? 0);
    if (depth > 32) {
      throw new SyntaxError('nested too deeply');
    }
    if (/\d/.test(first)) {
      const length = Number(until(':'));
      at += length;
      if (at > bytes.length) {
        throw new SyntaxError('a string is cut off');
      }
      return bytes.toString('utf8', at - length, at);
    }
    at += 1;
    if (first === 'i') {
      return Number(until('e'));
    }
    if (first !== 'l' && first !== 'd') {
      throw new SyntaxError(`unknown type at ${at - 1}`);
    }
    const items: Bencoded[] = [];
    while (bytes[at] !== 'e'.charCodeAt(0)) {
      items.push(read(depth + 1));
    }
    at += 1;
    return first === 'l'
      ? items
      : Object.fromEntries(
          items.flatMap((key, i) =>
            i % 2 === 0 ? [[typeof key === 'string' ? key : '', items[i + 1] ?? '']] : [],
          ),
        );
  };
  const value = read(0);
  if (at !== bytes.length) {
    throw new SyntaxError('something follows');
  }
  return value;
}

function isList(value: Bencoded): value is readonly Bencoded[] {
  return Array.isArray(value);
}
