import { LabError } from '../errors';

/**
 * The header of the WAV files that the lab writes: RIFF, one 16-byte `fmt ` chunk, one `data` chunk.
 *
 * ```text
 *  0 "RIFF" | 4 file size - 8 | 8 "WAVE"
 * 12 "fmt " | 16 chunk size 16 | 20 format 1 (PCM) | 22 channels | 24 sample rate
 * 28 bytes per second | 32 bytes per frame | 34 bits per sample
 * 36 "data" | 40 bytes of samples | 44 samples, interleaved, little-endian
 * ```
 */
export const WAV_HEADER_BYTES = 44;
export const BYTES_PER_SAMPLE = 2;

export interface WavFormat {
  readonly channels: number;
  readonly sampleRateHz: number;
}

/** What a WAV file holds: a frame is one sample of each channel. */
export interface WavLayout extends WavFormat {
  readonly dataOffset: number;
  readonly frames: number;
}

/** @returns the 44 bytes of a header for `frames` frames of 16-bit PCM. */
export function wavHeader(format: WavFormat, frames: number): Buffer {
  const bytesPerFrame = format.channels * BYTES_PER_SAMPLE;
  const dataBytes = frames * bytesPerFrame;
  const header = Buffer.alloc(WAV_HEADER_BYTES);
  header.write('RIFF', 0, 'latin1');
  header.writeUInt32LE(dataBytes + WAV_HEADER_BYTES - 8, 4);
  header.write('WAVEfmt ', 8, 'latin1');
  header.writeUInt32LE(16, 16);
  header.writeUInt16LE(1, 20);
  header.writeUInt16LE(format.channels, 22);
  header.writeUInt32LE(format.sampleRateHz, 24);
  header.writeUInt32LE(format.sampleRateHz * bytesPerFrame, 28);
  header.writeUInt16LE(bytesPerFrame, 32);
  header.writeUInt16LE(8 * BYTES_PER_SAMPLE, 34);
  header.write('data', 36, 'latin1');
  header.writeUInt32LE(dataBytes, 40);
  return header;
}

/**
 * Finds the samples of a WAV file. Chunks other than `fmt ` and `data` are skipped. Trailing bytes after the
 * `data` chunk are fine; missing ones are not.
 *
 * @param read gives the bytes `[offset, offset + length)` of the file, fewer at its end.
 * @throws LabError `REC_ERR_LAB_BAD_WAV` unless it is 16-bit PCM, 1 or 2 channels, 8–48 kHz, and whole.
 */
export function parseWavLayout(
  fileBytes: number,
  read: (offset: number, length: number) => Buffer,
): WavLayout {
  const riff = read(0, 12);
  if (
    riff.length < 12 ||
    riff.toString('latin1', 0, 4) !== 'RIFF' ||
    riff.toString('latin1', 8, 12) !== 'WAVE'
  ) {
    throw badWav('it does not begin with a RIFF/WAVE header');
  }
  let format: WavFormat | null = null;
  // A sane file has a handful of chunks; the bound keeps a hostile one from being walked for ever.
  for (let offset = 12, chunks = 0; chunks < 64; chunks += 1) {
    const head = read(offset, 8);
    if (head.length < 8) {
      throw badWav(format === null ? 'it has no format chunk' : 'it has no data chunk');
    }
    const id = head.toString('latin1', 0, 4);
    const size = head.readUInt32LE(4);
    const bodyOffset = offset + 8;
    if (id === 'fmt ') {
      format = parseFormat(read(bodyOffset, Math.min(size, 40)));
    } else if (id === 'data') {
      return dataLayout(format, bodyOffset, size, fileBytes);
    }
    // Chunks are padded to an even size.
    offset = bodyOffset + size + (size % 2);
  }
  throw badWav('it has too many chunks');
}

function dataLayout(
  format: WavFormat | null,
  dataOffset: number,
  dataBytes: number,
  fileBytes: number,
): WavLayout {
  if (format === null) {
    throw badWav('its data chunk comes before its format chunk');
  }
  if (dataOffset + dataBytes > fileBytes) {
    throw badWav(`it is cut short: ${dataBytes} bytes of samples are announced`);
  }
  const bytesPerFrame = format.channels * BYTES_PER_SAMPLE;
  if (dataBytes % bytesPerFrame !== 0) {
    throw badWav('its last frame is incomplete');
  }
  return { ...format, dataOffset, frames: dataBytes / bytesPerFrame };
}

function parseFormat(chunk: Buffer): WavFormat {
  if (chunk.length < 16) {
    throw badWav('its format chunk is too short');
  }
  const channels = chunk.readUInt16LE(2);
  const sampleRateHz = chunk.readUInt32LE(4);
  const bitsPerSample = chunk.readUInt16LE(14);
  if (chunk.readUInt16LE(0) !== 1 || bitsPerSample !== 16) {
    throw badWav(
      `only 16-bit PCM is read (format ${chunk.readUInt16LE(0)}, ${bitsPerSample} bits)`,
    );
  }
  if (channels < 1 || channels > 2) {
    throw badWav(`only mono and stereo are read (${channels} channels)`);
  }
  if (sampleRateHz < 8000 || sampleRateHz > 48000) {
    throw badWav(`only 8 to 48 kHz are read (${sampleRateHz} Hz)`);
  }
  const bytesPerFrame = channels * BYTES_PER_SAMPLE;
  if (chunk.readUInt16LE(12) !== bytesPerFrame) {
    throw badWav('its frame size does not fit its channels');
  }
  return { channels, sampleRateHz };
}

function badWav(why: string): LabError {
  return new LabError('REC_ERR_LAB_BAD_WAV', `not a usable WAV file: ${why}`);
}
