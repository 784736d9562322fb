import { isBlock, readExtensionData } from '../dialects/broadworks-reader';
import { isDetails } from '../dialects/details-reader';
import {
  type CommunicationSession,
  type MetadataStream,
  type Participant,
  type ParticipantStreamAssociation,
  type RecordingMetadata,
  type SessionGroup,
  type XmlElement,
} from '../model';
import { isUuid, type MetadataId, metadataIdFromUuid } from '../unique-id';
import { type DeviationList } from './deviations';
import { writableOnly } from './names';
import { readDataMode } from './rfc7865';
import {
  childrenNamed,
  childText,
  extensionsOf,
  type Located,
  readId,
  readIdAttribute,
  readTime,
} from './values';

/**
 * Reads the shape of the drafts that preceded RFC 7865, which BroadWorks and Webex Calling still send: flat
 * `group`, `session`, `participant` and `stream` elements that refer to one another by `id`, `group` and
 * `session`; what a participant sends stands inside it. Of the `extensiondata` the blocks of the platform and of
 * ours are read; one that holds neither is kept as an extension.
 */
export function readPreStandard(root: XmlElement, deviations: DeviationList): RecordingMetadata {
  const located: Located = { element: root, path: `/${root.name}` };
  const withId = (name: string): readonly (readonly [Located, MetadataId])[] =>
    childrenNamed(located, name).flatMap(child => {
      const id = readDraftId(child, 'id', deviations);
      return id === null ? [] : [[child, id] as const];
    });
  const participants = withId('participant');
  const sessions = withId('session');
  const extensionData = childrenNamed(located, 'extensiondata');
  const details = readExtensionData(extensionData, sessions[0]?.[1] ?? null, deviations);
  return {
    kind: 'recording',
    dataMode: readDataMode(located, deviations),
    groups: withId('group').map(([, groupId]): SessionGroup => ({
      groupId,
      associateTimeMs: null,
      disassociateTimeMs: null,
      extensions: [],
    })),
    sessions: sessions.map(([session, sessionId]): CommunicationSession => ({
      sessionId,
      sipSessionIds: [],
      reasons: [],
      groupRef: readDraftId(session, 'group', deviations),
      startTimeMs: readSessionTime(session, 'start-time', deviations),
      stopTimeMs: readSessionTime(session, 'stop-time', deviations),
      extensions: extensionsOf(session),
    })),
    participants: participants.map(([participant, participantId]): Participant => ({
      participantId,
      nameIds: [readIdentity(participant)],
      extensions: extensionsOf(participant),
    })),
    streams: withId('stream').map(([stream, streamId]): MetadataStream => ({
      streamId,
      sessionId: readDraftId(stream, 'session', deviations),
      label: childText(stream, 'label'),
      extensions: extensionsOf(stream),
    })),
    sessionRecordingAssociations: [],
    participantSessionAssociations: participants.flatMap(([participant, participantId]) => {
      const sessionId = readDraftId(participant, 'session', deviations);
      const times = { associateTimeMs: null, disassociateTimeMs: null };
      return sessionId === null
        ? []
        : [{ participantId, sessionId, ...times, params: [], extensions: [] }];
    }),
    participantStreamAssociations: participants.map(
      ([participant, participantId]): ParticipantStreamAssociation => ({
        participantId,
        send: readReferences(participant, 'send', deviations),
        recv: readReferences(participant, 'recv', deviations),
        associateTimeMs: null,
        disassociateTimeMs: null,
        extensions: [],
      }),
    ),
    ...(details && { details }),
    extensions: [
      ...extensionsOf(located),
      ...writableOnly(
        extensionData
          .map(({ element }) => element)
          .filter(({ children }) => !children.some(child => isBlock(child) || isDetails(child))),
      ),
    ],
  };
}

/** The drafts knew UUIDs as URNs; what else comes is read like an id of the standard. */
function readDraftId(located: Located, name: string, deviations: DeviationList): MetadataId | null {
  const text = located.element.attributes[name]?.trim() ?? '';
  return isUuid(text) ? metadataIdFromUuid(text) : readIdAttribute(located, name, deviations);
}

/** The address stands in a child, or in an attribute; the name may be missing. */
function readIdentity(participant: Located): Participant['nameIds'][number] {
  const nameId = childrenNamed(participant, 'nameID')[0];
  const aor =
    participant.element.attributes['aor'] ??
    childText(participant, 'aor') ??
    nameId?.element.attributes['aor'] ??
    '';
  const name = childText(participant, 'name') ?? (nameId ? childText(nameId, 'name') : null);
  return { aor: aor.trim(), name, language: null };
}

/** A time of a session stands in a child or in an attribute. */
function readSessionTime(session: Located, name: string, deviations: DeviationList): number | null {
  const attribute = session.element.attributes[name];
  if (attribute === undefined) {
    return readTime(session, name, deviations);
  }
  const { namespace } = session.element;
  const child: XmlElement = { namespace, name, attributes: {}, text: attribute, children: [] };
  return readTime(
    { ...session, element: { ...session.element, children: [child] } },
    name,
    deviations,
  );
}

/** `<send><id>…</id></send>`, or the id itself as the content of `send`. */
function readReferences(
  participant: Located,
  name: string,
  deviations: DeviationList,
): readonly MetadataId[] {
  return childrenNamed(participant, name).flatMap(reference => {
    const ids = childrenNamed(reference, 'id');
    const targets = ids.length > 0 ? ids : [reference];
    return targets.flatMap(({ element, path }) => {
      const text = element.text.trim();
      return isUuid(text) ? metadataIdFromUuid(text) : (readId(text, path, deviations) ?? []);
    });
  });
}
