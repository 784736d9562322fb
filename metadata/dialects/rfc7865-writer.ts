import { formatDateTime } from '../date-time';
import { MetadataError } from '../errors';
import {
  type AssociationTimes,
  type CommunicationSession,
  type NameId,
  type ParticipantSessionAssociation,
  type ParticipantStreamAssociation,
  type RecordingMetadata,
  type SnapshotRequest,
  type XmlElement,
} from '../model';
import { type Markup } from '../xml/markup';
import { isWritableAttribute, isWritableName } from '../xml/names';
import { RECORDING_NAMESPACE } from '../xml/schema';
import { writeDetails } from './details-writer';

/** Of extension elements. */
const PREFIX = 'x';

/** Writes the classes of the model in the order of the schema of RFC 7865 §9. */
export class Rfc7865Writer {
  readonly #markup: Markup;
  readonly #utcOffsetMinutes: number;

  constructor(markup: Markup, utcOffsetMinutes: number) {
    this.#markup = markup;
    this.#utcOffsetMinutes = utcOffsetMinutes;
  }

  recording(document: RecordingMetadata): string {
    const markup = this.#markup;
    return markup.element('recording', { xmlns: RECORDING_NAMESPACE }, [
      markup.leaf('datamode', document.dataMode),
      ...document.groups.map(group =>
        markup.element('group', { group_id: group.groupId }, [
          ...this.#times(group),
          ...this.#extensions(group.extensions),
        ]),
      ),
      ...document.sessions.map(session => this.#session(session)),
      ...document.participants.map(participant =>
        markup.element('participant', { participant_id: participant.participantId }, [
          ...participant.nameIds.map(nameId => this.#nameId(nameId)),
          ...this.#extensions(participant.extensions),
        ]),
      ),
      ...document.streams.map(stream =>
        markup.element('stream', { stream_id: stream.streamId, session_id: stream.sessionId }, [
          markup.leaf('label', stream.label),
          ...this.#extensions(stream.extensions),
        ]),
      ),
      ...document.sessionRecordingAssociations.map(association =>
        markup.element('sessionrecordingassoc', { session_id: association.sessionId }, [
          ...this.#times(association),
          ...this.#extensions(association.extensions),
        ]),
      ),
      ...document.participantSessionAssociations.map(item => this.#participantSession(item)),
      ...document.participantStreamAssociations.map(item => this.#participantStream(item)),
      document.details === undefined
        ? ''
        : writeDetails(document.details, {
            markup,
            idText: id => id,
            time: epochMs => this.#time(epochMs),
          }),
      ...this.#extensions(document.extensions),
    ]);
  }

  snapshotRequest({ reason, language, extensions }: SnapshotRequest): string {
    return this.#markup.element('requestsnapshot', { xmlns: RECORDING_NAMESPACE }, [
      this.#markup.leaf('requestreason', reason, { 'xml:lang': language }),
      ...this.#extensions(extensions),
    ]);
  }

  #session(session: CommunicationSession): string {
    const markup = this.#markup;
    return markup.element('session', { session_id: session.sessionId }, [
      ...session.sipSessionIds.map(id => markup.leaf('sipSessionID', id)),
      ...session.reasons.map(({ cause, protocol, text }) =>
        markup.leaf('reason', text, { cause: String(cause), protocol }),
      ),
      markup.leaf('group-ref', session.groupRef),
      this.#timeElement('start-time', session.startTimeMs),
      this.#timeElement('stop-time', session.stopTimeMs),
      ...this.#extensions(session.extensions),
    ]);
  }

  #nameId({ aor, name, language }: NameId): string {
    return this.#markup.element('nameID', { aor }, [
      this.#markup.leaf('name', name, { 'xml:lang': language }),
    ]);
  }

  #participantSession(association: ParticipantSessionAssociation): string {
    const { participantId, sessionId, params, extensions } = association;
    return this.#markup.element(
      'participantsessionassoc',
      { participant_id: participantId, session_id: sessionId },
      [
        ...this.#times(association),
        ...params.map(({ name, value }) =>
          this.#markup.element('param', { pname: name, pval: value }),
        ),
        ...this.#extensions(extensions),
      ],
    );
  }

  #participantStream(association: ParticipantStreamAssociation): string {
    const { participantId, send, recv, extensions } = association;
    return this.#markup.element('participantstreamassoc', { participant_id: participantId }, [
      ...send.map(id => this.#markup.leaf('send', id)),
      ...recv.map(id => this.#markup.leaf('recv', id)),
      ...this.#times(association),
      ...this.#extensions(extensions),
    ]);
  }

  #extensions(elements: readonly XmlElement[]): string[] {
    return elements.map(element => {
      if (element.namespace === RECORDING_NAMESPACE) {
        throw new MetadataError(
          'REC_ERR_METADATA_EXTENSION_NAME',
          `an extension cannot be in the namespace ${RECORDING_NAMESPACE}`,
        );
      }
      return this.#extension(element, RECORDING_NAMESPACE);
    });
  }

  /**
   * Extensions carry a prefix, so that one named like an element of the standard stays apart from it. A child
   * without a namespace has none to carry.
   */
  #extension(element: XmlElement, parentNamespace: string): string {
    const attributes: Record<string, string | null> = {};
    if (element.namespace === '') {
      attributes['xmlns'] = parentNamespace === '' ? null : '';
    } else if (element.namespace !== parentNamespace) {
      attributes[`xmlns:${PREFIX}`] = element.namespace;
    }
    for (const [name, value] of Object.entries(element.attributes)) {
      attributes[checkName(name, isWritableAttribute)] = value;
    }
    const name = checkName(element.name, isWritableName);
    return this.#markup.element(element.namespace === '' ? name : `${PREFIX}:${name}`, attributes, [
      this.#markup.text(element.text),
      ...element.children.map(child => this.#extension(child, element.namespace)),
    ]);
  }

  #times({ associateTimeMs, disassociateTimeMs }: AssociationTimes): string[] {
    return [
      this.#timeElement('associate-time', associateTimeMs),
      this.#timeElement('disassociate-time', disassociateTimeMs),
    ];
  }

  #timeElement(name: string, epochMs: number | null): string {
    return this.#markup.leaf(name, epochMs === null ? null : this.#time(epochMs));
  }

  #time(epochMs: number): string {
    return formatDateTime(epochMs, this.#utcOffsetMinutes);
  }
}

function checkName(name: string, isWritable: (name: string) => boolean): string {
  if (!isWritable(name)) {
    throw new MetadataError(
      'REC_ERR_METADATA_EXTENSION_NAME',
      `cannot write an element or attribute named ${JSON.stringify(name.slice(0, 80))}`,
    );
  }
  return name;
}
