import { type RecordingDialog, type RecordingStreamOffer, type SrsStreamAnswer } from '#sip';

import { type RecordingMetadata } from '../recording/recording-metadata';
import { nextUpdate, NOTHING_UNTOLD, type PlannedUpdate, type Untold } from './update-plan';

export interface SrsUpdatesOptions {
  readonly metadata: Pick<RecordingMetadata, 'flow' | 'complete' | 'partial'>;
  readonly offers: () => readonly RecordingStreamOffer[];
  /** Where something may be told now; null: nowhere, it waits. */
  readonly dialog: () => RecordingDialog | null;
  readonly began: () => void;
  /** Follows each `began`, whatever came of it. */
  readonly ended: () => void;
  readonly answered: (streams: readonly SrsStreamAnswer[]) => void;
  readonly failed: (error: unknown) => void;
}

/** Tells the SRS what changes, one message at a time; what changes meanwhile follows. */
export class SrsUpdates {
  readonly #options: SrsUpdatesOptions;
  #untold: Untold = NOTHING_UNTOLD;
  #isRunning = false;

  constructor(options: SrsUpdatesOptions) {
    this.#options = options;
  }

  /** Has to be told, when there is a dialog; see {@link run}. */
  add(what: Partial<Untold>): void {
    this.#untold = { ...this.#untold, ...what };
  }

  /** Everything is told with an INVITE that is made at this moment. */
  clear(): void {
    this.#untold = NOTHING_UNTOLD;
  }

  /** Tells everything that can be told now. @returns false when that is being done already. Never rejects. */
  async run(): Promise<boolean> {
    if (this.#isRunning) {
      return false;
    }
    this.#isRunning = true;
    try {
      for (;;) {
        const dialog = this.#options.dialog();
        const next = nextUpdate(this.#untold, this.#options.metadata.flow);
        if (dialog === null || next === null) {
          return true;
        }
        this.#untold = next.left;
        await this.#send(dialog, next.update);
      }
    } finally {
      this.#isRunning = false;
    }
  }

  async #send(dialog: RecordingDialog, { sdp, document }: PlannedUpdate): Promise<void> {
    const { metadata, offers, began, ended, answered, failed } = this.#options;
    const xml =
      document === 'none'
        ? null
        : document === 'complete'
          ? metadata.complete()
          : metadata.partial();
    if (document === 'changes' && xml === null) {
      return;
    }
    began();
    try {
      const answer = await dialog.update({
        ...(sdp ? { streams: offers() } : {}),
        ...(xml === null ? {} : { metadata: xml }),
      });
      if (sdp) {
        answered(answer);
      }
    } catch (error) {
      // The SRS knows nothing of it: the next thing that it is told is everything.
      this.add({ missed: true });
      failed(error);
    }
    ended();
  }
}
