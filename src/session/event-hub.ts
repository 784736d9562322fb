import { type RecordingEventListener, type RecordingEventView } from './live-view';

/** Tells everybody who listens what happens to calls. A listener that throws is no concern of the call. */
export class EventHub {
  readonly #listeners = new Set<RecordingEventListener>();
  readonly #onError: (error: unknown) => void;

  constructor(onError: (error: unknown) => void = () => undefined) {
    this.#onError = onError;
  }

  /** @returns how to stop listening; idempotent. */
  listen(listener: RecordingEventListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Synchronous; never throws. */
  emit(event: RecordingEventView): void {
    for (const listener of this.#listeners) {
      try {
        listener(event);
      } catch (error) {
        this.#onError(error);
      }
    }
  }
}
