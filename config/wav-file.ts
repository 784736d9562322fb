import { closeSync, openSync, readSync } from 'node:fs';

/** As much of a file as its format must be found in. */
const HEAD_BYTES = 4096;
const PCM = 1;
const EXTENSIBLE = 0xfffe;

/**
 * What is wrong with a WAV file that shall be played to callers: it must be mono PCM of 16 bits at 8 to 48 kHz. null: nothing
 * that its head tells. Never throws.
 */
export function wavFileProblem(file: string): string | null {
  let head: Buffer;
  try {
    head = readHead(file);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown error';
    return code === 'ENOENT' ? `${file} does not exist` : `${file} cannot be read (${code})`;
  }
  if (head.toString('latin1', 0, 4) !== 'RIFF' || head.toString('latin1', 8, 12) !== 'WAVE') {
    return `${file} is no WAV file`;
  }
  const format = findFormat(head);
  if (format === null) {
    return `${file} is a WAV file without a format`;
  }
  const { encoding, channels, sampleRateHz, bits } = format;
  return (encoding !== PCM && encoding !== EXTENSIBLE) || bits !== 16
    ? `${file} must hold PCM of 16 bits`
    : channels !== 1
      ? `${file} must be mono, not of ${channels} channels`
      : sampleRateHz < 8000 || sampleRateHz > 48_000
        ? `${file} must have 8000 to 48000 samples a second, not ${sampleRateHz}`
        : null;
}

function readHead(file: string): Buffer {
  const fd = openSync(file, 'r');
  try {
    const head = Buffer.alloc(HEAD_BYTES);
    return head.subarray(0, readSync(fd, head, 0, HEAD_BYTES, 0));
  } finally {
    closeSync(fd);
  }
}

function findFormat(
  head: Buffer,
): { encoding: number; channels: number; sampleRateHz: number; bits: number } | null {
  for (let at = 12; at + 24 <= head.length;) {
    if (head.toString('latin1', at, at + 4) === 'fmt ') {
      return {
        encoding: head.readUInt16LE(at + 8),
        channels: head.readUInt16LE(at + 10),
        sampleRateHz: head.readUInt32LE(at + 12),
        bits: head.readUInt16LE(at + 22),
      };
    }
    const size = head.readUInt32LE(at + 4);
    at += 8 + size + (size % 2);
  }
  return null;
}
