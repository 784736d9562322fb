import { tagOf } from './name-addr';
import { type ResponseLike } from './srf-types';

/** Early dialogs of one INVITE whose answers are kept; a proxy that forks wider loses the oldest. */
const MAX_FORKS = 16;

/**
 * The SDP answers that provisional responses have carried, by the early dialog that they belong to (RFC 3261 §12.1.2): the 200 of
 * a fork may leave its answer out only when that fork has given one before (§13.2.1).
 */
export class EarlyAnswers {
  readonly #byTag = new Map<string, string>();

  note(response: ResponseLike, sdp: string): void {
    const tag = tagOf(response.get('to'));
    this.#byTag.delete(tag);
    const [oldest] = this.#byTag.keys();
    if (this.#byTag.size >= MAX_FORKS && oldest !== undefined) {
      this.#byTag.delete(oldest);
    }
    this.#byTag.set(tag, sdp);
  }

  /** What the fork of this response has answered; null: nothing. */
  of(response: ResponseLike): string | null {
    return this.#byTag.get(tagOf(response.get('to'))) ?? null;
  }
}
