import { SAMPLES_PER_MS } from './pcm';

const CHUNK_SAMPLES = 8000;

export interface AudioTrackOptions {
  /** Wall clock of the first possible sample, ms since the epoch. What is older is dropped. */
  readonly startWallMs: number;
  /** What is later than this after the start is dropped. Default 15 minutes. */
  readonly maxMs?: number;
}

/** What someone heard, kept in memory by wall-clock time (mono PCM16, 8 kHz). Gaps are silent. */
export class AudioTrack {
  readonly startWallMs: number;
  readonly #maxSamples: number;
  readonly #chunks: (Int16Array | undefined)[] = [];
  #endSample = 0;
  #droppedSamples = 0;

  constructor(options: AudioTrackOptions) {
    this.startWallMs = options.startWallMs;
    this.#maxSamples = (options.maxMs ?? 15 * 60_000) * SAMPLES_PER_MS;
  }

  /** Samples that lay outside the track. */
  get droppedSamples(): number {
    return this.#droppedSamples;
  }

  /** Wall clock of the end of the last sample, ms since the epoch. */
  get endWallMs(): number {
    return this.startWallMs + this.#endSample / SAMPLES_PER_MS;
  }

  /** Puts samples at a wall-clock time; what was there is replaced. */
  write(wallMs: number, samples: Int16Array): void {
    const first = this.#sampleAt(wallMs);
    if (first < 0 || first + samples.length > this.#maxSamples) {
      this.#droppedSamples += samples.length;
      return;
    }
    for (let done = 0; done < samples.length;) {
      const index = Math.floor((first + done) / CHUNK_SAMPLES);
      const offset = (first + done) % CHUNK_SAMPLES;
      const piece = samples.subarray(done, done + CHUNK_SAMPLES - offset);
      (this.#chunks[index] ??= new Int16Array(CHUNK_SAMPLES)).set(piece, offset);
      done += piece.length;
    }
    this.#endSample = Math.max(this.#endSample, first + samples.length);
  }

  /**
   * A copy of the samples from a wall-clock time on (default: the start), up to the last or to `untilWallMs`.
   * Before the track's start and after its end it is silent.
   */
  samples(fromWallMs = this.startWallMs, untilWallMs = this.endWallMs): Int16Array {
    const first = this.#sampleAt(fromWallMs);
    const out = new Int16Array(Math.max(0, this.#sampleAt(untilWallMs) - first));
    for (let i = 0; i < out.length; i += 1) {
      const position = first + i;
      const chunk = this.#chunks[Math.floor(position / CHUNK_SAMPLES)];
      out[i] = position < 0 ? 0 : (chunk?.[position % CHUNK_SAMPLES] ?? 0);
    }
    return out;
  }

  #sampleAt(wallMs: number): number {
    return Math.round((wallMs - this.startWallMs) * SAMPLES_PER_MS);
  }
}
