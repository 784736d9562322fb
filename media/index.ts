export { decodeG711, encodeG711, G711_SILENCE, type G711Encoding } from './codec/g711';
export { decodeG722, encodeG722, G722BandDecoder, G722BandEncoder } from './codec/g722';
export { canBeSilent } from './codec/silence';
export { L16_RATES_HZ } from './codec/to-g711';
export { MediaError, type MediaErrorCode } from './errors';
export { createMediaPlane } from './plane/media-plane';
export {
  type NamedPrompt,
  PACKAGED_LANGUAGES,
  PACKAGED_PROMPT_KINDS,
  packagedPromptPath,
  readPackagedPrompts,
  readPromptFile,
} from './prompts/prompt-files';
export { resample } from './audio/resample';
export { type MediaNetwork, type MediaPlaneOptions } from './plane/options';
export {
  type DtmfHoldRule,
  type DtmfPress,
  type LegCounters,
  type LegLevel,
  type MediaCall,
  type MediaCallEvents,
  type MediaCapacity,
  type MediaLeg,
  type MediaPlane,
  type MediaPlaneCounters,
  type MediaRecording,
  type MediaRecordingStream,
  MIXABLE_ENCODINGS,
  type NoticeOptions,
  type NoticeOutcome,
  type NoticeReport,
  type NoticeSound,
  type OpenCallOptions,
  type OpenLegOptions,
  type OpenRecordingOptions,
  type PlayingNotice,
  type PromptClip,
  type ReceiverReport,
  type RecordingReport,
  type RecordingStreamOptions,
  type RecordingStreamReport,
  type RecordingStreamRules,
} from './ports';
