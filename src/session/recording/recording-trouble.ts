import { type RecordingDecision } from '../../policy';
import { type CallContext } from '../call/call-context';
import {
  type RecordingFacts,
  type RecordingSessionChange,
} from '../recording-session/recording-session-options';
import { type SrsAttempt } from '../srs/srs-invitation';

/** What keeps a recording from being made, or does not any more. */
export type RecordingTrouble = 'failed' | 'lost' | 'restored';

export interface RecordingTroublesOptions {
  readonly recordingId: string;
  readonly decision: RecordingDecision;
  readonly emit: CallContext['emit'];
  /** What the parties have to be told of follows from it. */
  readonly troubled: (event: RecordingTrouble) => void;
}

/** Whoever listens hears while the call still lasts that a recording is not made, and that it is made after all. */
export class RecordingTroubles {
  readonly #options: RecordingTroublesOptions;
  #isMissing = false;

  constructor(options: RecordingTroublesOptions) {
    this.#options = options;
  }

  tell(trouble: RecordingTrouble, reason: string): void {
    const { recordingId, decision, emit, troubled } = this.#options;
    const { user, providerId } = decision;
    const { userId, organisationId } = user;
    this.#isMissing = trouble !== 'restored';
    emit(`recording.${trouble}`, { recordingId, userId, organisationId, providerId }, { reason });
    troubled(trouble);
  }

  /** @param facts of the recording session that has changed. */
  sessionChanged(
    change: RecordingSessionChange,
    facts: () => Pick<RecordingFacts, 'attempts' | 'outages'> | null,
  ): void {
    switch (change) {
      case 'exhausted':
        this.tell('failed', noSrsReason(facts()?.attempts.at(-1)));
        break;
      case 'lost':
        this.tell('lost', facts()?.outages.at(-1)?.cause ?? 'srs-lost');
        break;
      case 'restored':
        this.tell('restored', 'srs-restored');
        break;
      case 'established':
        if (this.#isMissing) {
          this.tell('restored', 'srs-established');
        }
        break;
    }
  }
}

/** In the words of the ledger. */
function noSrsReason(last: SrsAttempt | undefined): string {
  if (last === undefined) {
    return 'srs-not-tried';
  }
  return last.status === null ? 'srs-silent' : 'srs-refused';
}
