export {
  allowedActions,
  combinedOutcome,
  type Control,
  type ControlAction,
  type ControlOrigin,
  type ControlOutcome,
  isRefusal,
} from './control';
export {
  FAILURE_PHASES,
  failureAction,
  type FailureCommand,
  type FailureEvent,
  failureGraceMs,
  failureNotice,
  type FailureState,
  isCompulsory,
  mayAnnounceFailure,
  NO_FAILURE,
  reduceFailure,
} from './failure-rules';
export {
  type FeatureCodeOutcome,
  type FeatureCodeState,
  firstDigits,
  INTER_DIGIT_MS,
  NO_DIGITS,
  pressKey,
} from './feature-code';
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
  type MomentCause,
  possibleActions,
  type RecordingMoment,
  reduceIntent,
} from './intent-machine';
export {
  type AnchoringReason,
  type CallDecision,
  type CallFacts,
  decideCall,
  decideParty,
  type PartyDecision,
  type PolicyLookups,
} from './call-decision';
export {
  type CompliancePlan,
  type LegKinds,
  needsMixing,
  type NoticePlan,
  planNotices,
} from './notice-plan';
export {
  type DueNotice,
  type NoticeHistory,
  type NoticeKind,
  noticesFor,
  reminderIntervalMs,
} from './notice-rules';
export {
  decideRecording,
  type FindUser,
  type IdentifiedUser,
  identifyUser,
  type IdentityScope,
  type NotRecordedReason,
  notRecordedBecause,
  type RecordingDecision,
} from './recording-decision';
export {
  type CallPolicy,
  type ComplianceAnnouncement,
  type FailureAction,
  type FailureBehaviour,
  type FeatureCodes,
  type NoticePolicy,
  type NotRecordedBecause,
  type PlatformIdentity,
  PROMPT_KINDS,
  type PromptKind,
  type TonePolicy,
  type UserPolicy,
  type VoicemailRules,
} from './user-policy';
export {
  detectVoicemail,
  type RedirectEntry,
  type VoicemailDetection,
  type VoicemailFacts,
} from './voicemail';
