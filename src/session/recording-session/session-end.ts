import { errorMessage, withDeadline } from '#core';
import { type RecordingReport } from '#media';
import { type RecordingDialog } from '#sip';

import { type RecordingSessionOptions } from './recording-session-options';

/** How long the answer to the last UPDATE is waited for, ms. */
const LAST_FACTS_DEADLINE_MS = 2_000;

/**
 * Ends a recording in an orderly way: the SRS gets what the rings still hold and is told the last facts, then its dialog is
 * closed. Never rejects.
 * @param closeMedia drains and closes them; called once, at once.
 * @param dialog null when there is none (any more).
 */
export async function endSession(
  closeMedia: () => Promise<RecordingReport>,
  dialog: () => RecordingDialog | null,
  options: Pick<RecordingSessionOptions, 'metadata' | 'provider' | 'clock' | 'logger'>,
): Promise<RecordingReport> {
  const { metadata, provider } = options;
  const isTold = provider.metadataInBye ? Promise.resolve() : tellLastFacts(dialog(), options);
  const report = await closeMedia();
  await isTold;
  const document = provider.metadataInBye ? metadata.partial() : null;
  await dialog()?.bye(document === null ? {} : { metadata: document });
  return report;
}

/** While the media drain. A recorder that does not answer is not waited for long. Never rejects. */
async function tellLastFacts(
  dialog: RecordingDialog | null,
  { metadata, clock, logger }: Pick<RecordingSessionOptions, 'metadata' | 'clock' | 'logger'>,
): Promise<void> {
  const xml = metadata.flow.lastFacts === 'untold' ? null : metadata.partial();
  if (xml === null || dialog === null) {
    return;
  }
  const late = (): Error => new Error('no answer in time');
  const told = dialog.update({ metadata: xml });
  await withDeadline(clock, told, LAST_FACTS_DEADLINE_MS, late).catch((error: unknown) =>
    logger.warn('the end of a recording was not told', { error: errorMessage(error) }),
  );
}
