import { type RecordingEventView } from '../live-view';

/** What nobody reads in a ledger tomorrow but wants to be told at once. */
const ALARMING: Partial<Record<RecordingEventView['kind'], string>> = {
  'recording.failed': 'failed',
  'recording.lost': 'srs-lost',
  'recording.not-recorded': 'not-recorded',
};

/**
 * Why, at this moment, a call that must be recorded is not; null when the event says nothing of the kind. A call that
 * policy itself excludes need not be recorded; one that only waits for the provider's terms must.
 */
export function missingReason({ kind, facts }: RecordingEventView): string | null {
  const fallback = ALARMING[kind];
  if (fallback === undefined) {
    return null;
  }
  const { reason } = facts;
  const told = typeof reason === 'string' && reason !== '' ? reason : fallback;
  return kind === 'recording.not-recorded' && told !== 'terms' ? null : told;
}
