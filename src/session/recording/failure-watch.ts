import { type Clock, type Timer, withDeadline } from '#core';

import {
  type DueNotice,
  type FailureAction,
  type FailureCommand,
  type FailureEvent,
  failureNotice,
  type FailureState,
  type IntentState,
  NO_FAILURE,
  reduceFailure,
} from '../../policy';

export interface FailureWatchOptions {
  readonly action: FailureAction;
  /** How long a lost recording is looked for before it is missing, ms. */
  readonly graceMs: number;
  readonly clock: Clock;
  readonly keep: () => IntentState['keep'];
  /** Plays a notice; settles when it has ended. Never rejects. */
  readonly announce: (due: DueNotice) => Promise<void>;
  /** Whether anything is captured although the recording is wanted. */
  readonly withhold: (isWithheld: boolean) => void;
  readonly endCall: () => void;
  /** For the ledger. */
  readonly remark: (text: string) => void;
}

/** A call that has to be ended does not wait longer for the end of its announcement, ms. */
const MAX_ANNOUNCEMENT_MS = 10_000;

/** Carries out what the parties of a call are told, and what else is done, while one recording cannot be made. */
export class FailureWatch {
  readonly #options: FailureWatchOptions;
  #state: FailureState = NO_FAILURE;
  #grace: Timer | null = null;

  constructor(options: FailureWatchOptions) {
    this.#options = options;
  }

  /** Told in the order in which it happens. Never throws. */
  happened(event: FailureEvent): void {
    const { action, keep } = this.#options;
    const step = reduceFailure(this.#state, event, action, keep());
    this.#state = step.state;
    step.commands.forEach(command => this.#carryOut(command.kind));
  }

  #carryOut(kind: FailureCommand['kind']): void {
    const { clock, graceMs, remark, withhold, endCall } = this.#options;
    switch (kind) {
      case 'start-grace':
        this.#grace = clock.setTimer(graceMs, () => this.happened('grace-over'));
        break;
      case 'cancel-grace':
        this.#grace?.cancel();
        break;
      case 'announce-proceed':
        remark('the parties were to be told that the call is not recorded; nothing is captured');
        withhold(true);
        void this.#announce(kind);
        break;
      case 'announce-end':
        remark('the call was ended because it could not be recorded');
        void this.#announce(kind).then(endCall);
        break;
      case 'announce-restored':
        remark('the parties were to be told that the call is recorded after all');
        withhold(false);
        void this.#announce(kind);
        break;
    }
  }

  /** Bounded: an announcement waits behind others, and a worker may be gone. */
  async #announce(kind: FailureCommand['kind']): Promise<void> {
    const due = failureNotice(kind);
    if (due !== null) {
      const played = this.#options.announce(due);
      const late = (): Error => new Error('the announcement takes too long');
      await withDeadline(this.#options.clock, played, MAX_ANNOUNCEMENT_MS, late).catch(
        () => undefined,
      );
    }
  }
}
