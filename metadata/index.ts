export { checkMetadata, type ConformanceContext } from './conformance';
export { formatDateTime, parseDateTime } from './date-time';
export {
  BROADWORKS_SCHEMA_VERSIONS,
  type BroadWorksSchemaVersion,
  type DialectChoice,
  dialectFlow,
  type DialectFlow,
  type DialectHeaderFacts,
  dialectHeaders,
  type DialectName,
} from './dialects/dialect';
export { MetadataError, type MetadataErrorCode } from './errors';
export {
  type AssociationTimes,
  type CommunicationSession,
  type DataMode,
  type Deviation,
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
} from './model';
export {
  type AutomaticCallDistribution,
  type CallDetails,
  type NoticeKind,
  type PlayedNotice,
  type RecordingDetails,
  type RecordingEvent,
  type RecordingGap,
  type RecordingEventKind,
  type RecordingProperties,
  type RedirectedCall,
  type Redirections,
  type Retention,
} from './recording-details';
export { applyMetadata, type IdKind, type SrsView } from './srs-view';
export { type ParticipantIdentity } from './tracked-participant';
export {
  type EndReason,
  MetadataTracker,
  type MetadataTrackerOptions,
  type ParticipantFacts,
} from './tracker';
export {
  type MetadataId,
  metadataIdFromBytes,
  metadataIdFromUuid,
  metadataIdToBytes,
  metadataIdToUuid,
  newMetadataId,
  parseMetadataId,
} from './unique-id';
export { type ParsedMetadata, parseMetadata, type SpokenDialect } from './xml/reader';
export { toXml, type WriteOptions, type XmlDocument } from './xml/writer';
