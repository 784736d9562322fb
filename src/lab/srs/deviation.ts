/** One departure of an SRC from a standard. */
export interface SrsDeviation {
  /** Stable, e.g. `missing-require`; all findings about a metadata document are `metadata`. */
  readonly name: string;
  /** E.g. `RFC 7866 §6.1.1`. */
  readonly clause: string;
  readonly message: string;
  /** Where it was seen first: `sip/003.txt`, `metadata/002.xml /recording/stream[1]`, `label 1`. */
  readonly where: string;
}

/** A deviation, and how often it was seen. */
export interface CountedDeviation extends SrsDeviation {
  readonly times: number;
}

/** Different deviations kept for one session. */
const MAX_DEVIATIONS = 200;

/** What was seen in one recording session; the same thing is listed once. */
export class DeviationLog {
  readonly #entries = new Map<string, CountedDeviation>();

  add(deviation: SrsDeviation): void {
    // Two streams with the same fault are two deviations; two messages with it are one.
    const stream = deviation.where.startsWith('label ') ? deviation.where : '';
    const key = [deviation.name, deviation.clause, deviation.message, stream].join('\n');
    const known = this.#entries.get(key);
    if (known !== undefined) {
      this.#entries.set(key, { ...known, times: known.times + 1 });
    } else if (this.#entries.size < MAX_DEVIATIONS) {
      this.#entries.set(key, { ...deviation, times: 1 });
    }
  }

  list(): readonly CountedDeviation[] {
    return [...this.#entries.values()];
  }
}
