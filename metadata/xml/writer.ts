import { Builder } from 'xml2js';
import { formatDateTime } from '../date-time';
import { type DialectChoice } from '../dialects/dialect';
import { MetadataError } from '../errors';
import {
  type AssociationTimes,
  type CommunicationSession,
  type NameId,
  type Participant,
  type ParticipantSessionAssociation,
  type ParticipantStreamAssociation,
  type RecordingMetadata,
  type SnapshotRequest,
  type XmlElement,
} from '../model';
import { RECORDING_NAMESPACE } from './schema';
import { TextCleaner, toNumericReferences } from './text';

/** Not legal as XML names, so that they can never collide with an element. */
const ATTRIBUTES = '#attributes';
const TEXT = '#text';
/** Of extension elements. */
const PREFIX = 'x';
const NAME = /^[A-Za-z_][A-Za-z0-9._-]*$/;

/** The object form of xml2js: keys are element names in document order. */
interface Node {
  [name: string]: string | Node | readonly (string | Node)[];
}

export interface XmlDocument {
  /** ASCII only, one line: as many bytes as characters. */
  readonly xml: string;
  /** How many characters could not be written and became U+FFFD. */
  readonly replacedCharacters: number;
}

export interface WriteOptions {
  /** Default `rfc7865`. */
  readonly dialect?: DialectChoice;
  /** Offset of all times from UTC, minutes, east positive. Default 0, written `Z`. */
  readonly utcOffsetMinutes?: number;
}

/**
 * Writes a document in the order of the schema of RFC 7865 §9.
 *
 * @throws MetadataError `REC_ERR_METADATA_TIME` for a time out of range, `REC_ERR_METADATA_EXTENSION_NAME` for an
 * extension whose names are not plain ASCII names. Text never throws.
 */
export function toXml(
  document: RecordingMetadata | SnapshotRequest,
  options: WriteOptions = {},
): XmlDocument {
  const cleaner = new TextCleaner();
  const writer = new NodeWriter(cleaner, options.utcOffsetMinutes ?? 0);
  const builder = new Builder({
    attrkey: ATTRIBUTES,
    charkey: TEXT,
    xmldec: { version: '1.0', encoding: 'UTF-8' },
    renderOpts: { pretty: false },
  });
  const xml = builder.buildObject(
    document.kind === 'recording'
      ? { recording: writer.recording(document) }
      : { requestsnapshot: writer.snapshotRequest(document) },
  );
  return { xml: toNumericReferences(xml), replacedCharacters: cleaner.replacedCharacters };
}

/** Turns each class of the model into its node; the order of the keys is the order of the schema. */
class NodeWriter {
  readonly #cleaner: TextCleaner;
  readonly #utcOffsetMinutes: number;

  constructor(cleaner: TextCleaner, utcOffsetMinutes: number) {
    this.#cleaner = cleaner;
    this.#utcOffsetMinutes = utcOffsetMinutes;
  }

