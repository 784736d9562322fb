import { isGatewayError } from '#core';
import { packagedPromptPath, readPackagedPrompts, readPromptFile } from '#media';
import fc from 'fast-check';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseMonoWav, WavError } from '../../../../media/audio/wav';
import { levelDbfs } from '../../../../src/lab/audio/pcm';
import { wavHeader } from '../../../../src/lab/audio/wav-format';

function wav(samples: number, sampleRateHz = 8000, channels = 1): Buffer {
  const data = Buffer.alloc(2 * samples * channels, 1);
  return Buffer.concat([wavHeader({ channels, sampleRateHz }, samples), data]);
}

describe('the packaged prompts', () => {
  const prompts = readPackagedPrompts();

  test('there is one of each kind in each language, of one level and a sensible length', () => {
    expect(prompts).toHaveLength(24);
    expect(new Set(prompts.map(({ promptId }) => promptId)).size).toBe(24);
    for (const { promptId, clip } of prompts) {
      const seconds = clip.samples.length / clip.sampleRateHz;
      const peak = clip.samples.reduce((most, sample) => Math.max(most, Math.abs(sample)), 0);
      // RMS against a full-scale square is 3 dB less than against a full-scale sine.
      const rmsDbfs = levelDbfs(clip.samples) - 3;
      expect({ promptId, isLong: seconds > 1 && seconds < 6 }).toEqual({ promptId, isLong: true });
      expect({ promptId, isLevel: Math.abs(rmsDbfs + 20) < 1.5 }).toEqual({
        promptId,
        isLevel: true,
      });
      expect(peak).toBeLessThan(32_000);
    }
  });
});

function isReadOrRefused(bytes: Buffer): boolean {
  try {
    return parseMonoWav(bytes).samples instanceof Int16Array;
  } catch (error) {
    return error instanceof WavError;
  }
}

describe('readPromptFile()', () => {
  let folder: string;

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'prompts-'));
  });

  afterAll(() => {
    rmSync(folder, { recursive: true });
  });

  function problemWith(name: string, bytes: Buffer | null): string {
    const path = join(folder, name);
    if (bytes !== null) {
      writeFileSync(path, bytes);
    }
    try {
      readPromptFile(path);
    } catch (error) {
      if (isGatewayError(error)) {
        expect(error.code).toBe('REC_ERR_MEDIA_BAD_PROMPT');
        expect(error.message).toContain(path);
        return error.message.slice(error.message.indexOf(': ') + 2);
      }
      throw error;
    }
    return 'none';
  }

  test.each([
    ['8 kHz', wav(800, 8000), 'none'],
    ['48 kHz', wav(800, 48_000), 'none'],
    ['a rate below', wav(800, 7999), 'its rate is 7999 Hz, not 8000–48000'],
    ['a rate above', wav(800, 96_000), 'its rate is 96000 Hz, not 8000–48000'],
    ['stereo', wav(800, 8000, 2), 'it has 2 channels, not one'],
    ['no sound', wav(0), 'it lasts 0.0 s; a prompt has some sound and 60 s at most'],
    ['too much', wav(8000 * 61), 'it lasts 61.0 s; a prompt has some sound and 60 s at most'],
    ['text', Buffer.from('hello'), 'it does not begin with a RIFF/WAVE header'],
    ['cut', wav(800).subarray(0, 1000), 'it ends 644 bytes too early'],
    ['header', wav(800).subarray(0, 36), 'it holds no samples'],
  ])('says what is wrong with a file: %s', (name, bytes, problem) => {
    expect(problemWith(name, bytes)).toBe(problem);
  });

  test('says that a file is not there', () => {
    expect(problemWith('missing', null)).toContain('ENOENT');
  });

  test('no bytes whatever are more than a WavError', () => {
    const good = readFileSync(packagedPromptPath('en', 'start'));
    fc.assert(
      fc.property(
        fc.nat(200),
        fc.uint8Array({ maxLength: 40 }),
        fc.nat(60),
        (length, noise, at) => {
          const bytes = Buffer.from(good.subarray(0, length));
          bytes.set(noise.subarray(0, Math.max(0, bytes.length - at)), Math.min(at, bytes.length));
          expect(isReadOrRefused(bytes)).toBe(true);
        },
      ),
    );
  });
});
