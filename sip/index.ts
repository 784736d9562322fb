export { readDtmfInfo, type DtmfInfo } from './controls/dtmf-info';
export { readRecordHeader, type RecordControl } from './controls/record-header';
export { DrachtioConnection, type DrachtioConnectionOptions } from './drachtio-connection';
export { isSipError, SipError, type SipErrorCode } from './errors';
export {
  ALLOWED_METHODS,
  HEADER_POLICY,
  type HeaderAction,
  type HeaderContext,
  type HeaderRule,
  PASSED_OPTION_TAGS,
} from './header-policy';
export { SipGateway, type SipGatewayCounters, type SipGatewayOptions } from './inbound-router';
export { formatNameAddr, parseNameAddr, parseNameAddrs, splitSipUri } from './name-addr';
export type {
  AnswerFacts,
  CallDelegate,
  CallEnd,
  CallPlan,
  CallTarget,
  DigestCredentials,
  HangUpCause,
  IncomingCall,
  InfoFacts,
  InfoToSend,
  InfoVerdict,
  InviteFacts,
  NameAddr,
  PagerMessage,
  PagerPlan,
  PartyFacts,
  ProbeResult,
  ProgressFacts,
  RecordIndication,
  RecordingDialog,
  RecordingDialogEnd,
  RecordingDialogEvents,
  RecordingInvite,
  RecordingStreamOffer,
  RecordPreference,
  SignallingProfile,
  SipPeer,
  SrsClient,
  SrsStreamAnswer,
} from './ports';
export {
  DEFAULT_MULTIPART_LIMITS,
  findPart,
  isMultipart,
  type MultipartLimits,
  type MultipartPart,
  type MultipartPartToWrite,
  readMultipart,
  type ReadMultipart,
  writeMultipart,
  type WrittenMultipart,
} from './recording/multipart-body';
export { METADATA_TYPES, RFC7866_PROFILE } from './recording/signalling-profile';
export { SipSrsClient, type SrsClientOptions } from './recording/srs-client';
export {
  agreedFormats,
  answerDirection,
  type Flow,
  isSameCodec,
  payloadFormats,
  reverseDirection,
  toDirection,
  toFlow,
} from './sdp/offer-answer';
export { parseRecordingAnswer } from './sdp/recording-answer';
export { buildRecordingSdp } from './sdp/recording-offer';
export { statedFlow, toRemoteStream } from './sdp/remote-stream';
export { SdpOrigin } from './sdp/sdp-origin';
export {
  attributeName,
  connectionHost,
  directionOf,
  formatSdp,
  mediaAttributes,
  type MediaAttributes,
  type MediaDescription,
  mediaLine,
  parseSdp,
  type SessionDescription,
} from './sdp/session-description';
export {
  createSipStack,
  DRACHTIO_MAX_FRAME_BYTES,
  type SipStack,
  type SipStackOptions,
} from './sip-stack';
export { type CallTimeouts, DEFAULT_CALL_TIMEOUTS } from './timeouts';
export { UserAgent, type UserAgentOptions } from './user-agent';
