import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { LabError } from '../errors';
import { BYTES_PER_SAMPLE, parseWavLayout } from './wav-format';

export interface WavAudio {
  readonly sampleRateHz: number;
  /** One array per channel, all of the same length. */
  readonly channels: readonly Int16Array[];
}

/** Files above this many bytes of samples are refused: an hour of 8 kHz stereo is half of it. */
const DEFAULT_MAX_BYTES = 256 * 1024 * 1024;

/**
 * Reads a whole WAV file: 16-bit PCM, mono or stereo, 8–48 kHz.
 * @throws LabError `REC_ERR_LAB_BAD_WAV` naming the file when it is damaged, too large or of another kind.
 */
export function readWav(path: string, options: { maxBytes?: number } = {}): WavAudio {
  let descriptor: number;
  try {
    descriptor = openSync(path, 'r');
  } catch (error) {
    throw new LabError('REC_ERR_LAB_BAD_WAV', `${path} cannot be read`, { cause: error });
  }
  try {
    return readOpenWav(descriptor, options.maxBytes ?? DEFAULT_MAX_BYTES);
  } catch (error) {
    throw new LabError(
      'REC_ERR_LAB_BAD_WAV',
      `${path}: ${error instanceof Error ? error.message : 'unreadable'}`,
      { cause: error },
    );
  } finally {
    closeSync(descriptor);
  }
}

/** As {@link readWav}, of bytes in memory. */
export function parseWav(bytes: Buffer): WavAudio {
  const layout = parseWavLayout(bytes.length, (offset, length) =>
    bytes.subarray(offset, offset + length),
  );
  const dataBytes = layout.frames * layout.channels * BYTES_PER_SAMPLE;
  return {
    sampleRateHz: layout.sampleRateHz,
    channels: deinterleave(
      bytes.subarray(layout.dataOffset, layout.dataOffset + dataBytes),
      layout.channels,
    ),
  };
}

function readOpenWav(descriptor: number, maxBytes: number): WavAudio {
  const read = (offset: number, length: number): Buffer => {
    const buffer = Buffer.alloc(length);
    return buffer.subarray(0, readSync(descriptor, buffer, 0, length, offset));
  };
  const layout = parseWavLayout(fstatSync(descriptor).size, read);
  const dataBytes = layout.frames * layout.channels * BYTES_PER_SAMPLE;
  if (dataBytes > maxBytes) {
    throw new LabError(
      'REC_ERR_LAB_BAD_WAV',
      `${dataBytes} bytes of samples are more than ${maxBytes}`,
    );
  }
  return {
    sampleRateHz: layout.sampleRateHz,
    channels: deinterleave(read(layout.dataOffset, dataBytes), layout.channels),
  };
}

/** Splits interleaved little-endian frames into channels. */
export function deinterleave(data: Buffer, channels: number): Int16Array[] {
  const frames = Math.floor(data.length / (channels * BYTES_PER_SAMPLE));
  return Array.from({ length: channels }, (_, channel) => {
    const samples = new Int16Array(frames);
    for (let frame = 0; frame < frames; frame += 1) {
      samples[frame] = data.readInt16LE((frame * channels + channel) * BYTES_PER_SAMPLE);
    }
    return samples;
  });
}
