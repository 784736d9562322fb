import { type LocalEndpoint, type PayloadFormat, type RemoteStream } from '#core';

/**
 * The media plane as the rest of the product sees it: calls with legs and recordings, described in plain
 * data. It never sees SDP, modes or providers. All methods are cheap; the packet loop runs elsewhere.
 */
export interface MediaPlane {
  /** Which packet I/O runs below. */
  readonly backend: 'linux' | 'dgram';
  /** What the port range and the file-descriptor limit allow. */
  capacity(): MediaCapacity;
  /** Pins a new call to the least loaded worker. @throws MediaError `REC_ERR_MEDIA_CLOSED` after close(). */
  openCall(options: OpenCallOptions, events: MediaCallEvents): MediaCall;
  /**
   * Makes a prompt known to all workers under its id; the same id again replaces it (what is playing goes on as it
   * was). Renders it for the rates of the codecs at once. @throws MediaError `REC_ERR_MEDIA_NOTICE` for a clip that is
   * empty, longer than a minute, or of a rate beyond 8–48 kHz.
   */
  definePrompt(promptId: string, clip: PromptClip): void;
  /** Sums over all calls since start, and what is open now. Cheap: shared memory. */
  counters(): MediaPlaneCounters;
  /** Ends every call and the workers. Idempotent. */
  close(): Promise<void>;
}

export interface MediaCapacity {
  /** Plain (unrecorded) calls that can be open at once. */
  readonly plainCalls: number;
  /** Recorded calls (two legs and one recording of two streams) that can be open at once. */
  readonly recordedCalls: number;
  /** `ports` or `file-descriptors`: what limits them. */
  readonly limitedBy: 'ports' | 'file-descriptors';
}

export interface OpenCallOptions {
  /** Used in events and logs only. */
  readonly callId: string;
}

/** What a call's media tells its owner. Called on the main thread, never re-entrantly. */
export interface MediaCallEvents {
  /** The peer's source address was learnt and is now locked (RFC 7362 latching). */
  legLatched?(legId: string, source: string): void;
  /** No RTP from the leg for the configured time although it should send. */
  legTimedOut?(legId: string): void;
  /** Someone other than the locked source sent to the leg's port (first time, then rate limited). */
  intruderSeen?(legId: string, source: string): void;
  /** ICMP says that nobody listens where the recording's packets go. */
  recordingUnreachable?(recordingId: string, label: string): void;
  /** The SRS's receiver report (RFC 3550 §6.4.2) arrived. */
  receiverReport?(recordingId: string, label: string, report: ReceiverReport): void;
  /**
   * A telephone event (RFC 4733) of the leg has ended: once per key press, however often it was repeated or lost.
   * Flash and other codes that are no digits are not told.
   */
  dtmfReceived?(legId: string, press: DtmfPress): void;
  /** The worker died: every port of the call is closed. Always the last event. */
  mediaLost?(cause: string): void;
}

export interface ReceiverReport {
  /** 0..1, since the previous report. */
  readonly fractionLost: number;
  /** Cumulative packets lost; may be negative with duplicates. */
  readonly packetsLost: number;
  readonly jitterMs: number;
}

export interface MediaCall {
  /** Opens a port pair. @throws MediaError `REC_ERR_MEDIA_NO_PORTS`, `REC_ERR_MEDIA_UNKNOWN_NETWORK`. */
  openLeg(options: OpenLegOptions): Promise<MediaLeg>;
  /** From now on each of the two legs hears the other. Replaces an earlier pairing of either. */
  connect(legIdA: string, legIdB: string): void;
  /** Opens the ports and rings of one recording. @throws MediaError as openLeg. */
  openRecording(options: OpenRecordingOptions): Promise<MediaRecording>;
  /**
   * Mixes a sound into what legs hear, never into what is recorded of them. Notices for a leg play in the order given.
   * @throws MediaError `REC_ERR_MEDIA_NOTICE` for an unknown prompt or a tone that makes no sense.
   */
  playNotice(notice: NoticeOptions): PlayingNotice;
  /** Begins or ends the measuring of levels of all legs of the call. */
  watchLevels(on: boolean): void;
  /** What each leg sends, measured five times a second while watched. Cheap: shared memory. */
  levels(): readonly LegLevel[];
  /** Ends legs and recordings, drains and returns the ports. Idempotent. */
  close(): Promise<void>;
}

export interface OpenLegOptions {
  readonly legId: string;
  /** Name of a configured network (bind and advertised address). */
  readonly network: string;
}

