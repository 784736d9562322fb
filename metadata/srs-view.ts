import { type RecordingMetadata } from './model';
import { type RecordingDetails } from './recording-details';
import { type MetadataId } from './unique-id';

/** What an id names. */
export type IdKind = 'group' | 'session' | 'participant' | 'stream';

/** What an SRS knows after the documents that it has seen. Immutable. */
export interface SrsView {
  /** Everything, merged; complete by itself. */
  readonly metadata: RecordingMetadata;
  /** What every id that was ever declared stands for (RFC 7865 §6.10). */
  readonly idKinds: ReadonlyMap<MetadataId, IdKind>;
}

/** Per class; what a hostile SRC sends beyond it is not remembered. */
const MAX_PER_CLASS = 1024;
const MAX_IDS = 8192;

/**
 * What the SRS knows after `document`. A complete document replaces everything but the meaning of ids
 * (RFC 7866 §9.2); a partial one replaces the elements that it holds (RFC 7865 §5).
 */
export function applyMetadata(view: SrsView | null, document: RecordingMetadata): SrsView {
  const idKinds = rememberIds(view?.idKinds ?? new Map(), document);
  if (view === null || document.dataMode === 'complete') {
    return { metadata: { ...document, dataMode: 'complete' }, idKinds };
  }
  const known = view.metadata;
  const details = mergeDetails(known.details, document.details);
  return {
    idKinds,
    metadata: {
      kind: 'recording',
      dataMode: 'complete',
      groups: merge(known.groups, document.groups, group => group.groupId),
      sessions: merge(known.sessions, document.sessions, session => session.sessionId),
      participants: merge(
        known.participants,
        document.participants,
        participant => participant.participantId,
      ),
      streams: merge(known.streams, document.streams, stream => stream.streamId),
      sessionRecordingAssociations: merge(
        known.sessionRecordingAssociations,
        document.sessionRecordingAssociations,
        association => association.sessionId,
      ),
      participantSessionAssociations: merge(
        known.participantSessionAssociations,
        document.participantSessionAssociations,
        association => `${association.participantId} ${association.sessionId}`,
      ),
      participantStreamAssociations: merge(
        known.participantStreamAssociations,
        document.participantStreamAssociations,
        association => association.participantId,
      ),
      ...(details && { details }),
      extensions: document.extensions,
    },
  };
}

/** Every id that the document declares, with what it stands for, in document order. */
export function declaredIds(
  document: RecordingMetadata,
): readonly { readonly id: MetadataId; readonly kind: IdKind; readonly path: string }[] {
  const list = <T>(
    items: readonly T[],
    kind: IdKind,
    id: (item: T) => MetadataId,
  ): ReturnType<typeof declaredIds> =>
    items.map((item, index) => ({
      id: id(item),
      kind,
      path: `/recording/${kind}[${index + 1}]`,
    }));
  return [
    ...list(document.groups, 'group', group => group.groupId),
    ...list(document.sessions, 'session', session => session.sessionId),
    ...list(document.participants, 'participant', participant => participant.participantId),
    ...list(document.streams, 'stream', stream => stream.streamId),
  ];
}

/** The first meaning of an id stays. */
function rememberIds(
  known: ReadonlyMap<MetadataId, IdKind>,
  document: RecordingMetadata,
): ReadonlyMap<MetadataId, IdKind> {
  const idKinds = new Map(known);
  for (const { id, kind } of declaredIds(document)) {
    if (!idKinds.has(id) && idKinds.size < MAX_IDS) {
      idKinds.set(id, kind);
    }
  }
  return idKinds;
}

/** Events, notices and gaps are told once each; what else is told replaces what was known. */
function mergeDetails(
  known: RecordingDetails | undefined,
  news: RecordingDetails | undefined,
): RecordingDetails | undefined {
  if (known === undefined || news === undefined) {
    return known ?? news;
  }
  return {
    sessionId: news.sessionId ?? known.sessionId,
    properties: news.properties ?? known.properties,
    call: news.call ?? known.call,
    events: merge(known.events, news.events, ({ kind, atMs }) => `${kind} ${atMs}`),
    notices: merge(known.notices, news.notices, ({ kind, startedAtMs, endedAtMs }) =>
      [kind, startedAtMs, endedAtMs].join(' '),
    ),
    gaps: merge(known.gaps, news.gaps, ({ startMs, endMs }) => `${startMs} ${endMs}`),
  };
}

function merge<T extends object>(
  known: readonly T[],
  news: readonly T[],
  key: (item: T) => string,
): readonly T[] {
  const merged = new Map(known.map(item => [key(item), item]));
  for (const item of news) {
    const itemKey = key(item);
    const before = merged.get(itemKey);
    if (before !== undefined) {
      merged.set(itemKey, complement(before, item));
    } else if (merged.size < MAX_PER_CLASS) {
      merged.set(itemKey, item);
    }
  }
  return [...merged.values()];
}

/**
 * An element of a partial document need not repeat what has not changed (RFC 7865 §8.2), but what a participant
 * sends and receives is always told whole (§6.8.1), and a new association begins without an end.
 */
function complement<T extends object>(before: T, after: T): T {
  const isWhole = (name: string): boolean => name === 'send' || name === 'recv';
  const startsAgain = 'associateTimeMs' in after && after.associateTimeMs !== null;
  const told = Object.entries(after).filter(
    ([name, value]) =>
      isWhole(name) ||
      (name === 'disassociateTimeMs' && startsAgain) ||
      !(value === null || (Array.isArray(value) && value.length === 0)),
  );
  return { ...before, ...Object.fromEntries(told) };
}