  recording(document: RecordingMetadata): Node {
    return this.#node(
      { xmlns: RECORDING_NAMESPACE },
      [
        ['datamode', document.dataMode],
        ...document.groups.map(group =>
          entry(
            'group',
            this.#node({ group_id: group.groupId }, this.#times(group), group.extensions),
          ),
        ),
        ...document.sessions.map(session => entry('session', this.#session(session))),
        ...document.participants.map(participant =>
          entry('participant', this.#participant(participant)),
        ),
        ...document.streams.map(stream =>
          entry(
            'stream',
            this.#node(
              { stream_id: stream.streamId, session_id: stream.sessionId },
              optional('label', this.#text(stream.label)),
              stream.extensions,
            ),
          ),
        ),
        ...document.sessionRecordingAssociations.map(association =>
          entry(
            'sessionrecordingassoc',
            this.#node(
              { session_id: association.sessionId },
              this.#times(association),
              association.extensions,
            ),
          ),
        ),
        ...document.participantSessionAssociations.map(association =>
          entry('participantsessionassoc', this.#participantSession(association)),
        ),
        ...document.participantStreamAssociations.map(association =>
          entry('participantstreamassoc', this.#participantStream(association)),
        ),
      ],
      document.extensions,
    );
  }

  snapshotRequest(request: SnapshotRequest): Node {
    const reason = this.#languageText(request.reason, request.language);
    return this.#node(
      { xmlns: RECORDING_NAMESPACE },
      optional('requestreason', reason),
      request.extensions,
    );
  }

  #session(session: CommunicationSession): Node {
    return this.#node(
      { session_id: session.sessionId },
      [
        ...session.sipSessionIds.map(id => entry('sipSessionID', this.#cleaner.clean(id))),
        ...session.reasons.map(reason =>
          entry('reason', {
            ...this.#node({ cause: String(reason.cause), protocol: reason.protocol }, []),
            ...textNode(this.#cleaner.clean(reason.text)),
          }),
        ),
        ...optional('group-ref', this.#text(session.groupRef)),
        ...optional('start-time', this.#time(session.startTimeMs)),
        ...optional('stop-time', this.#time(session.stopTimeMs)),
      ],
      session.extensions,
    );
  }

  #participant(participant: Participant): Node {
    return this.#node(
      { participant_id: participant.participantId },
      participant.nameIds.map(nameId => entry('nameID', this.#nameId(nameId))),
      participant.extensions,
    );
  }

  #nameId(nameId: NameId): Node {
    return this.#node(
      { aor: nameId.aor },
      optional('name', this.#languageText(nameId.name, nameId.language)),
    );
  }

  #participantSession(association: ParticipantSessionAssociation): Node {
    return this.#node(
      { participant_id: association.participantId, session_id: association.sessionId },
      [
        ...this.#times(association),
        ...association.params.map(param =>
          entry('param', this.#node({ pname: param.name, pval: param.value }, [])),
        ),
      ],
      association.extensions,
    );
  }

  #participantStream(association: ParticipantStreamAssociation): Node {
    return this.#node(
      { participant_id: association.participantId },
      [
        ...association.send.map(id => entry('send', this.#cleaner.clean(id))),
        ...association.recv.map(id => entry('recv', this.#cleaner.clean(id))),
        ...this.#times(association),
      ],
      association.extensions,
    );
  }

  /**
   * Extensions carry a prefix, so that one named like an element of the standard stays apart from it. A child
   * without a namespace has none to carry.
   */
  #extension(element: XmlElement, parentNamespace: string): Entry {
    const attributes: Record<string, string | null> = {};
    if (element.namespace === '') {
      attributes['xmlns'] = parentNamespace === '' ? null : '';
    } else if (element.namespace !== parentNamespace) {
      attributes[`xmlns:${PREFIX}`] = element.namespace;
    }
    for (const [name, value] of Object.entries(element.attributes)) {
      attributes[name === 'xml:lang' || name === 'xml:space' ? name : checkName(name)] = value;
    }
    const children = element.children.map(child => this.#extension(child, element.namespace));
    const name = checkName(element.name);
    return entry(element.namespace === '' ? name : `${PREFIX}:${name}`, {
      ...this.#node(attributes, []),
      ...textNode(this.#cleaner.clean(element.text)),
      ...this.#node({}, children),
    });
  }

  /** Absent (null) attributes are left out. Entries of the same name must be adjacent. */
  #node(
    attributes: Readonly<Record<string, string | null>>,
    entries: readonly Entry[],
    extensions: readonly XmlElement[] = [],
  ): Node {
    const node: Node = {};
    const present = Object.entries(attributes).flatMap(([name, value]) =>
      value === null ? [] : [[name, this.#cleaner.clean(value)] as const],
    );
    if (present.length > 0) {
      node[ATTRIBUTES] = Object.fromEntries(present);
    }
    const children = new Map<string, (string | Node)[]>();
    for (const [name, content] of [
      ...entries,
      ...extensions.map(extension => this.#extension(extension, RECORDING_NAMESPACE)),
    ]) {
      const siblings = children.get(name);
      if (siblings === undefined) {
        children.set(name, [content]);
      } else {
        siblings.push(content);
      }
    }
    return { ...node, ...Object.fromEntries(children) };
  }

  #times(times: AssociationTimes): Entry[] {
    return [
      ...optional('associate-time', this.#time(times.associateTimeMs)),
      ...optional('disassociate-time', this.#time(times.disassociateTimeMs)),
    ];
  }

  #time(epochMs: number | null): string | null {
    return epochMs === null ? null : formatDateTime(epochMs, this.#utcOffsetMinutes);
  }

  #text(text: string | null): string | null {
    return text === null ? null : this.#cleaner.clean(text);
  }

  #languageText(text: string | null, language: string | null): Node | null {
    return text === null
      ? null
      : { ...this.#node({ 'xml:lang': language }, []), ...textNode(this.#cleaner.clean(text)) };
  }
}

type Entry = readonly [name: string, content: string | Node];

function entry(name: string, content: string | Node): Entry {
  return [name, content];
}

function optional(name: string, content: string | Node | null): Entry[] {
  return content === null ? [] : [entry(name, content)];
}

function textNode(text: string): Node {
  return text === '' ? {} : { [TEXT]: text };
}

function checkName(name: string): string {
  if (!NAME.test(name) || name.toLowerCase().startsWith('xml')) {
    throw new MetadataError(
      'REC_ERR_METADATA_EXTENSION_NAME',
      `cannot write an element or attribute named ${JSON.stringify(name.slice(0, 80))}`,
    );
  }
  return name;
}
