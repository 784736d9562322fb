import { type NoticeOutcome, type NoticeReport, type PlayingNotice } from '../ports';

/** A notice on its legs, until the last of them has ended. */
export class NoticeOnLegs implements PlayingNotice {
  readonly done: Promise<NoticeReport>;
  readonly #legIds: readonly string[];
  readonly #outcomes = new Map<string, NoticeOutcome>();
  readonly #stop: () => void;
  #settle: (report: NoticeReport) => void = () => undefined;
  #startedAtMs: number | null = null;
  #endedAtMs: number | null = null;

  /** @param stop asks the legs to end it. */
  constructor(legIds: readonly string[], stop: () => void) {
    this.#legIds = legIds;
    this.#stop = stop;
    this.done = new Promise(resolve => {
      this.#settle = resolve;
    });
  }

  get isDone(): boolean {
    return this.#legIds.every(legId => this.#outcomes.has(legId));
  }

  stop(): void {
    if (!this.isDone) {
      this.#stop();
    }
  }

  /** The notice has ended on one leg; what is told twice counts once. */
  ended(
    legId: string,
    outcome: NoticeOutcome,
    startedAtMs: number | null,
    endedAtMs: number | null,
  ): void {
    if (this.#outcomes.has(legId)) {
      return;
    }
    this.#outcomes.set(legId, outcome);
    if (startedAtMs !== null) {
      this.#startedAtMs = Math.min(this.#startedAtMs ?? Infinity, startedAtMs);
    }
    if (endedAtMs !== null) {
      this.#endedAtMs = Math.max(this.#endedAtMs ?? 0, endedAtMs);
    }
    this.settleIfDone();
  }

  /** The call has gone. */
  cut(nowMs: number): void {
    const endedAtMs = this.#startedAtMs === null ? null : nowMs;
    this.#legIds.forEach(legId => this.ended(legId, 'cut', null, endedAtMs));
  }

  /** A notice for no legs is done at once. */
  settleIfDone(): void {
    if (this.isDone) {
      this.#settle({
        startedAtMs: this.#startedAtMs,
        endedAtMs: this.#endedAtMs,
        legs: this.#legIds.map(legId => ({
          legId,
          outcome: this.#outcomes.get(legId) ?? 'cut',
        })),
      });
    }
  }
}
