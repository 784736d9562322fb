/** Median and range of what the rounds gave. */
export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/** @throws RangeError for no values. */
export function spread(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b);
  const [min, max] = [sorted[0], sorted.at(-1)];
  if (min === undefined || max === undefined) {
    throw new RangeError('no values');
  }
  return { median: quantile(sorted, 0.5), min, max };
}

/** @param sorted ascending; NaN when empty. @param q 0…1, interpolated. */
export function quantile(sorted: readonly number[], q: number): number {
  const at = (sorted.length - 1) * q;
  const below = sorted[Math.floor(at)] ?? NaN;
  const above = sorted[Math.ceil(at)] ?? NaN;
  return below + (above - below) * (at - Math.floor(at));
}

/** The median of the slopes between all pairs of points (Theil–Sen): one outlier does not tilt it. */
export function slope(points: readonly (readonly [x: number, y: number])[]): number {
  const slopes = points.flatMap(([x, y], i) =>
    points
      .slice(i + 1)
      .filter(([otherX]) => otherX !== x)
      .map(([otherX, otherY]) => (otherY - y) / (otherX - x)),
  );
  return slopes.length === 0 ? 0 : spread(slopes).median;
}

/** Rounds to so many significant digits. */
export function significant(value: number, digits = 4): number {
  return Number(value.toPrecision(digits));
}

/** Counts durations in bins of one microsecond up to a tenth of a second; the memory is fixed. */
export class Histogram {
  static readonly #BINS = 100_000;
  readonly #bins = new Uint32Array(Histogram.#BINS + 1);
  #count = 0;
  #max = 0;

  add(microseconds: number): void {
    const bin = Math.min(Histogram.#BINS, Math.max(0, Math.round(microseconds)));
    this.#bins[bin] = (this.#bins[bin] ?? 0) + 1;
    this.#count += 1;
    this.#max = Math.max(this.#max, microseconds);
  }

  get maxMs(): number {
    return this.#max / 1000;
  }

  /** 0 when nothing was counted. */
  quantileMs(q: number): number {
    let left = q * this.#count;
    for (let bin = 0; bin < Histogram.#BINS; bin++) {
      left -= this.#bins[bin] ?? 0;
      if (left <= 0) {
        return Math.min(bin / 1000, this.maxMs);
      }
    }
    return this.maxMs;
  }
}
