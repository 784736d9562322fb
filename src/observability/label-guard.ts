/** Distinct values of one label; each makes a time series of its own. */
const MAX_VALUES = 64;

/**
 * Keeps a label's values a small closed set, whatever it is fed: error codes become their last words
 * (`REC_ERR_SIP_SRS_TIMEOUT` → `srs-timeout`), anything odd or beyond the 64th value becomes `other`.
 */
export class LabelGuard {
  readonly #seen = new Set<string>();

  label(value: string): string {
    const label = value
      .replace(/^REC_ERR_(SIP_)?/, '')
      .toLowerCase()
      .replaceAll('_', '-');
    if (!/^[a-z0-9][a-z0-9-]{0,39}$/.test(label)) {
      return 'other';
    }
    if (!this.#seen.has(label) && this.#seen.size >= MAX_VALUES) {
      return 'other';
    }
    this.#seen.add(label);
    return label;
  }
}
