import { isDetails, readDetails } from '../dialects/details-reader';
import {
  type CommunicationSession,
  type DataMode,
  type MetadataStream,
  type NameId,
  type Participant,
  type ParticipantSessionAssociation,
  type ParticipantStreamAssociation,
  type RecordingMetadata,
  type SessionGroup,
  type SessionReason,
  type SessionRecordingAssociation,
  type SnapshotRequest,
  type XmlElement,
} from '../model';
import { type DeviationList, quote } from './deviations';
import {
  childrenNamed,
  childText,
  extensionsOf,
  type Located,
  readIdAttribute,
  readIdChildren,
  readTime,
  readTimes,
} from './values';

/** Reads one class from its element; null when it has no usable id. */
type Read<T> = (located: Located, deviations: DeviationList) => T | null;

const MIN_SHORT = -32_768;
const MAX_SHORT = 32_767;
const DEFAULT_PROTOCOL = 'SIP';

/** Reads the values of a `recording` element, in whatever order they come. */
export function readRecording(root: XmlElement, deviations: DeviationList): RecordingMetadata {
  const located: Located = { element: root, path: `/${root.name}` };
  const all = <T>(name: string, read: Read<T>): readonly T[] =>
    childrenNamed(located, name).flatMap(child => read(child, deviations) ?? []);
  const foreign = extensionsOf(located);
  const own = foreign.find(isDetails);
  const details =
    own && readDetails({ element: own, path: `${located.path}/${own.name}[1]` }, deviations);
  return {
    kind: 'recording',
    dataMode: readDataMode(located, deviations),
    groups: all('group', readGroup),
    sessions: all('session', readSession),
    participants: all('participant', readParticipant),
    streams: all('stream', readStream),
    sessionRecordingAssociations: all('sessionrecordingassoc', readSessionRecording),
    participantSessionAssociations: all('participantsessionassoc', readParticipantSession),
    participantStreamAssociations: all('participantstreamassoc', readParticipantStream),
    ...(details && { details }),
    extensions: foreign.filter(element => !isDetails(element)),
  };
}

/** Reads the values of a `requestsnapshot` element (RFC 7865 §7). */
export function readSnapshotRequest(root: XmlElement): SnapshotRequest {
  const located: Located = { element: root, path: `/${root.name}` };
  const reason = childrenNamed(located, 'requestreason')[0]?.element;
  return {
    kind: 'snapshot-request',
    reason: reason?.text ?? null,
    language: reason?.attributes['xml:lang'] ?? null,
    extensions: extensionsOf(located),
  };
}

/** RFC 7865 §5.1.2: without the element the document is complete. */
export function readDataMode(root: Located, deviations: DeviationList): DataMode {
  const text = childText(root, 'datamode');
  if (text === null || text === 'complete' || text === 'partial') {
    return text ?? 'complete';
  }
  deviations.add('RFC 7865 §5.1.2', `unknown data mode ${quote(text)}`, `${root.path}/datamode[1]`);
  return text.toLowerCase() === 'partial' ? 'partial' : 'complete';
}

const readGroup: Read<SessionGroup> = (located, deviations) => {
  const groupId = readIdAttribute(located, 'group_id', deviations);
  return (
    groupId && {
      groupId,
      ...readTimes(located, deviations),
      extensions: extensionsOf(located),
    }
  );
};

const readSession: Read<CommunicationSession> = (located, deviations) => {
  const sessionId = readIdAttribute(located, 'session_id', deviations);
  return (
    sessionId && {
      sessionId,
      // Peers fold long values; a Session-ID has no white space of its own (RFC 7989 §5).
      sipSessionIds: childrenNamed(located, 'sipSessionID').map(({ element }) =>
        element.text.replace(/\s+/g, ''),
      ),
      reasons: childrenNamed(located, 'reason').map(reason => readReason(reason, deviations)),
      groupRef: readIdChildren(located, 'group-ref', deviations)[0] ?? null,
      startTimeMs: readTime(located, 'start-time', deviations),
      stopTimeMs: readTime(located, 'stop-time', deviations),
      extensions: extensionsOf(located),
    }
  );
};

/** A cause that is no xs:short is reported and read as 0. */
function readReason({ element, path }: Located, deviations: DeviationList): SessionReason {
  const text = (element.attributes['cause'] ?? '').trim();
  const cause = /^[+-]?\d{1,6}$/.test(text) ? Number(text) : NaN;
  const isShort = cause >= MIN_SHORT && cause <= MAX_SHORT;
  if (!isShort && element.attributes['cause'] !== undefined) {
    deviations.add('RFC 7865 §9', `the cause ${quote(text)} is no xs:short`, path);
  }
  return {
    protocol: element.attributes['protocol'] ?? DEFAULT_PROTOCOL,
    cause: isShort ? cause : 0,
    text: element.text,
  };
}

const readParticipant: Read<Participant> = (located, deviations) => {
  const participantId = readIdAttribute(located, 'participant_id', deviations);
  return (
    participantId && {
      participantId,
      nameIds: childrenNamed(located, 'nameID').map(readNameId),
      extensions: extensionsOf(located),
    }
  );
};

function readNameId(located: Located): NameId {
  const name = childrenNamed(located, 'name')[0]?.element;
  return {
    aor: (located.element.attributes['aor'] ?? '').trim(),
    name: name?.text ?? null,
    language: name?.attributes['xml:lang'] ?? null,
  };
}

const readStream: Read<MetadataStream> = (located, deviations) => {
  const streamId = readIdAttribute(located, 'stream_id', deviations);
  return (
    streamId && {
      streamId,
      sessionId: readIdAttribute(located, 'session_id', deviations),
      label: childText(located, 'label'),
      extensions: extensionsOf(located),
    }
  );
};

const readSessionRecording: Read<SessionRecordingAssociation> = (located, deviations) => {
  const sessionId = readIdAttribute(located, 'session_id', deviations);
  return (
    sessionId && {
      sessionId,
      ...readTimes(located, deviations),
      extensions: extensionsOf(located),
    }
  );
};

const readParticipantSession: Read<ParticipantSessionAssociation> = (located, deviations) => {
  const participantId = readIdAttribute(located, 'participant_id', deviations);
  const sessionId = readIdAttribute(located, 'session_id', deviations);
  return (
    participantId &&
    sessionId && {
      participantId,
      sessionId,
      ...readTimes(located, deviations),
      params: childrenNamed(located, 'param').map(({ element }) => ({
        name: element.attributes['pname'] ?? '',
        value: element.attributes['pval'] ?? '',
      })),
      extensions: extensionsOf(located),
    }
  );
};

const readParticipantStream: Read<ParticipantStreamAssociation> = (located, deviations) => {
  const participantId = readIdAttribute(located, 'participant_id', deviations);
  return (
    participantId && {
      participantId,
      send: readIdChildren(located, 'send', deviations),
      recv: readIdChildren(located, 'recv', deviations),
      ...readTimes(located, deviations),
      extensions: extensionsOf(located),
    }
  );
};
