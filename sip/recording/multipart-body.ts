import { type IdSource } from '#core';
import { SipError } from '../errors';

/** One part to write. */
export interface MultipartPartToWrite {
  /** Value of the part's Content-Type. */
  readonly contentType: string;
  /** Value of the part's Content-Disposition, e.g. `recording-session` (RFC 7866 §9.1). */
  readonly disposition?: string;
  readonly body: string;
}

export interface WrittenMultipart {
  /** Value of the message's Content-Type, boundary included. */
  readonly contentType: string;
  readonly body: string;
}

/** One part as read. */
export interface MultipartPart {
  /** The part's header fields; names in lower case, values unfolded. The first of several wins. */
  readonly headers: Readonly<Record<string, string>>;
  /** Media type in lower case without parameters; `text/plain` when absent (RFC 2046 §5.1). */
  readonly mediaType: string;
  /** Disposition type in lower case without parameters, or null. */
  readonly disposition: string | null;
  /** The octets between the part's blank line and the line end before the next delimiter. */
  readonly body: Buffer;
  /** Parts of a nested multipart; empty otherwise. */
  readonly parts: readonly MultipartPart[];
}

export interface ReadMultipart {
  readonly parts: readonly MultipartPart[];
  /** false: the closing delimiter is missing (cut short, or a careless writer). */
  readonly closed: boolean;
}

export interface MultipartLimits {
  /** Octets of the whole body. */
  readonly maxBytes: number;
  /** Parts on all levels together. */
  readonly maxParts: number;
  /** Levels of multipart within multipart. */
  readonly maxDepth: number;
  /** Octets of the header of one part. */
  readonly maxHeaderBytes: number;
}

export const DEFAULT_MULTIPART_LIMITS: MultipartLimits = {
  maxBytes: 1_048_576,
  maxParts: 32,
  maxDepth: 4,
  maxHeaderBytes: 8_192,
};

/**
 * Writes a `multipart/mixed` body (RFC 2046 §5.1) with strict CRLF line ends and a boundary that occurs in
 * no part. Part bodies are taken as they are.
 */
export function writeMultipart(
  parts: readonly MultipartPartToWrite[],
  ids: IdSource,
): WrittenMultipart {
  let boundary: string;
  do {
    boundary = `part-${ids.uuid()}`;
  } while (parts.some(part => part.body.includes(boundary)));

  let body = '';
  for (const part of parts) {
    body += `--${boundary}\r\nContent-Type: ${part.contentType}\r\n`;
    if (part.disposition !== undefined) {
      body += `Content-Disposition: ${part.disposition}\r\n`;
    }
    body += `\r\n${part.body}\r\n`;
  }
  return {
    contentType: `multipart/mixed;boundary=${boundary}`,
    body: `${body}--${boundary}--\r\n`,
  };
}

/** Whether a Content-Type value names a multipart type. */
export function isMultipart(contentType: string | null | undefined): boolean {
  return contentType !== null && contentType !== undefined && /^\s*multipart\//i.test(contentType);
}

/**
 * Reads a multipart body (RFC 2046 §5.1): preamble and epilogue are skipped, bare LF line ends and blank
 * lines within parts are fine, a nested multipart is read too.
 *
 * @param contentType value of the message's Content-Type, with its boundary parameter
 * @param body a string is taken as UTF-8
 * @throws SipError `REC_ERR_SIP_BAD_MULTIPART`: no or unusable boundary, no delimiter found, a bound exceeded
 */
export function readMultipart(
  contentType: string,
  body: Buffer | string,
  limits: MultipartLimits = DEFAULT_MULTIPART_LIMITS,
): ReadMultipart {
  const bytes = typeof body === 'string' ? Buffer.from(body, 'utf8') : body;
  if (bytes.length > limits.maxBytes) {
    throw badMultipart('body too large', { bytes: bytes.length, maxBytes: limits.maxBytes });
  }
  return readLevel(contentType, bytes, limits, { partCount: 0, depth: 1 });
}

/** The first part, nested ones included, for which `test` holds. */
export function findPart(
  parts: readonly MultipartPart[],
  test: (part: MultipartPart) => boolean,
): MultipartPart | null {
  for (const part of parts) {
    const found = part.parts.length > 0 ? findPart(part.parts, test) : test(part) ? part : null;
    if (found !== null) {
      return found;
    }
  }
  return null;
}

interface Progress {
  partCount: number;
  readonly depth: number;
}

function readLevel(
  contentType: string,
  bytes: Buffer,
  limits: MultipartLimits,
  progress: Progress,
): ReadMultipart {
  const { ranges, closed } = splitAtDelimiters(bytes, boundaryOf(contentType));
  if (ranges.length === 0) {
    throw badMultipart('no part begins with the boundary', {});
  }
  const parts: MultipartPart[] = [];
  for (const { start, end } of ranges) {
    progress.partCount++;
    if (progress.partCount > limits.maxParts) {
      throw badMultipart('too many parts', { maxParts: limits.maxParts });
    }
    parts.push(readPart(bytes.subarray(start, end), limits, progress));
  }
  return { parts, closed };
}

