import { closeSync, openSync, readSync, writeSync } from 'node:fs';
import { type Clock, type Timer } from '#core';
import { BYTES_PER_SAMPLE, WAV_HEADER_BYTES, wavHeader } from './wav-format';

export interface WavWriterOptions {
  readonly path: string;
  /** Default 8000. */
  readonly sampleRateHz?: number;
  readonly channels: number;
  readonly clock: Clock;
  /** What was written is in the file after at most this long. Default 100 ms. */
  readonly flushMs?: number;
  /** Frames beyond this are dropped and counted. Default: 4 hours at 8 kHz. */
  readonly maxFrames?: number;
}

interface PendingBlock {
  readonly order: number;
  readonly channel: number;
  readonly frame: number;
  readonly samples: Int16Array;
}

/** Only this much at the beginning of a file can be moved afterwards (frames). */
const MAX_MOVABLE_FRAMES = 60 * 8000;

/**
 * A growing WAV file of several channels that are written independently, at any position and in any order.
 * Gaps are silent. After each flush the header tells the true length, so that the file is whole even when the
 * process is killed. File access is synchronous: a few system calls each 100 ms.
 */
export class WavWriter {
  readonly #descriptor: number;
  readonly #sampleRateHz: number;
  readonly #channels: number;
  readonly #clock: Clock;
  readonly #flushMs: number;
  readonly #maxFrames: number;
  #pending: PendingBlock[] = [];
  #timer: Timer | null = null;
  /** Frames in the file, and frames with everything that is pending. */
  #writtenFrames = 0;
  #frames = 0;
  #droppedSamples = 0;
  #closed = false;

  /** Creates or truncates the file. @throws the file system's error. */
  constructor(options: WavWriterOptions) {
    this.#sampleRateHz = options.sampleRateHz ?? 8000;
    this.#channels = options.channels;
    this.#clock = options.clock;
    this.#flushMs = options.flushMs ?? 100;
    this.#maxFrames = options.maxFrames ?? 4 * 3600 * 8000;
    this.#descriptor = openSync(options.path, 'w+');
    this.#writeHeader();
  }

  /** Length so far, in frames. */
  get frames(): number {
    return this.#frames;
  }

  /** Samples that came after close() or lay outside the file's bounds. */
  get droppedSamples(): number {
    return this.#droppedSamples;
  }

