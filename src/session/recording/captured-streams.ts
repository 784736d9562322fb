import { type LegRole, otherRole, type PayloadFormat, PCMA, PCMU, type SrtpSuite } from '#core';
import { type MediaRecording, type RecordingStreamOptions } from '#media';

import { type CallContext } from '../call/call-context';
import { type ProviderSettings } from '../settings';
import { recordingFormats } from './recording-formats';
import { DEFAULT_LABELS, type RecordingMetadata } from './recording-metadata';
import {
  DEFAULT_PROVIDER_SRTP,
  recordingProtection,
  type RecordingProtection,
} from './recording-protection';

const COMMON_FORMATS: readonly PayloadFormat[] = [PCMA, PCMU];

export interface CapturedStreamsOptions {
  readonly recordingId: string;
  readonly recordedRole: LegRole;
  /** null: the provider is not configured. */
  readonly provider: ProviderSettings | null;
  readonly legs: CallContext['legs'];
  readonly media: CallContext['media'];
  readonly metadata: Pick<RecordingMetadata, 'flow'>;
  /** The provider does not take an encoding that cannot be transcoded either. */
  readonly untranscodable: (encoding: string) => void;
}

/**
 * The two streams of a recording, label 1 of the recorded party and label 2 of the other side: what of the legs is captured for
 * them, in which formats, how protected. It changes whenever the parties agree on something else.
 */
export class CapturedStreams {
  readonly #options: CapturedStreamsOptions;
  /** Senders of the streams, in order. */
  readonly #senders: readonly [LegRole, LegRole];
  #media: MediaRecording | null = null;

  constructor(options: CapturedStreamsOptions) {
    this.#options = options;
    this.#senders = [options.recordedRole, otherRole(options.recordedRole)];
  }

  /**
   * Opens the ports.
   * @param isGateOpen audio is to be captured by now.
   * @param isStillCaptured asked when they are open.
   * @throws MediaError without ports or for an unknown network.
   */
  async open(
    provider: ProviderSettings,
    isGateOpen: boolean,
    isStillCaptured: () => boolean,
  ): Promise<MediaRecording> {
    let recording = await this.#open(provider, isGateOpen);
    if (isGateOpen && !isStillCaptured()) {
      // Paused or stopped meanwhile: the rings hold what was said after that. Nothing of them is sent.
      await recording.close({ drainMs: 0 });
      recording = await this.#open(provider, false);
    }
    this.#media = recording;
    return recording;
  }

  /** What the SRS is offered, in the order of the streams. What is captured follows from the same choice. */
  formats(): (readonly PayloadFormat[])[] {
    const { legs, provider, untranscodable } = this.#options;
    return this.#senders.map((role, index) => {
      const choice = recordingFormats(legs.formatsOf(role), provider ?? {});
      const label = this.#media?.streams[index]?.label;
      if (label !== undefined) {
        this.#media?.setRules(label, choice.rules);
      }
      choice.untranscodable.forEach(encoding => untranscodable(encoding));
      return choice.offered;
    });
  }

  /** Before the answer: the callee will take what the caller offers, or, where that is unknown, what everybody takes. */
  expectedFormats(): (readonly PayloadFormat[])[] {
    const { legs, provider } = this.#options;
    const offered = legs.formatsOf('caller');
    const expected = offered.length > 0 ? offered : COMMON_FORMATS;
    const { offered: formats } = recordingFormats(expected, provider ?? {});
    return [formats, formats];
  }

  /** RFC 7866 §12.2: what may not be recorded in the clear is not recorded. */
  get isProtectionRefused(): boolean {
    return this.#protection.kind === 'refused';
  }

  /** Suites that the streams are offered with; none: plain RTP. */
  get srtpSuites(): readonly SrtpSuite[] {
    const protection = this.#protection;
    return protection.kind === 'srtp' ? protection.suites : [];
  }

  /** Where the dialect tells a hold by SDP alone, the stream of who sends nothing is inactive. */
  isHeld(streamIndex: number): boolean {
    const { metadata, legs } = this.#options;
    const sender = this.#senders[streamIndex === 0 ? 0 : 1];
    return metadata.flow.hold === 'sdp-only' && !legs.activityOf(sender).sends;
  }

  get #protection(): RecordingProtection {
    const { provider, legs } = this.#options;
    return recordingProtection(provider?.srtp ?? DEFAULT_PROVIDER_SRTP, legs.remotes);
  }

  #open(provider: ProviderSettings, gateOpen: boolean): Promise<MediaRecording> {
    const { recordingId, media, legs } = this.#options;
    const { recordedParty, otherParties } = provider.labels ?? DEFAULT_LABELS;
    const [recorded, other] = this.#senders;
    const streamOf = (label: string, leg: LegRole): RecordingStreamOptions => ({
      label,
      sourceLegId: leg,
      formats: [],
      rules: recordingFormats(legs.formatsOf(leg), provider).rules,
    });
    return media.openRecording({
      recordingId,
      network: provider.network,
      streams: [streamOf(recordedParty, recorded), streamOf(otherParties, other)],
      gateOpen,
    });
  }
}
