import { isDeepStrictEqual } from 'node:util';
import { type RecordingMetadata } from './model';
import { changedDetails, isEmptyDetails } from './recording-log';

/**
 * The partial update that leads an SRS from one complete document to the next: every element that is new or has
 * changed, whole (RFC 7865 §5, §8.2). The schema has no way to say that an element is gone; associations end by
 * their times instead.
 *
 * @returns null when nothing has changed.
 */
export function differenceOf(
  before: RecordingMetadata,
  after: RecordingMetadata,
): RecordingMetadata | null {
  const details = changedDetails(before.details, after.details);
  const partial: RecordingMetadata = {
    kind: 'recording',
    dataMode: 'partial',
    groups: changed(before.groups, after.groups),
    sessions: changed(before.sessions, after.sessions),
    participants: changed(before.participants, after.participants),
    streams: changed(before.streams, after.streams),
    sessionRecordingAssociations: changed(
      before.sessionRecordingAssociations,
      after.sessionRecordingAssociations,
    ),
    participantSessionAssociations: changed(
      before.participantSessionAssociations,
      after.participantSessionAssociations,
    ),
    participantStreamAssociations: changed(
      before.participantStreamAssociations,
      after.participantStreamAssociations,
    ),
    ...(details !== undefined && !isEmptyDetails(details) && { details }),
    extensions: changed(before.extensions, after.extensions),
  };
  const isEmpty = Object.entries(partial).every(
    ([name, value]) => name !== 'details' && (!Array.isArray(value) || value.length === 0),
  );
  return isEmpty ? null : partial;
}

/** The lists are short and bounded by the tracker. */
function changed<T>(before: readonly T[], after: readonly T[]): readonly T[] {
  return after.filter(item => !before.some(old => isDeepStrictEqual(old, item)));
}
