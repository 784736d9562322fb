import { type Clock, errorMessage, type Logger, type PayloadFormat } from '#core';
import { canBeSilent, type MediaRecording } from '#media';
import { type SrsStreamAnswer } from '#sip';

import { type DesiredRecording } from '../../policy';
import { Withholding, type WithheldTime } from './withholding';

export interface RecordingGateOptions {
  readonly media: Pick<MediaRecording, 'setGate'>;
  /** What the provider gets during a pause. */
  readonly pause: 'inactive' | 'silence';
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * Whether the legs' audio enters a recording, and what stands in its place while it does not: nothing, or silence that
 * keeps the timeline.
 */
export class RecordingGate {
  readonly #options: RecordingGateOptions;
  readonly #withholding: Withholding;
  readonly #pauses = { filled: false, unfillable: false };
  #desired: DesiredRecording = 'none';
  #canBeFilled = false;
  /** Ahead of a recording there is no timeline to keep. */
  #hasBegun = false;
  /** And after it neither. */
  #isHalted = false;
  #isShut = false;

  constructor(options: RecordingGateOptions) {
    this.#options = options;
    this.#withholding = new Withholding(options.clock);
  }

  /** Whether silence is sent now. */
  get fillsPause(): boolean {
    return this.#isPauseToFill && this.#canBeFilled && !this.#withholding.isOn;
  }

  /** Of the streams, as the SRS is told it. */
  get direction(): 'inactive' | 'sendonly' {
    return this.#desired === 'paused' && !(this.#isPauseToFill && this.#canBeFilled)
      ? 'inactive'
      : 'sendonly';
  }

  /** Where the provider wants pauses filled: whether some were, and whether some could not be. */
  get pauses(): { readonly filled: boolean; readonly unfillable: boolean } {
    return { ...this.#pauses };
  }

  get withheld(): readonly WithheldTime[] {
    return this.#withholding.times;
  }

  /** What is desired, or what the streams carry, has changed. Takes effect at once. */
  follow(
    desired: DesiredRecording,
    offered: readonly (readonly PayloadFormat[])[],
    answers: readonly SrsStreamAnswer[],
  ): void {
    this.#desired = desired;
    this.#hasBegun ||= desired === 'recording';
    this.#canBeFilled = pauseCanBeFilled(offered, answers);
    this.#move();
  }

  /** From now on nothing is captured and nothing filled, whatever is desired. */
  halt(): void {
    this.#isHalted = true;
  }

  /** Nothing is captured for as long as this holds, whatever is desired. */
  withhold(isWithheld: boolean): void {
    this.#withholding.set(isWithheld);
    this.#move();
  }

  /** For good. */
  shut(): void {
    this.#withholding.set(false);
    this.#desired = 'none';
    this.#move();
    this.#isShut = true;
  }

  get #isPauseToFill(): boolean {
    const { pause } = this.#options;
    return pause === 'silence' && this.#desired === 'paused' && this.#hasBegun && !this.#isHalted;
  }

  #move(): void {
    if (this.#isShut) {
      return;
    }
    const isWithheld = this.#withholding.isOn;
    const { fillsPause: fillsSilence } = this;
    if (this.#isPauseToFill && !isWithheld) {
      this.#pauses.filled ||= fillsSilence;
      this.#pauses.unfillable ||= !fillsSilence;
    }
    const isOpen = this.#desired === 'recording' && !isWithheld && !this.#isHalted;
    this.#options.media.setGate(isOpen, { fillsSilence }).catch((error: unknown) => {
      this.#options.logger.error('recording gate failed', { error: errorMessage(error) });
    });
  }
}

const NOT_SPEECH: readonly string[] = ['TELEPHONE-EVENT', 'CN'];

/**
 * Whether silence can be made in whatever the streams of a recording may carry: in all that the SRS has answered with;
 * where it has not yet answered, in all that it is offered. Refused streams do not count. Pure.
 */
export function pauseCanBeFilled(
  offered: readonly (readonly PayloadFormat[])[],
  answers: readonly SrsStreamAnswer[],
): boolean {
  return offered.every((formats, index) => {
    const answer = answers[index];
    const carried = answer === undefined ? formats : (answer?.formats ?? []);
    return carried.filter(({ encoding }) => !NOT_SPEECH.includes(encoding)).every(canBeSilent);
  });
}
