import { type Deviation } from '../model';

const MAX_DEVIATIONS = 200;
const MAX_QUOTED = 80;

/** Collects deviations; a document full of faults cannot make it grow without end. */
export class DeviationList {
  readonly #items: Deviation[] = [];
  #suppressed = 0;

  add(clause: string, message: string, path: string): void {
    if (this.#items.length < MAX_DEVIATIONS) {
      this.#items.push({ clause, message, path });
    } else {
      this.#suppressed += 1;
    }
  }

  toArray(): readonly Deviation[] {
    if (this.#suppressed === 0) {
      return [...this.#items];
    }
    const message = `${this.#suppressed} further deviations are not listed`;
    return [...this.#items, { clause: '', message, path: '/' }];
  }
}

/** What a peer wrote, short and in quotes, for a message. */
export function quote(text: string): string {
  return JSON.stringify(text.length > MAX_QUOTED ? `${text.slice(0, MAX_QUOTED)}…` : text);
}
