import { type GatewayConfig } from '#config';
import { errorMessage, type Logger } from '#core';
import { type MediaPlane, type NamedPrompt, readPackagedPrompts, readPromptFile } from '#media';

import { type SettingsStore } from './settings-store';

type Files = ReadonlyMap<string, string>;

/**
 * Makes the packaged prompts and those of the organisations known to the media plane, and again when the settings change.
 * An organisation's prompt is `custom:ORGANISATION/KIND`, a packaged one `LANGUAGE/KIND`.
 * @returns how to stop following changes; idempotent
 * @throws MediaError `REC_ERR_MEDIA_BAD_PROMPT` naming the file that cannot be used. Later the old prompt stays, which the
 *   log tells.
 */
export function definePrompts(
  media: Pick<MediaPlane, 'definePrompt'>,
  store: Pick<SettingsStore, 'current' | 'onChange'>,
  logger: Logger,
): () => void {
  const define = ({ promptId, clip }: NamedPrompt): void => media.definePrompt(promptId, clip);
  readPackagedPrompts().forEach(define);
  let files = customFiles(store.current.config);
  files.forEach((file, promptId) => define({ promptId, clip: readPromptFile(file) }));
  return store.onChange({
    changed({ snapshot, isReload }) {
      const before = files;
      files = customFiles(snapshot.config);
      for (const [promptId, file] of files) {
        // A change by the API leaves files as they are; those of a reload may have been replaced under the same name.
        if (!isReload && before.get(promptId) === file) {
          continue;
        }
        try {
          define({ promptId, clip: readPromptFile(file) });
        } catch (error) {
          logger.error('a prompt stays as it was', { promptId, error: errorMessage(error) });
        }
      }
    },
  });
}

/** By prompt id. */
function customFiles({ organisations }: GatewayConfig): Files {
  return new Map(
    Object.entries(organisations).flatMap(([organisationId, { customAudio }]) =>
      Object.entries(customAudio).map(
        ([kind, file]) => [`custom:${organisationId}/${kind}`, file] as const,
      ),
    ),
  );
}
