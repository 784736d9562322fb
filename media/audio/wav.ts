/** What is wrong with a WAV file, in words that an operator can act on. */
export class WavError extends Error {}

export interface MonoWav {
  readonly samples: Int16Array;
  readonly sampleRateHz: number;
}

/** A sane file has a handful of chunks; the bound keeps a hostile one from being walked for ever. */
const MAX_CHUNKS = 64;
const PCM = 1;
/** WAVE_FORMAT_EXTENSIBLE: the format stands in the first two bytes of the GUID at its end. */
const EXTENSIBLE = 0xfffe;
const BYTES_PER_SAMPLE = 2;

/**
 * Reads the bytes of a RIFF/WAVE file: mono 16-bit PCM, 8–48 kHz. Chunks other than `fmt ` and `data` are skipped; what
 * follows `data` is not looked at.
 *
 * @throws WavError that says what the file is instead.
 */
export function parseMonoWav(bytes: Buffer): MonoWav {
  if (
    bytes.length < 12 ||
    bytes.toString('latin1', 0, 4) !== 'RIFF' ||
    bytes.toString('latin1', 8, 12) !== 'WAVE'
  ) {
    throw new WavError('it does not begin with a RIFF/WAVE header');
  }
  let sampleRateHz: number | null = null;
  let offset = 12;
  for (let chunks = 0; chunks < MAX_CHUNKS && offset + 8 <= bytes.length; chunks++) {
    const id = bytes.toString('latin1', offset, offset + 4);
    const size = bytes.readUInt32LE(offset + 4);
    const start = offset + 8;
    if (id === 'fmt ') {
      sampleRateHz = parseFormat(bytes.subarray(start, start + size));
    } else if (id === 'data') {
      if (sampleRateHz === null) {
        throw new WavError('its samples come before their format');
      }
      if (start + size > bytes.length) {
        throw new WavError(`it ends ${start + size - bytes.length} bytes too early`);
      }
      return { samples: samplesOf(bytes.subarray(start, start + size)), sampleRateHz };
    }
    // Chunks are padded to whole words.
    offset = start + size + (size & 1);
  }
  throw new WavError('it holds no samples');
}

function parseFormat(format: Buffer): number {
  if (format.length < 16) {
    throw new WavError('its format chunk is cut short');
  }
  const plainTag = format.readUInt16LE(0);
  const tag = plainTag === EXTENSIBLE && format.length >= 26 ? format.readUInt16LE(24) : plainTag;
  const channels = format.readUInt16LE(2);
  const sampleRateHz = format.readUInt32LE(4);
  const bits = format.readUInt16LE(14);
  if (tag !== PCM) {
    throw new WavError(`its samples are no PCM (format ${tag})`);
  }
  if (bits !== 8 * BYTES_PER_SAMPLE) {
    throw new WavError(`its samples have ${bits} bits, not 16`);
  }
  if (channels !== 1) {
    throw new WavError(`it has ${channels} channels, not one`);
  }
  if (sampleRateHz < 8000 || sampleRateHz > 48_000) {
    throw new WavError(`its rate is ${sampleRateHz} Hz, not 8000–48000`);
  }
  return sampleRateHz;
}

function samplesOf(data: Buffer): Int16Array {
  const samples = new Int16Array(Math.floor(data.length / BYTES_PER_SAMPLE));
  for (let i = 0; i < samples.length; i++) {
    samples[i] = data.readInt16LE(i * BYTES_PER_SAMPLE);
  }
  return samples;
}
