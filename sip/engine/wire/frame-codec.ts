/**
 * Frames of the drachtio wire protocol: decimal byte length, `#`, payload, nothing after it. The payload
 * is a leader of tokens separated by `|`, and after the first CRLF possibly a SIP message.
 */

const HASH = 0x23;
const MAX_DIGITS = 7;

export function encodeFrame(payload: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`${payload.length}#`, 'latin1'), payload]);
}

/** Why a stream of frames cannot be followed. */
export type FrameFault = 'bad-length' | 'too-large';

/**
 * Cuts a byte stream into payloads. Holds at most one frame of `maxFrameBytes`; work is linear in what
 * comes in, however it is sliced.
 */
export class FrameDecoder {
  readonly #maxFrameBytes: number;
  #digits = '';
  #payload: Buffer | null = null;
  #filled = 0;
  #fault: FrameFault | null = null;

  constructor(maxFrameBytes: number) {
    this.#maxFrameBytes = maxFrameBytes;
  }

  /** Set once the stream is broken; everything after is ignored. */
  get fault(): FrameFault | null {
    return this.#fault;
  }

  push(chunk: Buffer): readonly Buffer[] {
    const frames: Buffer[] = [];
    let at = 0;
    while (at < chunk.length && this.#fault === null) {
      if (this.#payload === null) {
        this.#takeLength(chunk[at] ?? 0);
        at++;
      } else {
        const taken = chunk.copy(this.#payload, this.#filled, at);
        at += taken;
        this.#filled += taken;
      }
      if (this.#payload !== null && this.#filled === this.#payload.length) {
        frames.push(this.#payload);
        this.#payload = null;
      }
    }
    return frames;
  }

  #takeLength(byte: number): void {
    if (byte >= 0x30 && byte <= 0x39 && this.#digits.length < MAX_DIGITS) {
      this.#digits += String.fromCharCode(byte);
      return;
    }
    if (byte !== HASH || this.#digits === '') {
      this.#fault = 'bad-length';
      return;
    }
    const length = Number(this.#digits);
    this.#digits = '';
    if (length > this.#maxFrameBytes) {
      this.#fault = 'too-large';
      return;
    }
    this.#payload = Buffer.alloc(length);
    this.#filled = 0;
  }
}
