export { createCallHandler, createMessageHandler } from './call/call-handler';
export { MAX_PARTICIPANTS, type ParticipantsOutcome } from './parties/call-participants';
export { CallRegistry } from './call/call-registry';
export { type CallDeps } from './deps';
export { EventHub } from './event-hub';
export {
  type CallView,
  type ControlAnswer,
  type ControlRequest,
  type NoticeView,
  type PartyView,
  RECORDING_EVENT_KINDS,
  type RecordingEventKind,
  type RecordingEventListener,
  type RecordingEventView,
  type RecordingView,
} from './live-view';
export { missingReason } from './recording/missing-recording';
export { SrsHealth, type SrsHealthView } from './srs/srs-health';
export {
  type FailoverSettings,
  type ProviderSettings,
  type RouteSettings,
  type SessionSettings,
  type TrunkSettings,
} from './settings';
