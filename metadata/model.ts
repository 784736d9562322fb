/**
 * The classes of RFC 7865 §6 as plain data, independent of how a dialect spells them. Times are milliseconds
 * since the epoch; null means absent.
 */

import { type RecordingDetails } from './recording-details';
import { type MetadataId } from './unique-id';

/** An empty list, one for all documents: most of their lists are empty, and the last document of each recording is kept. */
export const NONE: readonly never[] = [];

/** Whether a document stands alone or tells only what has changed (RFC 7865 §5). */
export type DataMode = 'complete' | 'partial';

/** One metadata document (the `recording` element, RFC 7865 §5.1.2). */
export interface RecordingMetadata {
  readonly kind: 'recording';
  readonly dataMode: DataMode;
  readonly groups: readonly SessionGroup[];
  readonly sessions: readonly CommunicationSession[];
  readonly participants: readonly Participant[];
  readonly streams: readonly MetadataStream[];
  readonly sessionRecordingAssociations: readonly SessionRecordingAssociation[];
  readonly participantSessionAssociations: readonly ParticipantSessionAssociation[];
  readonly participantStreamAssociations: readonly ParticipantStreamAssociation[];
  /** What the standard has no words for; absent when nothing of it is told. */
  readonly details?: RecordingDetails;
  readonly extensions: readonly XmlElement[];
}

/** The SRS's request for a complete document (RFC 7865 §7, RFC 7866 §9.2). */
export interface SnapshotRequest {
  readonly kind: 'snapshot-request';
  /** Free text. */
  readonly reason: string | null;
  /** BCP 47 tag of the reason. */
  readonly language: string | null;
  readonly extensions: readonly XmlElement[];
}

/** From when to when two things belong together. */
export interface AssociationTimes {
  readonly associateTimeMs: number | null;
  readonly disassociateTimeMs: number | null;
}

/** A group of related communication sessions (RFC 7865 §6.2). */
export interface SessionGroup extends AssociationTimes {
  readonly groupId: MetadataId;
  readonly extensions: readonly XmlElement[];
}

/** The live call (RFC 7865 §6.3). */
export interface CommunicationSession {
  readonly sessionId: MetadataId;
  /** Session-ID values, `local;remote=…` (RFC 7989). */
  readonly sipSessionIds: readonly string[];
  readonly reasons: readonly SessionReason[];
  readonly groupRef: MetadataId | null;
  readonly startTimeMs: number | null;
  readonly stopTimeMs: number | null;
  readonly extensions: readonly XmlElement[];
}

/** Why a communication session ended, from its SIP Reason header (RFC 3326). */
export interface SessionReason {
  /** `SIP`, `Q.850`, … */
  readonly protocol: string;
  /** xs:short: -32768 to 32767. */
  readonly cause: number;
  readonly text: string;
}

/** A party (RFC 7865 §6.5). */
export interface Participant {
  readonly participantId: MetadataId;
  /** At least one. */
  readonly nameIds: readonly NameId[];
  readonly extensions: readonly XmlElement[];
}

/** One identity of a participant (RFC 7865 §6.5.1). */
export interface NameId {
  /** A SIP, SIPS or tel URI, a domain name or an IP address. */
  readonly aor: string;
  /** Display name, or the dialled number. */
  readonly name: string | null;
  /** BCP 47 tag of the name. */
  readonly language: string | null;
}

/** A media stream sent to the SRS (RFC 7865 §6.7). */
export interface MetadataStream {
  readonly streamId: MetadataId;
  readonly sessionId: MetadataId | null;
  /** The `a=label` of its m-line (RFC 4574). */
  readonly label: string | null;
  readonly extensions: readonly XmlElement[];
}

/** That a communication session is being recorded here (RFC 7865 §6.4). */
export interface SessionRecordingAssociation extends AssociationTimes {
  readonly sessionId: MetadataId;
  readonly extensions: readonly XmlElement[];
}

/** That a participant is in a communication session (RFC 7865 §6.6). */
export interface ParticipantSessionAssociation extends AssociationTimes {
  readonly participantId: MetadataId;
  readonly sessionId: MetadataId;
  /** Capabilities of the Contact (RFC 3840 §9). */
  readonly params: readonly { readonly name: string; readonly value: string }[];
  readonly extensions: readonly XmlElement[];
}

/** Which streams a participant sends and receives (RFC 7865 §6.8). Neither is legal. */
export interface ParticipantStreamAssociation extends AssociationTimes {
  readonly participantId: MetadataId;
  readonly send: readonly MetadataId[];
  readonly recv: readonly MetadataId[];
  readonly extensions: readonly XmlElement[];
}

/**
 * An element of a foreign namespace (an extension), as a tree without mixed content. Attributes of
 * foreign namespaces are not kept.
 */
export interface XmlElement {
  /** Namespace URI; empty for none. */
  readonly namespace: string;
  /** Local name without prefix. */
  readonly name: string;
  /** Unqualified attributes and those of the `xml` prefix (`xml:lang`). */
  readonly attributes: Readonly<Record<string, string>>;
  readonly text: string;
  readonly children: readonly XmlElement[];
}

/** One departure from a standard, with the clause that says otherwise. */
export interface Deviation {
  /** E.g. `RFC 7865 §6.10`. */
  readonly clause: string;
  readonly message: string;
  /** Where in the document, e.g. `/recording/participant[2]/nameID[1]`. */
  readonly path: string;
}
