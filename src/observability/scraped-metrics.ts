import { Counter, Gauge, type Registry } from 'prom-client';

/** Registers metrics of which somebody else keeps the value. */
export interface ScrapedMetrics<Totals> {
  readonly gauge: (name: string, help: string, pick: (totals: Totals) => number) => void;
  readonly counter: (name: string, help: string, pick: (totals: Totals) => number) => void;
}

/**
 * Metrics that are read from `read` when they are scraped. While it answers null, or throws because its
 * owner is gone, they keep what they told last.
 * @param prefix of each metric's name.
 */
export function scrapedMetrics<Totals>(
  registry: Registry,
  prefix: string,
  read: () => Totals | null,
): ScrapedMetrics<Totals> {
  const registers = [registry];
  return {
    gauge: (name, help, pick) => {
      new Gauge({
        name: `${prefix}${name}`,
        help,
        registers,
        collect() {
          const totals = readOrNull(read);
          if (totals !== null) {
            this.set(nonNegative(pick(totals)));
          }
        },
      });
    },
    counter: (name, help, pick) => {
      new Counter({
        name: `${prefix}${name}`,
        help,
        registers,
        collect() {
          const totals = readOrNull(read);
          if (totals !== null) {
            this.reset();
            this.inc(nonNegative(pick(totals)));
          }
        },
      });
    },
  };
}

function readOrNull<Totals>(read: () => Totals | null): Totals | null {
  try {
    return read();
  } catch {
    return null;
  }
}

/** prom-client throws on negative or non-finite values; a clock that jumped must not do that. */
export function nonNegative(value: number): number {
  return Number.isFinite(value) && value > 0 ? value : 0;
}
