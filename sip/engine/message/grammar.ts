/** Shared pieces of the header grammar (RFC 3261 §25.1): pure, linear in their input, never throwing. */

/** A method, a header name, a parameter name. */
const TOKEN = /^[A-Za-z0-9\-.!%*_+`'~]+$/;

/** A whole quoted string. */
const QUOTED = /^"(?:[^"\\]|\\.)*"$/s;

export function isToken(text: string): boolean {
  return TOKEN.test(text);
}

/**
 * Without spaces and tabs at both ends: what SIP calls white space, unlike trim() with its Unicode blanks.
 * No regular expression, because on a long run of blanks inside it would take quadratic time.
 */
export function trimBlanks(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && isBlank(text[start])) {
    start++;
  }
  while (end > start && isBlank(text[end - 1])) {
    end--;
  }
  return text.slice(start, end);
}

function isBlank(char: string | undefined): boolean {
  return char === ' ' || char === '\t';
}

/**
 * Splits at `separator` where it stands neither in a quoted string nor between `<` and `>`. Elements are
 * trimmed; empty ones are left out (RFC 3261 §25.1 lets a list have none, but peers do send them).
 */
export function splitList(text: string, separator = ','): readonly string[] {
  if (!text.includes(separator)) {
    const only = text.trim();
    return only === '' ? [] : [only];
  }
  const parts: string[] = [];
  let start = 0;
  let quoted = false;
  let bracketed = false;
  const take = (end: number): void => {
    const part = text.slice(start, end).trim();
    if (part !== '') {
      parts.push(part);
    }
  };
  for (let i = 0; i < text.length; i++) {
    const char = text[i];
    if (quoted) {
      if (char === '\\') {
        i++;
      } else if (char === '"') {
        quoted = false;
      }
    } else if (char === '"' && !bracketed) {
      quoted = true;
    } else if (char === '<') {
      bracketed = true;
    } else if (char === '>') {
      bracketed = false;
    } else if (char === separator && !bracketed) {
      take(i);
      start = i + 1;
    }
  }
  take(text.length);
  return parts;
}

/** Parameters in their order; names in lower case, values as written; null: a parameter without a value. */
export type Params = ReadonlyMap<string, string | null>;

/**
 * Parses `;a=b;c` (with or without the first semicolon). The first of two equal names wins.
 * @param namePattern what a name may look like; default: a token
 * @returns null when a name is not one, or a value has a quote that is not closed: what is appended to such
 *   a header later, a tag above all, would become part of the value.
 */
export function parseParams(text: string, namePattern = TOKEN): Params | null {
  const params = new Map<string, string | null>();
  for (const part of splitList(text, ';')) {
    const equals = part.indexOf('=');
    const name = (equals < 0 ? part : part.slice(0, equals)).trim().toLowerCase();
    const value = equals < 0 ? null : part.slice(equals + 1).trim();
    if (!namePattern.test(name) || (value?.includes('"') === true && !QUOTED.test(value))) {
      return null;
    }
    if (!params.has(name)) {
      params.set(name, value);
    }
  }
  return params;
}

/** `;a=b;c`, or the empty string. */
export function formatParams(params: Params): string {
  let text = '';
  for (const [name, value] of params) {
    text += value === null ? `;${name}` : `;${name}=${value}`;
  }
  return text;
}

/** Decimal digits up to `max`, or null. */
export function parseNumber(text: string, max: number): number | null {
  if (!/^\d{1,15}$/.test(text)) {
    return null;
  }
  const value = Number(text);
  return value <= max ? value : null;
}

/** `host`, `host:port`, `[v6]:port`. The host comes without brackets and in lower case. */
export function parseHostPort(text: string): { host: string; port: number | null } | null {
  const match =
    /^(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9_](?:[A-Za-z0-9._-]*)))\s*(?::\s*(\d{1,5}))?$/.exec(text);
  const host = match?.[1] ?? match?.[2];
  if (match === null || host === undefined) {
    return null;
  }
  if (match[3] === undefined) {
    return { host: host.toLowerCase(), port: null };
  }
  const port = parseNumber(match[3], 65_535);
  return port === null ? null : { host: host.toLowerCase(), port };
}

/** `host:port` with brackets around IPv6; without `port` the host alone. */
export function formatHostPort(host: string, port: number | null): string {
  const bracketed = host.includes(':') ? `[${host}]` : host;
  return port === null ? bracketed : `${bracketed}:${port}`;
}
