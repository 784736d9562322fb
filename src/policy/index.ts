export {
  allowedActions,
  combinedOutcome,
  type Control,
  type ControlAction,
  type ControlOrigin,
  type ControlOutcome,
} from './control';
export {
  type ClaimedIdentities,
  type IdentityClaim,
  identityClaims,
  type IdentitySource,
} from './identity';
export {
  type DesiredRecording,
  initialIntent,
  INTENT_PHASES,
  type IntentCommand,
  type IntentEvent,
  type IntentPhase,
  type IntentState,
  type IntentStep,
  reduceIntent,
} from './intent-machine';
export {
  decideRecording,
  type FindUser,
  type IdentifiedUser,
  identifyUser,
  type RecordingDecision,
  type UserPolicy,
} from './recording-decision';