export interface MediaLeg {
  readonly legId: string;
  readonly local: LocalEndpoint;
  /**
   * Tells where the peer is and what it does. A changed address unlocks the latch; until the new source is
   * learnt packets go to the signalled address.
   */
  setRemote(remote: RemoteStream): void;
  /**
   * Holds telephone events of the leg back, from the other leg and from recordings, beginning with a first digit that
   * is in the rule; null lets go of what is held. What was not released within the rule's time is relayed.
   */
  holdDtmf(rule: DtmfHoldRule | null): void;
  /** Sends the held events after all, each with the duration that it had, or forgets them. */
  releaseDtmf(action: 'relay' | 'drop'): void;
  counters(): LegCounters;
  close(): void;
}

export interface LegCounters {
  readonly packetsReceived: number;
  readonly bytesReceived: number;
  readonly packetsSent: number;
  readonly bytesSent: number;
  /** By sequence numbers of what the leg sent to us. */
  readonly packetsLost: number;
  /** Not RTP or RTCP, wrong version, too short or too long. */
  readonly malformed: number;
  /** From a source other than the locked one. */
  readonly rejectedSource: number;
  /** SRTP or SRTCP that is not authentic, or a replay. */
  readonly unauthentic: number;
}

export interface OpenRecordingOptions {
  readonly recordingId: string;
  readonly network: string;
  /** In the order of the SRS offer's m-lines. */
  readonly streams: readonly RecordingStreamOptions[];
  /** Whether the gate stands open from the first instant. */
  readonly gateOpen: boolean;
}

export interface RecordingStreamOptions {
  /** `a=label` of the stream; only carried through to events and reports. */
  readonly label: string;
  /** The leg whose *sent* packets are copied. */
  readonly sourceLegId: string;
  /** Formats that may appear; tells clock rates. */
  readonly formats: readonly PayloadFormat[];
  /** In force from the first packet on; default: everything is sent as the leg sends it. */
  readonly rules?: RecordingStreamRules;
}

export interface MediaRecording {
  readonly recordingId: string;
  readonly streams: readonly MediaRecordingStream[];
  /**
   * Opens or shuts the gate. While it is shut nothing enters the rings and nothing live leaves them; what was
   * captured before the gate shut is still delivered. Takes effect at once.
   *
   * With `fillsSilence` a shut gate leaves no gap: every stream goes on, 50 packets a second, with silence in the codec
   * that it had, its numbers continuous. That needs a codec in which silence can be made; see {@link canBeSilent}.
   * @returns wall-clock time of effect, ms.
   */
  setGate(open: boolean, options?: { readonly fillsSilence?: boolean }): Promise<number>;
  /**
   * The SRS's answer, one entry per stream in order: where to send, or null for a refused stream. Sending
   * begins at each ring's cursor and catches up. Entries whose `receives` is false keep the ring waiting.
   */
  setRemotes(remotes: readonly (RemoteStream | null)[]): void;
  /** @throws MediaError when packets cannot be sent to one of these. Changes nothing. */
  checkRemotes(remotes: readonly (RemoteStream | null)[]): void;
  /** What the SRS is sent of a stream, from now on; before, everything is sent as the leg sends it. */
  setRules(label: string, rules: RecordingStreamRules): void;
  /** Copies another leg into the stream from now on (transfer); SSRC, sequence and timeline stay continuous. */
  setSource(label: string, legId: string, formats: readonly PayloadFormat[]): void;
  /**
   * The SRS is gone: sending stops at once, and what was captured from `fromWallMs` on, as far as the rings reach, waits
   * for the next one, which {@link setRemotes} names. It gets it in order, at the pace of catching up.
   * @returns wall clock of the capture of the oldest packet that waits, ms; null when nothing does.
   */
  rewind(fromWallMs: number): Promise<number | null>;
  /** Cheap: shared memory. */
  report(): RecordingReport;
  /** Sends what the rings still hold for at most `drainMs`, then RTCP BYE, then closes. Idempotent. */
  close(options: { drainMs: number }): Promise<RecordingReport>;
}

/** What a recorder's provider takes of a stream. */
export interface RecordingStreamRules {
  /** Encodings, upper case, that are sent as they come; null: all. Others are transcoded where that can be. */
  readonly keep: readonly string[] | null;
  /**
   * PCMU or PCMA, 8000 Hz, one channel: what others become. The SRS's answer may choose another of these, also where
   * null stands here.
   */
  readonly transcodeTo: PayloadFormat | null;
  /** Telephone events (RFC 4733). */
  readonly dtmf: 'pass' | 'drop';
  /** RFC 3389. */
  readonly comfortNoise: 'pass' | 'drop';
}

export interface MediaRecordingStream {
  readonly label: string;
  readonly local: LocalEndpoint;
  readonly ssrc: number;
  readonly cname: string;
}

