import { type GatewayConfig } from '#config';
import { type Clock, errorMessage, type Logger } from '#core';
import { type MediaPlane, type NamedPrompt, readPackagedPrompts, readPromptFile } from '#media';

import { type Metrics } from '../observability';
import { type SettingsStore } from '../settings-store';
import { FreeswitchPrompts } from './freeswitch/freeswitch-prompts';

type Files = ReadonlyMap<string, string>;

/**
 * Makes the packaged prompts and those of the organisations known to the media plane, and again when the settings change.
 * An organisation's prompt is `custom:ORGANISATION/KIND`, a packaged one `LANGUAGE/KIND`; the latter FreeSWITCH may
 * replace, which is not waited for.
 * @returns how to stop following changes; idempotent
 * @throws MediaError `REC_ERR_MEDIA_BAD_PROMPT` naming the file that cannot be used. Later the old prompt stays, which the
 *   log tells.
 */
export function definePrompts(
  media: Pick<MediaPlane, 'definePrompt'>,
  store: Pick<SettingsStore, 'current' | 'onChange'>,
  deps: {
    readonly logger: Logger;
    readonly clock: Clock;
    readonly metrics: Pick<Metrics, 'promptRendered'>;
  },
): () => Promise<void> {
  const { logger } = deps;
  const define = ({ promptId, clip }: NamedPrompt): void => media.definePrompt(promptId, clip);
  const packaged = readPackagedPrompts();
  packaged.forEach(define);
  const freeswitch = new FreeswitchPrompts({ media, packaged, ...deps });
  freeswitch.follow(store.current.config.prompts, false);
  let files = customFiles(store.current.config);
  files.forEach((file, promptId) => define({ promptId, clip: readPromptFile(file) }));
  const unfollow = store.onChange({
    changed({ snapshot, isReload }) {
      freeswitch.follow(snapshot.config.prompts, isReload);
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
  return () => {
    unfollow();
    return freeswitch.close();
  };
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
