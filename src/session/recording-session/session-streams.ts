import { errorMessage, type PayloadFormat } from '#core';
import { type RecordingReport } from '#media';
import { type RecordingStreamOffer, type SrsStreamAnswer } from '#sip';

import { type DesiredRecording } from '../../policy';
import { RecordingGate } from './recording-gate';
import { type RecordingFacts, type RecordingSessionOptions } from './recording-session-options';
import { StreamOffers } from './stream-offers';

type StreamFormats = readonly (readonly PayloadFormat[])[];

export type SessionStreamsOptions = Pick<
  RecordingSessionOptions,
  'media' | 'provider' | 'clock' | 'logger' | 'srtpSuites' | 'isHeld'
>;

/**
 * The streams of one recording: what of the call enters them, what an SRS is offered of them, and where it wants to have them
 * sent. The gate moves at once, whatever the signalling is doing.
 */
export class SessionStreams {
  readonly #options: SessionStreamsOptions;
  readonly #offerChanged: () => void;
  readonly #gate: RecordingGate;
  readonly #offers: StreamOffers;
  #desired: DesiredRecording = 'none';
  #answers: readonly SrsStreamAnswer[] = [];
  /** The report of media that is closed or closing. */
  #closed: Promise<RecordingReport> | null = null;

  /** @param offerChanged the SRS has to be offered the streams again. */
  constructor(options: SessionStreamsOptions, offerChanged: () => void) {
    this.#options = options;
    this.#offerChanged = offerChanged;
    const { media, provider, clock, logger, srtpSuites, isHeld } = options;
    this.#gate = new RecordingGate({ media, clock, logger, pause: provider.pause ?? 'inactive' });
    this.#offers = new StreamOffers({
      streams: media.streams,
      ...(srtpSuites === undefined ? {} : { srtpSuites }),
      ...(isHeld === undefined ? {} : { isHeld }),
      direction: () => this.#gate.direction,
    });
  }

  /** Whether the SRS should be getting packets. */
  get isSending(): boolean {
    return this.#desired === 'recording' || this.#gate.fillsPause;
  }

  /** The offer of this moment is another than the one that was made last. */
  get hasOtherOffer(): boolean {
    return this.#offers.hasChanged;
  }

  /** An SRS takes what is left in the rings. */
  get canDeliver(): boolean {
    return this.#answers.some(answer => answer?.receives === true);
  }

  get facts(): Pick<RecordingFacts, 'withheld' | 'pauses' | 'answers'> {
    const { withheld, pauses } = this.#gate;
    return { withheld, pauses, answers: this.#answers };
  }

  /** Follows the intent. @param formats per stream, in order; what the streams may carry. */
  follow(desired: Exclude<DesiredRecording, 'none'>, formats: StreamFormats): void {
    this.#desired = desired;
    this.#offers.setFormats(formats);
    this.#moveGate();
  }

  setFormats(formats: StreamFormats): void {
    this.#offers.setFormats(formats);
    this.#followPause();
    this.#tellOffer();
  }

  /** From now on nothing is captured and nothing filled, whatever is desired. */
  halt(): void {
    this.#gate.halt();
    this.#followPause();
  }

  /** Nothing is captured for as long as this holds, whatever is desired. */
  withhold(isWithheld: boolean): void {
    this.#gate.withhold(isWithheld);
  }

  /** Nothing is captured any more, for good. */
  shut(): void {
    this.#desired = 'none';
    this.#gate.shut();
  }

  /** What an SRS is offered now. */
  offer(): readonly RecordingStreamOffer[] {
    return this.#offers.make();
  }

  /** What the SRS has answered. Where it named addresses that no packet can be sent to nothing is sent. */
  takeAnswer(streams: readonly SrsStreamAnswer[]): void {
    if (this.#closed !== null) {
      return;
    }
    const { media, logger } = this.#options;
    try {
      media.setRemotes(streams);
      this.#answers = streams;
      this.#followPause();
    } catch (error) {
      logger.error('answer of the srs not usable', { error: errorMessage(error) });
      this.#answers = streams.map(() => null);
      media.setRemotes(this.#answers);
    }
  }

  /** What was said since then is sent (again). @returns wall clock of the oldest packet that waits; null when none does. */
  rewind(fromMs: number): Promise<number | null> {
    const { media, logger } = this.#options;
    return media.rewind(fromMs).catch((error: unknown) => {
      logger.error('rewinding a recording failed', { error: errorMessage(error) });
      return null;
    });
  }

  /** Idempotent. @param drainMs for what the rings hold. Never rejects. */
  close(drainMs: number): Promise<RecordingReport> {
    const { media } = this.#options;
    this.#closed ??= media.close({ drainMs }).catch(() => media.report());
    return this.#closed;
  }

  /** What a pause can be filled with has changed: by formats, by an answer, or because there is nothing left to pause. */
  #followPause(): void {
    if (this.#desired === 'paused') {
      this.#moveGate();
      this.#tellOffer();
    }
  }

  #moveGate(): void {
    this.#gate.follow(this.#desired, this.#offers.formats, this.#answers);
  }

  #tellOffer(): void {
    if (this.hasOtherOffer) {
      this.#offerChanged();
    }
  }
}
