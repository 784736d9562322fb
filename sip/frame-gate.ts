import { type Clock, type Timer } from '#core';
import { SipError } from './errors';

/** From this size on a frame goes alone: the server may still be reading it when the next arrives. */
const LONE_FRAME_BYTES = 4_000;
/** How long the server may take to say that it has read a lone frame. */
const LONE_FRAME_DEADLINE_MS = 1_000;
/** Frames that may wait behind a lone one; more means that the engine has stopped reading. */
const MAX_WAITING = 10_000;

/**
 * Keeps our frames within what a real drachtio-server can read: it never answers a frame above about 12 kB, and
 * drops the connection when more data follows a large one too closely. A frame above 4 kB is therefore followed by
 * nothing until the server's `response` frame to it (or one second) has passed. Order is kept.
 *
 * With `maxFrameBytes: null` (the embedded engine) everything passes at once.
 */
export class FrameGate {
  readonly #clock: Clock;
  readonly #maxFrameBytes: number | null;
  readonly #waiting: { bytes: number; send: (done: () => void) => void }[] = [];
  #loneTimer: Timer | null = null;

  constructor(options: { clock: Clock; maxFrameBytes: number | null }) {
    this.#clock = options.clock;
    this.#maxFrameBytes = options.maxFrameBytes;
  }

  /**
   * Sends now or in turn.
   * @param bytes size of the frame, or a little more
   * @param document what the frame carries, for the error
   * @param send writes the frame; calls `done` when the server has answered it
   * @throws SipError `REC_ERR_SIP_BODY_TOO_LARGE` (details.document, bytes, maxFrameBytes),
   *   `REC_ERR_SIP_ENGINE_LOST` when too many frames wait
   */
  pass(bytes: number, document: string, send: (done: () => void) => void): void {
    if (this.#maxFrameBytes === null) {
      send(() => undefined);
      return;
    }
    if (bytes > this.#maxFrameBytes) {
      throw new SipError(
        'REC_ERR_SIP_BODY_TOO_LARGE',
        `${document} needs a frame of ${bytes} bytes, the SIP engine takes ${this.#maxFrameBytes}`,
        { details: { document, bytes, maxFrameBytes: this.#maxFrameBytes } },
      );
    }
    if (this.#waiting.length >= MAX_WAITING) {
      throw new SipError('REC_ERR_SIP_ENGINE_LOST', 'the SIP engine has stopped reading');
    }
    this.#waiting.push({ bytes, send });
    this.#drain();
  }

  /** Forgets what waits; the connection that it was meant for is gone. */
  reset(): void {
    this.#waiting.length = 0;
    this.#loneTimer?.cancel();
    this.#loneTimer = null;
  }

  #drain(): void {
    while (this.#loneTimer === null) {
      const next = this.#waiting.shift();
      if (next === undefined) {
        return;
      }
      if (next.bytes <= LONE_FRAME_BYTES) {
        next.send(() => undefined);
        continue;
      }
      const timer = this.#clock.setTimer(LONE_FRAME_DEADLINE_MS, () => this.#release(timer));
      this.#loneTimer = timer;
      next.send(() => this.#release(timer));
    }
  }

  #release(timer: Timer): void {
    if (this.#loneTimer === timer) {
      timer.cancel();
      this.#loneTimer = null;
      this.#drain();
    }
  }
}