export interface RecordingReport {
  readonly streams: readonly RecordingStreamReport[];
}

export interface RecordingStreamReport {
  readonly label: string;
  /** Packets taken from the leg while the gate was open. */
  readonly packetsCaptured: number;
  readonly packetsSent: number;
  readonly bytesSent: number;
  /** Captured, but overwritten in the ring before they could be sent. */
  readonly packetsOverflowed: number;
  /** Captured, but the SRS did not accept their payload format. */
  readonly packetsUnaccepted: number;
  /** Sent, and then made to wait again for another SRS (each time that it happened). */
  readonly packetsReplayed: number;
  /** Packets of silence that were made to fill pauses; not among the captured ones. */
  readonly packetsOfSilence: number;
  /** Packets that were made another codec's. */
  readonly packetsTranscoded: number;
  /** Payload type of the audio sent last; null: none was. */
  readonly sentPayloadType: number | null;
  /** Captured and not sent yet, or waiting again. */
  readonly packetsPending: number;
  /** Wall clock, ms since the epoch, of the capture of the first and last packet sent; null when none. */
  readonly firstPacketAtMs: number | null;
  readonly lastPacketAtMs: number | null;
  readonly lastReceiverReport: ReceiverReport | null;
  /** Wall clock of its arrival, ms; null when none came. */
  readonly lastReceiverReportAtMs: number | null;
}

export interface MediaPlaneCounters {
  readonly openCalls: number;
  readonly openLegs: number;
  readonly openRecordings: number;
  /** Including those in quarantine before reuse. */
  readonly portsInUse: number;
  readonly packetsReceived: number;
  readonly packetsSent: number;
  readonly packetsForked: number;
  readonly malformed: number;
  readonly rejectedSource: number;
  readonly unauthentic: number;
  /** The kernel refused to take a packet (full socket buffer and the like). */
  readonly sendErrors: number;
  /** Captured packets that were lost for the recordings (ring overflow). */
  readonly recordingOverflow: number;
}

/** RTP encodings into which notices can be mixed (one channel). */
export const MIXABLE_ENCODINGS: readonly string[] = ['PCMU', 'PCMA', 'L16', 'G722'];

/** Mono PCM, 8000–48000 Hz, at most a minute. */
export interface PromptClip {
  readonly samples: Int16Array;
  readonly sampleRateHz: number;
}

export type NoticeSound =
  | { readonly kind: 'prompt'; readonly promptId: string }
  | {
      readonly kind: 'tone';
      /** 50–3800 Hz. */
      readonly frequencyHz: number;
      /** 10–10000 ms, ramps included. */
      readonly durationMs: number;
      /** −60…0 dBm0. */
      readonly levelDbm0: number;
      /** Raised-cosine rise and fall, each; at most half of the duration. */
      readonly rampMs: number;
    };

export interface NoticeOptions {
  /** Carried through to logs only. */
  readonly noticeId: string;
  /** The legs that hear it. */
  readonly legIds: readonly string[];
  readonly sound: NoticeSound;
  /** By how much speech is turned down under the notice, dB ≥ 0; 0: not at all. */
  readonly duckDb: number;
}

/**
 * What became of a notice on one leg: `played` to its end; `cut` by stop(), hang-up or hold; `not-receiving`: the leg's
 * direction did not allow it; `codec`: no agreed codec can be mixed into; `no-stream`: the leg has no address, or has gone.
 */
export type NoticeOutcome = 'played' | 'cut' | 'not-receiving' | 'codec' | 'no-stream';

export interface NoticeReport {
  /** Wall clock, ms: when the first leg began to hear it and the last one ceased to; null when none did. */
  readonly startedAtMs: number | null;
  readonly endedAtMs: number | null;
  readonly legs: readonly { readonly legId: string; readonly outcome: NoticeOutcome }[];
}

export interface PlayingNotice {
  /** Settles when the notice has ended on every leg; never rejects. */
  readonly done: Promise<NoticeReport>;
  /** Ends it softly, or takes it out of the queues. Idempotent. */
  stop(): void;
}

export interface DtmfPress {
  /** `0`–`9`, `*`, `#`, `A`–`D`. */
  readonly digit: string;
  readonly durationMs: number;
}

export interface DtmfHoldRule {
  /** Digits that may begin a code. */
  readonly digits: string;
  /** How long events are held at most, ms, from the first one on. */
  readonly maxHoldMs: number;
}

export interface LegLevel {
  readonly legId: string;
  /** A full-scale sine is 0 dBFS; null: nothing was sent lately, or its codec cannot be measured. */
  readonly dbfs: number | null;
}
