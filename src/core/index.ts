export { assertNever } from './assert-never';
export { type Clock, systemClock, type Timer, withDeadline } from './clock';
export { type Closeable, CloseStack } from './close-stack';
export { type ErrorDetails, errorMessage, GatewayError, isGatewayError } from './errors';
export { type CallId, type IdSource, randomIds, type RecordingId } from './ids';
export { ownString } from './own-string';
export { runAtOnce, runInSlices, type SlicedWork } from './sliced';
export { type LogFields, type Logger, noopLogger } from './logger';
export {
  type LocalEndpoint,
  type PayloadFormat,
  PCMA,
  PCMU,
  type RemoteStream,
  type SrtpKey,
  type StreamCrypto,
  type TransportAddress,
} from './stream';
export {
  type Direction,
  LEG_ROLES,
  type LegRole,
  type NetworkKind,
  otherRole,
  type RecordingMode,
  type SipTransport,
  SRTP_SUITES,
  type SrtpSuite,
} from './vocabulary';
