export { AudioTrack, type AudioTrackOptions } from './audio/audio-track';
export { SILENCE_DBFS, toneLevelDbfs } from './audio/goertzel';
export {
  amplified,
  dbfsOfDbm0,
  levelDbfs,
  mix,
  pcmOf,
  type PcmSource,
  SAMPLE_RATE_HZ,
  SAMPLES_PER_MS,
  silence,
  take,
} from './audio/pcm';
export { resampleTo8k } from './audio/resample';
export { tone, type ToneOptions } from './audio/tone';
export {
  detectTone,
  scanTones,
  soundSpans,
  type ToneDetectorOptions,
  type ToneReading,
  type ToneScanOptions,
  type ToneWindow,
} from './audio/tone-detector';
export { voice, type VoiceOptions } from './audio/voice';
export { parseWav, readWav, type WavAudio } from './audio/wav-reader';
export { WavWriter, type WavWriterOptions, writeWav } from './audio/wav-writer';
export { LabError, type LabErrorCode } from './errors';
export { writeHeardWav } from './evidence';
export { type CapturedPacket, type MediaStatistics } from './phone/call-media';
export {
  answerAfter,
  type IncomingCall,
  type IncomingCallHandler,
  rejectWith,
  type ResponseOptions,
  ringForever,
} from './phone/incoming-call';
export {
  type CallEnding,
  type CallTimes,
  type PhoneCall,
  type PhoneCallState,
  type RequestHook,
} from './phone/phone-call';
export { type HoldForm } from './phone/phone-offers';
export {
  type CallOptions,
  createSoftphone,
  openPhoneExchange,
  type PhoneExchange,
  type PhoneExchangeOptions,
  type Softphone,
  type SoftphoneOptions,
} from './phone/softphone';
export {
  ReferenceSrs,
  type ReferenceSrsOptions,
  type SrsEvent,
  startReferenceSrs,
} from './reference-srs';
export { type SourceCounts } from './rtp/source-statistics';
export { runPhone, type RunPhoneAudio, type RunPhoneOptions } from './run-phone';
export { type LabSurroundings, runSrs, type RunSrsOptions } from './run-srs';
export { type SipTap } from './sip/sip-endpoint';
export { type SrsBehaviour } from './srs/behaviour';
export { type CountedDeviation, type SrsDeviation } from './srs/deviation';
export { explainDocuments, type Explanation } from './srs/explain';
export { explanationLines } from './srs/explain-text';
export { type Certificate, LabCa } from './tls/certificates';
export { partiesOfLabel, type StreamParty } from './srs/parties';
export { readRecordingBody } from './srs/recording-body';
export { type Recording, type RecordingState } from './srs/recording';
export { type RecordingEvent } from './srs/recording-options';
export { type ObservedPacket, type StreamReport } from './srs/recording-stream';
