import { errorMessage } from '#core';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join, sep } from 'node:path';
import { parseMonoWav } from '../audio/wav';
import { MediaError } from '../errors';
import { MAX_PROMPT_S } from '../plane/sound-library';
import { type PromptClip } from '../ports';

/** Languages of the packaged prompts (RFC 5646). */
export const PACKAGED_LANGUAGES: readonly string[] = ['en', 'es', 'pt-BR'];

/**
 * What the packaged prompts say: about recording, and that it failed — in general, when the call goes on without, and
 * when it ends.
 */
export const PACKAGED_PROMPT_KINDS: readonly string[] = [
  'start',
  'stop',
  'pause',
  'resume',
  'compliance',
  'failure',
  'failure-proceed',
  'failure-end',
];

/** The longest prompt at 48 kHz, and room for other chunks. */
const MAX_FILE_BYTES = MAX_PROMPT_S * 48_000 * 2 + 65_536;

export interface NamedPrompt {
  /** `language/kind`. */
  readonly promptId: string;
  readonly clip: PromptClip;
}

/**
 * Reads one WAV file of an operator: mono, 16-bit PCM, 8–48 kHz, a minute at most.
 *
 * @throws MediaError `REC_ERR_MEDIA_BAD_PROMPT` naming file and reason.
 */
export function readPromptFile(path: string): PromptClip {
  try {
    const { size } = statSync(path);
    if (size > MAX_FILE_BYTES) {
      throw new Error(`it has ${size} bytes, which is more than a minute of audio`);
    }
    const clip = parseMonoWav(readFileSync(path));
    if (clip.samples.length === 0 || clip.samples.length > MAX_PROMPT_S * clip.sampleRateHz) {
      const seconds = (clip.samples.length / clip.sampleRateHz).toFixed(1);
      throw new Error(
        `it lasts ${seconds} s; a prompt has some sound and ${MAX_PROMPT_S} s at most`,
      );
    }
    return clip;
  } catch (error) {
    throw new MediaError(
      'REC_ERR_MEDIA_BAD_PROMPT',
      `${path} is no usable prompt: ${errorMessage(error)}`,
      { cause: error, details: { path } },
    );
  }
}

/** Reads the prompts that come with the product. @throws MediaError `REC_ERR_MEDIA_BAD_PROMPT`. */
export function readPackagedPrompts(): NamedPrompt[] {
  return PACKAGED_LANGUAGES.flatMap(language =>
    PACKAGED_PROMPT_KINDS.map(kind => ({
      promptId: `${language}/${kind}`,
      clip: readPromptFile(packagedPromptPath(language, kind)),
    })),
  );
}

/** Where the packaged prompt lies, for players other than the media plane. */
export function packagedPromptPath(language: string, kind: string): string {
  return join(promptsFolder(), language, `${kind}.wav`);
}

/** The files stand beside the sources; a build has them there, or was given its own copy. */
function promptsFolder(): string {
  const builtInto = `${sep}dist${sep}media${sep}prompts`;
  return __dirname.endsWith(builtInto) && !existsSync(join(__dirname, 'en'))
    ? join(__dirname, '..', '..', '..', 'media', 'prompts')
    : __dirname;
}
