import { type MessageLimits } from '../limits';
import { headerKey, trimBlanks } from '../message';

export type Frame =
  | { readonly kind: 'message'; readonly bytes: Buffer }
  /** CRLFCRLF: a keepalive that wants an answer (RFC 5626 §3.5.1). */
  | { readonly kind: 'ping' }
  /** The stream cannot be followed any more. `head` is the message's head, if it was complete. */
  | {
      readonly kind: 'broken';
      readonly reason: 'missing-content-length' | 'bad-content-length' | 'too-large';
      readonly status: number;
      readonly head: Buffer | null;
    };

const CRLF_CRLF = Buffer.from('\r\n\r\n');
const CR = 0x0d;
const LF = 0x0a;

/**
 * Cuts a byte stream into SIP messages by Content-Length (RFC 3261 §18.3). Holds at most one message's
 * worth of bytes; work is linear in what comes in, however it is sliced.
 */
export class StreamFramer {
  readonly #limits: MessageLimits;
  #buffer = Buffer.alloc(4096);
  #length = 0;
  /** Up to here there is no end of the head. */
  #scanned = 0;
  /** Length of the message that has begun, once its head is known. */
  #expected: number | null = null;
  #broken = false;

  constructor(limits: MessageLimits) {
    this.#limits = limits;
  }

  /** Whether a message has begun and not ended. */
  get isHalfRead(): boolean {
    return this.#length > 0 && this.#buffer[0] !== CR;
  }

  /** Takes the next bytes. After a `broken` frame everything is ignored. */
  push(chunk: Buffer): readonly Frame[] {
    const frames: Frame[] = [];
    if (this.#broken) {
      return frames;
    }
    this.#append(chunk);
    let used = 0;
    for (;;) {
      const taken = this.#next(used, frames);
      if (taken === 0) {
        break;
      }
      used += taken;
      this.#scanned = 0;
    }
    this.#buffer.copyWithin(0, used, this.#length);
    this.#length -= used;
    return frames;
  }

  /** Takes one thing from `start`. @returns how many bytes it had; 0: more bytes are needed */
  #next(start: number, frames: Frame[]): number {
    const data = this.#buffer.subarray(start, this.#length);
    if (this.#expected !== null) {
      return this.#takeMessage(data, this.#expected, frames);
    }
    if (data[0] === CR && (data.length < 2 || data[1] === LF)) {
      if (data.length < 2) {
        return 0;
      }
      if (data[2] === CR && data[3] === LF) {
        frames.push({ kind: 'ping' });
        return 4;
      }
      // A single CRLF is a pong, or stands before a start line: ignored (RFC 3261 §7.5). At the end of
      // what we have it is kept, because the other half of a ping may come in the next read.
      return data.length === 2 || (data.length === 3 && data[2] === CR) ? 0 : 2;
    }
    const headEnd = data.indexOf(CRLF_CRLF, Math.max(0, this.#scanned - 3));
    if (headEnd < 0) {
      this.#scanned = data.length;
      if (data.length > this.#limits.messageBytes) {
        this.#break(frames, 'too-large', 513, null);
      }
      return 0;
    }
    const headBytes = headEnd + CRLF_CRLF.length;
    const head = data.subarray(0, headBytes);
    if (headBytes > this.#limits.messageBytes) {
      this.#break(frames, 'too-large', 513, Buffer.from(head));
      return 0;
    }
    const bodyBytes = contentLength(head);
    if (bodyBytes === null || bodyBytes === 'bad') {
      const reason = bodyBytes === null ? 'missing-content-length' : 'bad-content-length';
      this.#break(frames, reason, 400, Buffer.from(head));
      return 0;
    }
    if (headBytes + bodyBytes > this.#limits.messageBytes) {
      this.#break(frames, 'too-large', 513, Buffer.from(head));
      return 0;
    }
    return this.#takeMessage(data, headBytes + bodyBytes, frames);
  }

  #takeMessage(data: Buffer, length: number, frames: Frame[]): number {
    if (data.length < length) {
      this.#expected = length;
      return 0;
    }
    this.#expected = null;
    frames.push({ kind: 'message', bytes: Buffer.from(data.subarray(0, length)) });
    return length;
  }

  #break(
    frames: Frame[],
    reason: 'missing-content-length' | 'bad-content-length' | 'too-large',
    status: number,
    head: Buffer | null,
  ): void {
    this.#broken = true;
    frames.push({ kind: 'broken', reason, status, head });
  }

  #append(chunk: Buffer): void {
    const needed = this.#length + chunk.length;
    if (needed > this.#buffer.length) {
      const grown = Buffer.alloc(Math.max(needed, this.#buffer.length * 2));
      this.#buffer.copy(grown, 0, 0, this.#length);
      this.#buffer = grown;
    }
    chunk.copy(this.#buffer, this.#length);
    this.#length = needed;
  }
}

/**
 * The Content-Length of a head; null: none; `bad`: not a number, or two that differ. It sees the same
 * header lines as the parser does, so that both always agree about where a message ends.
 */
function contentLength(head: Buffer): number | null | 'bad' {
  let found: number | null = null;
  const lines = head.toString('latin1').split('\r\n');
  for (let i = 1; i < lines.length; i++) {
    const line = lines[i] ?? '';
    const colon = line.indexOf(':');
    if (colon < 0 || headerKey(trimBlanks(line.slice(0, colon))) !== 'content-length') {
      continue;
    }
    let text = line.slice(colon + 1);
    while (/^[ \t]/.test(lines[i + 1] ?? '')) {
      i++;
      text += lines[i] ?? '';
    }
    text = trimBlanks(text);
    const value = /^\d{1,9}$/.test(text) ? Number(text) : null;
    if (value === null || (found !== null && found !== value)) {
      return 'bad';
    }
    found = value;
  }
  return found;
}