function readPart(bytes: Buffer, limits: MultipartLimits, progress: Progress): MultipartPart {
  const { headers, bodyStart } = readPartHeader(bytes, limits.maxHeaderBytes);
  const contentType = headers['content-type'];
  const body = bytes.subarray(bodyStart);
  let parts: readonly MultipartPart[] = [];
  if (isMultipart(contentType)) {
    if (progress.depth >= limits.maxDepth) {
      throw badMultipart('nested too deeply', { maxDepth: limits.maxDepth });
    }
    const inner: Progress = { partCount: progress.partCount, depth: progress.depth + 1 };
    parts = readLevel(contentType ?? '', body, limits, inner).parts;
    progress.partCount = inner.partCount;
  }
  return {
    headers,
    mediaType: bareValue(contentType) ?? 'text/plain',
    disposition: bareValue(headers['content-disposition']),
    body,
    parts,
  };
}

interface Range {
  readonly start: number;
  /** Exclusive; the line end before the delimiter belongs to the delimiter (RFC 2046 §5.1.1). */
  readonly end: number;
}

/** Finds the octet ranges between the delimiter lines, one pass over the lines of the body. */
function splitAtDelimiters(
  bytes: Buffer,
  boundary: string,
): { ranges: readonly Range[]; closed: boolean } {
  // One character per octet, so that indices are octet offsets.
  const text = bytes.toString('latin1');
  const dashBoundary = `--${boundary}`;
  const ranges: Range[] = [];
  let partStart = -1;
  let lineStart = 0;
  while (lineStart <= text.length) {
    const newline = text.indexOf('\n', lineStart);
    const lineEnd = newline === -1 ? text.length : newline;
    const nextLine = newline === -1 ? text.length + 1 : newline + 1;
    if (text.startsWith(dashBoundary, lineStart)) {
      const rest = text.slice(lineStart + dashBoundary.length, lineEnd);
      const isClose = rest.startsWith('--');
      // Trailing white space is transport padding; anything else is another, longer boundary.
      if ((isClose ? rest.slice(2) : rest).trim() === '') {
        if (partStart !== -1) {
          ranges.push({ start: partStart, end: endBefore(text, partStart, lineStart) });
        }
        if (isClose) {
          return { ranges, closed: true };
        }
        partStart = Math.min(nextLine, text.length);
      }
    }
    lineStart = nextLine;
  }
  if (partStart !== -1) {
    ranges.push({ start: partStart, end: text.length });
  }
  return { ranges, closed: false };
}

function endBefore(text: string, partStart: number, delimiterStart: number): number {
  let end = delimiterStart;
  if (end > partStart && text[end - 1] === '\n') {
    end--;
    if (end > partStart && text[end - 1] === '\r') {
      end--;
    }
  }
  return end;
}

function readPartHeader(
  bytes: Buffer,
  maxHeaderBytes: number,
): { headers: Readonly<Record<string, string>>; bodyStart: number } {
  const text = bytes.subarray(0, maxHeaderBytes + 4).toString('latin1');
  const headers: Record<string, string> = {};
  let lastName: string | null = null;
  let position = 0;
  for (;;) {
    const newline = text.indexOf('\n', position);
    if (newline === -1) {
      if (bytes.length > maxHeaderBytes) {
        throw badMultipart('header of a part too large', { maxHeaderBytes });
      }
      // A header without a blank line after it: the part has no body.
      addHeaderLine(headers, text.slice(position), lastName);
      return { headers, bodyStart: bytes.length };
    }
    const line = text.slice(position, newline).replace(/\r$/, '');
    position = newline + 1;
    if (line === '') {
      return { headers, bodyStart: position };
    }
    lastName = addHeaderLine(headers, line, lastName);
  }
}

/** @returns the name that a folded next line would continue. */
function addHeaderLine(
  headers: Record<string, string>,
  line: string,
  lastName: string | null,
): string | null {
  if (/^[ \t]/.test(line)) {
    if (lastName !== null) {
      headers[lastName] = `${headers[lastName] ?? ''} ${line.trim()}`.trimStart();
    }
    return lastName;
  }
  const colon = line.indexOf(':');
  const name = line.slice(0, Math.max(colon, 0)).trim().toLowerCase();
  // Prototype names cannot be set by a peer, and a repeated field does not replace the first.
  if (!/^[\w.!%*+`'~-]+$/.test(name) || name === '__proto__' || Object.hasOwn(headers, name)) {
    return null;
  }
  headers[name] = line.slice(colon + 1).trim();
  return name;
}

function boundaryOf(contentType: string): string {
  const match = /;\s*boundary\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s;"]+))/i.exec(contentType);
  const boundary = match?.[1]?.replace(/\\(.)/g, '$1') ?? match?.[2] ?? '';
  // RFC 2046 §5.1.1: 1 to 70 characters of a fixed set, not ending with white space.
  if (!/^[0-9A-Za-z'()+_,\-./:=? ]{0,69}[0-9A-Za-z'()+_,\-./:=?]$/.test(boundary)) {
    throw badMultipart('no usable boundary', { contentType: contentType.slice(0, 200) });
  }
  return boundary;
}

function bareValue(value: string | undefined): string | null {
  const bare = value?.split(';', 1)[0]?.trim().toLowerCase();
  return bare === undefined || bare === '' ? null : bare;
}

function badMultipart(what: string, details: Record<string, unknown>): SipError {
  return new SipError('REC_ERR_SIP_BAD_MULTIPART', `bad multipart body: ${what}`, { details });
}