  /** Puts samples of one channel (0-based) at a position in frames. The samples are copied. */
  write(channel: number, frame: number, samples: Int16Array): void {
    const outside = frame < 0 || frame + samples.length > this.#maxFrames;
    if (this.#closed || outside || channel < 0 || channel >= this.#channels) {
      this.#droppedSamples += samples.length;
      return;
    }
    this.#pending.push({ order: this.#pending.length, channel, frame, samples: samples.slice() });
    this.#frames = Math.max(this.#frames, frame + samples.length);
    this.#timer ??= this.#clock.setTimer(this.#flushMs, () => {
      this.#timer = null;
      this.flush();
    });
  }

  /** Moves everything later by `frames` and leaves silence before it. @returns false when it is too late. */
  prepend(frames: number): boolean {
    this.flush();
    if (this.#closed || frames < 0 || this.#writtenFrames + frames > MAX_MOVABLE_FRAMES) {
      return false;
    }
    const content = this.#readFrames(0, this.#writtenFrames);
    const silenceBytes = Buffer.alloc(frames * this.#bytesPerFrame);
    this.#writeFrames(0, Buffer.concat([silenceBytes, content]));
    this.#writtenFrames += frames;
    this.#frames = this.#writtenFrames;
    this.#writeHeader();
    return true;
  }

  /**
   * Moves what one channel holds in `[fromFrame, toFrame)` by `delta` frames (negative: earlier).
   * @returns false, with nothing moved, when it lies too far back or would begin before the file.
   */
  move(channel: number, fromFrame: number, toFrame: number, delta: number): boolean {
    this.flush();
    const end = Math.min(toFrame, this.#writtenFrames);
    const tooMuch = end - fromFrame > MAX_MOVABLE_FRAMES || end + delta > this.#maxFrames;
    if (this.#closed || fromFrame < 0 || fromFrame + delta < 0 || tooMuch) {
      return false;
    }
    if (end <= fromFrame || delta === 0) {
      return true;
    }
    const samples = this.#readChannel(channel, fromFrame, end);
    this.write(channel, fromFrame, new Int16Array(samples.length));
    this.write(channel, fromFrame + delta, samples);
    this.flush();
    return true;
  }

  /** Brings what is pending into the file, header included. */
  flush(): void {
    this.#timer?.cancel();
    this.#timer = null;
    const blocks = this.#pending;
    this.#pending = [];
    if (this.#closed || blocks.length === 0) {
      return;
    }
    for (const group of neighbours(blocks)) {
      this.#overlay(group);
    }
    this.#writtenFrames = this.#frames;
    this.#writeHeader();
  }

  /** Flushes and closes the file. Idempotent. */
  close(): void {
    if (!this.#closed) {
      this.flush();
      this.#closed = true;
      closeSync(this.#descriptor);
    }
  }

  get #bytesPerFrame(): number {
    return this.#channels * BYTES_PER_SAMPLE;
  }

  #writeHeader(): void {
    const format = { channels: this.#channels, sampleRateHz: this.#sampleRateHz };
    writeSync(this.#descriptor, wavHeader(format, this.#writtenFrames), 0, WAV_HEADER_BYTES, 0);
  }

  /** Reads the region, lays the blocks over it and writes it back: the other channels stay as they are. */
  #overlay(group: BlockGroup): void {
    const region = this.#readFrames(group.firstFrame, group.endFrame);
    for (const { channel, frame, samples } of group.blocks) {
      let offset = ((frame - group.firstFrame) * this.#channels + channel) * BYTES_PER_SAMPLE;
      for (const sample of samples) {
        region.writeInt16LE(sample, offset);
        offset += this.#bytesPerFrame;
      }
    }
    this.#writeFrames(group.firstFrame, region);
  }

  #readChannel(channel: number, fromFrame: number, toFrame: number): Int16Array {
    const data = this.#readFrames(fromFrame, toFrame);
    const samples = new Int16Array(toFrame - fromFrame);
    for (let i = 0; i < samples.length; i += 1) {
      samples[i] = data.readInt16LE((i * this.#channels + channel) * BYTES_PER_SAMPLE);
    }
    return samples;
  }

  /** Frames behind the end of the file are silent. */
  #readFrames(fromFrame: number, toFrame: number): Buffer {
    const data = Buffer.alloc((toFrame - fromFrame) * this.#bytesPerFrame);
    const position = WAV_HEADER_BYTES + fromFrame * this.#bytesPerFrame;
    readSync(this.#descriptor, data, 0, data.length, position);
    return data;
  }

  #writeFrames(frame: number, data: Buffer): void {
    const position = WAV_HEADER_BYTES + frame * this.#bytesPerFrame;
    let done = 0;
    while (done < data.length) {
      done += writeSync(this.#descriptor, data, done, data.length - done, position + done);
    }
  }
}

/** Blocks of one stretch of the file, in the order in which they were written. */
interface BlockGroup {
  readonly blocks: PendingBlock[];
  readonly firstFrame: number;
  endFrame: number;
}

/**
 * Blocks that lie near one another are written in one go; a far one must not make us read all between.
 * Where blocks overlap, the later write wins.
 */
function neighbours(blocks: readonly PendingBlock[]): BlockGroup[] {
  const groups: BlockGroup[] = [];
  for (const block of [...blocks].sort((a, b) => a.frame - b.frame)) {
    const endFrame = block.frame + block.samples.length;
    const group = groups.at(-1);
    if (group !== undefined && block.frame - group.endFrame < 8000) {
      group.blocks.push(block);
      group.endFrame = Math.max(group.endFrame, endFrame);
    } else {
      groups.push({ blocks: [block], firstFrame: block.frame, endFrame });
    }
  }
  for (const group of groups) {
    group.blocks.sort((a, b) => a.order - b.order);
  }
  return groups;
}

/** Writes a whole WAV file at once. Channels shorter than the longest end in silence. */
export function writeWav(
  path: string,
  channels: readonly Int16Array[],
  options: { clock: Clock; sampleRateHz?: number },
): void {
  const writer = new WavWriter({ ...options, path, channels: channels.length });
  for (const [channel, samples] of channels.entries()) {
    writer.write(channel, 0, samples);
  }
  writer.close();
}
