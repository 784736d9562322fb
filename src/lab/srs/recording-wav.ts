import { type Clock } from '#core';
import { SAMPLES_PER_MS } from '../audio/pcm';
import { readWav } from '../audio/wav-reader';
import { WavWriter, writeWav } from '../audio/wav-writer';

/** With a busy event loop, what was received is in the file well within 100 ms: it survives the process's death. */
const FLUSH_MS = 50;

/**
 * The 2-channel WAV of a recording session by wall-clock time. Frame 0 is the first sample of the first packet;
 * it moves to an earlier time when a sender report shows that something belongs before it.
 */
export class RecordingWav {
  readonly path: string;
  readonly #clock: Clock;
  readonly #writer: WavWriter;
  #startWallMs: number | null = null;
  #misplacedSamples = 0;

  constructor(path: string, clock: Clock, maxFrames: number) {
    this.path = path;
    this.#clock = clock;
    this.#writer = new WavWriter({ path, channels: 2, clock, maxFrames, flushMs: FLUSH_MS });
  }

  /** Wall clock of frame 0, ms since the epoch; null before the first packet. */
  get startWallMs(): number | null {
    return this.#startWallMs;
  }

  /** Length so far. */
  get durationMs(): number {
    return this.#writer.frames / SAMPLES_PER_MS;
  }

  /** Samples that did not fit into the file, or could not be moved to where they belong. */
  get droppedSamples(): number {
    return this.#writer.droppedSamples + this.#misplacedSamples;
  }

  /** Puts samples of a channel (0 or 1) at a wall-clock time. */
  write(channel: number, wallMs: number, samples: Int16Array): void {
    this.#reachBack(wallMs);
    this.#writer.write(channel, this.#frameAt(wallMs), samples);
  }

  /** Moves what a channel holds between two instants by `byMs` (negative: earlier). */
  move(channel: number, fromWallMs: number, untilWallMs: number, byMs: number): void {
    this.#reachBack(fromWallMs + byMs);
    const [from, until] = [this.#frameAt(fromWallMs), this.#frameAt(untilWallMs)];
    const delta = this.#frameAt(fromWallMs + byMs) - from;
    if (!this.#writer.move(channel, from, until, delta)) {
      this.#misplacedSamples += until - from;
    }
  }

  /** Writes the recording to another file whose frame 0 is the instant `zeroAtMs` (ms since the epoch). */
  export(path: string, zeroAtMs: number): void {
    this.#writer.flush();
    const shift =
      this.#startWallMs === null ? 0 : Math.round((this.#startWallMs - zeroAtMs) * SAMPLES_PER_MS);
    const channels = readWav(this.path).channels.map(samples => {
      const shifted = new Int16Array(Math.max(0, samples.length + shift));
      shifted.set(samples.subarray(Math.max(0, -shift)), Math.max(0, shift));
      return shifted;
    });
    writeWav(path, channels, { clock: this.#clock });
  }

  close(): void {
    this.#writer.close();
  }

  #reachBack(wallMs: number): void {
    if (this.#startWallMs === null) {
      this.#startWallMs = wallMs;
    } else if (wallMs < this.#startWallMs) {
      const frames = Math.ceil((this.#startWallMs - wallMs) * SAMPLES_PER_MS);
      if (this.#writer.prepend(frames)) {
        this.#startWallMs -= frames / SAMPLES_PER_MS;
      }
    }
  }

  #frameAt(wallMs: number): number {
    return Math.round((wallMs - (this.#startWallMs ?? wallMs)) * SAMPLES_PER_MS);
  }
}
