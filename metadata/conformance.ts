import { type Deviation, type RecordingMetadata } from './model';
import { declaredIds, type IdKind, type SrsView } from './srs-view';
import { type MetadataId } from './unique-id';
import { DeviationList, quote } from './xml/deviations';
import { type ParsedMetadata, parseMetadata } from './xml/reader';

export interface ConformanceContext {
  /**
   * The labels of the SDP in the same message; empty when it has no SDP. Leave it out to skip the checks that
   * need it.
   */
  readonly sdpLabels?: readonly string[];
  /** What was known before this document; null for the first one. Leave it out to look at it alone. */
  readonly previous?: SrsView | null;
}

/** SIP, SIPS or tel URI, or something without white space that may be a domain name or an address. */
const AOR = /^(?:(?:sips?|tel):[^\s<>"]+|[A-Za-z0-9.:[\]_-]+|[^\s<>"@:]+@[^\s<>"@]+)$/i;
/** RFC 4574 §4: a token. */
const LABEL = /^[A-Za-z0-9!#$%&'*+\-.^_`{|}~]+$/;

/**
 * Every departure of a document from RFC 7865 (and of its use from RFC 7866): structure and values as
 * {@link parseMetadata} finds them, then identity, references, times, labels, and order of documents.
 *
 * @throws MetadataError for text that {@link parseMetadata} does not take.
 */
export function checkMetadata(
  input: string | ParsedMetadata,
  context: ConformanceContext = {},
): readonly Deviation[] {
  const parsed = typeof input === 'string' ? parseMetadata(input) : input;
  const { document, dialect, deviations } = parsed;
  if (document.kind === 'snapshot-request') {
    return deviations;
  }
  const found = new DeviationList();
  checkOrderOfDocuments(document, context, found);
  checkIds(document, context, found);
  checkReferences(document, context, found);
  checkTimes(document, found);
  checkIdentities(document, found);
  checkDetails(document, context, found);
  // BroadWorks sends documents that name labels without the SDP that defines them (docs/broadworks-dialect.md).
  const isAlone = dialect === 'broadworks' && context.sdpLabels?.length === 0;
  checkLabels(document, isAlone ? { previous: context.previous ?? null } : context, found);
  return [...deviations, ...found.toArray()];
}

function checkOrderOfDocuments(
  document: RecordingMetadata,
  { previous }: ConformanceContext,
  found: DeviationList,
): void {
  if (document.dataMode === 'partial' && previous === null) {
    found.add('RFC 7866 §9.1', 'a partial update before any full snapshot', '/recording');
  }
}

/** RFC 7865 §6.10: an id names one element, at any time. */
function checkIds(
  document: RecordingMetadata,
  { previous }: ConformanceContext,
  found: DeviationList,
): void {
  const kinds = new Map<MetadataId, IdKind>();
  for (const { id, kind, path } of declaredIds(document)) {
    const here = kinds.get(id);
    const before = previous?.idKinds.get(id);
    if (here !== undefined) {
      found.add('RFC 7865 §6.10', `the id ${quote(id)} already names a ${here}`, path);
    } else if (before !== undefined && before !== kind) {
      found.add('RFC 7865 §6.10', `the id ${quote(id)} named a ${before} before`, path);
    }
    kinds.set(id, here ?? kind);
  }
}

/** References lead to elements of this document, or, when it is partial, of what is known already. */
function checkReferences(
  document: RecordingMetadata,
  { previous }: ConformanceContext,
  found: DeviationList,
): void {
  // A partial document looked at alone refers to what the caller has not shown.
  if (document.dataMode === 'partial' && (previous === undefined || previous === null)) {
    return;
  }
  const declared = new Set(declaredIds(document).map(({ id, kind }) => `${kind} ${id}`));
  if (document.dataMode === 'partial' && previous) {
    for (const { id, kind } of declaredIds(previous.metadata)) {
      declared.add(`${kind} ${id}`);
    }
  }
  const expectDeclared = (
    clause: string,
    kind: IdKind,
    id: MetadataId | null,
    path: string,
  ): void => {
    if (id !== null && !declared.has(`${kind} ${id}`)) {
      found.add(clause, `no ${kind} has the id ${quote(id)}`, path);
    }
  };
  each(document.sessions, 'session', (session, path) =>
    expectDeclared('RFC 7865 §6.3.1', 'group', session.groupRef, path),
  );
  each(document.streams, 'stream', (stream, path) =>
    expectDeclared('RFC 7865 §6.7.1', 'session', stream.sessionId, path),
  );
  each(document.sessionRecordingAssociations, 'sessionrecordingassoc', ({ sessionId }, path) =>
    expectDeclared('RFC 7865 §6.4.1', 'session', sessionId, path),
  );
  each(document.participantSessionAssociations, 'participantsessionassoc', (item, path) => {
    expectDeclared('RFC 7865 §6.6.1', 'participant', item.participantId, path);
    expectDeclared('RFC 7865 §6.6.1', 'session', item.sessionId, path);
  });
  each(document.participantStreamAssociations, 'participantstreamassoc', (item, path) => {
    expectDeclared('RFC 7865 §6.8.1', 'participant', item.participantId, path);
    for (const id of [...item.send, ...item.recv]) {
      expectDeclared('RFC 7865 §6.8.1', 'stream', id, path);
    }
  });
}

function checkTimes(document: RecordingMetadata, found: DeviationList): void {
  const expectOrder = (
    clause: string,
    from: number | null,
    to: number | null,
    path: string,
  ): void => {
    if (from !== null && to !== null && to < from) {
      found.add(clause, 'it ends before it begins', path);
    }
  };
  const association =
    (clause: string) =>
    (item: { associateTimeMs: number | null; disassociateTimeMs: number | null }, path: string) =>
      expectOrder(clause, item.associateTimeMs, item.disassociateTimeMs, path);
  each(document.groups, 'group', association('RFC 7865 §6.2.1'));
  each(document.sessions, 'session', (session, path) =>
    expectOrder('RFC 7865 §6.3.1', session.startTimeMs, session.stopTimeMs, path),
  );
  each(
    document.sessionRecordingAssociations,
    'sessionrecordingassoc',
    association('RFC 7865 §6.4.1'),
  );
  each(
    document.participantSessionAssociations,
    'participantsessionassoc',
    association('RFC 7865 §6.6.1'),
  );
  each(
    document.participantStreamAssociations,
    'participantstreamassoc',
    association('RFC 7865 §6.8.1'),
  );
}

/** Notices end after they begin, and were heard by somebody who is known. */
function checkDetails(
  { details, participants }: RecordingMetadata,
  { previous }: ConformanceContext,
  found: DeviationList,
): void {
  const known = new Set(
    [...participants, ...(previous?.metadata.participants ?? [])].map(
      ({ participantId }) => participantId,
    ),
  );
  details?.notices.forEach(({ startedAtMs, endedAtMs, toParticipantIds }, index) => {
    const path = `/recording/recordingdetails/announcement[${index + 1}]`;
    if (endedAtMs < startedAtMs) {
      found.add('docs/metadata-extension.md', 'it ends before it begins', path);
    }
    for (const id of toParticipantIds.filter(each => known.size > 0 && !known.has(each))) {
      found.add('docs/metadata-extension.md', `no participant has the id ${quote(id)}`, path);
    }
  });
}

/** RFC 7865 §6.5.1: what an AoR may be. */
function checkIdentities(document: RecordingMetadata, found: DeviationList): void {
  each(document.participants, 'participant', (participant, path) => {
    for (const { aor } of participant.nameIds) {
      if (!AOR.test(aor)) {
        found.add('RFC 7865 §6.5.1', `${quote(aor)} is no address of record`, path);
      }
    }
  });
}

/** Labels are legal, distinct, and those of the SDP in the same message (RFC 7866 §9.1). */
function checkLabels(
  document: RecordingMetadata,
  { sdpLabels }: ConformanceContext,
  found: DeviationList,
): void {
  const seen = new Set<string>();
  each(document.streams, 'stream', ({ label }, path) => {
    if (label === null) {
      return;
    }
    if (!LABEL.test(label)) {
      found.add('RFC 4574 §4', `the label ${quote(label)} is no token`, path);
    }
    if (seen.has(label)) {
      found.add('RFC 7865 §6.7.1', `the label ${quote(label)} stands for two streams`, path);
    }
    seen.add(label);
    if (sdpLabels !== undefined && !sdpLabels.includes(label)) {
      const message = `the SDP of this message does not define the label ${quote(label)}`;
      found.add('RFC 7866 §9.1', message, path);
    }
  });
  if (document.dataMode === 'complete') {
    for (const label of (sdpLabels ?? []).filter(known => !seen.has(known))) {
      const message = `no stream describes the label ${quote(label)} of the SDP`;
      found.add('RFC 7865 §6.7.1', message, '/recording');
    }
  }
}

function each<T>(items: readonly T[], name: string, visit: (item: T, path: string) => void): void {
  items.forEach((item, index) => visit(item, `/recording/${name}[${index + 1}]`));
}
