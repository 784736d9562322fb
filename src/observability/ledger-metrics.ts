import { Gauge, type Registry } from 'prom-client';
import { scrapedMetrics } from './scraped-metrics';

/** What the ledger has written and holds, and where its chain stands. */
export interface LedgerTotals {
  readonly written: number;
  readonly lost: number;
  readonly pending: number;
  readonly failures: number;
  readonly open: number;
  readonly head: { readonly sequence: number; readonly hash: string };
}

const PREFIX = 'siprec_gateway_ledger_';

/** The ledger's metrics, read when they are scraped. */
export function registerLedgerMetrics(registry: Registry, read: () => LedgerTotals | null): void {
  const { gauge, counter } = scrapedMetrics(registry, PREFIX, read);
  counter('records_total', 'Records that are in the ledger, on the disk.', t => t.written);
  counter('records_lost_total', 'Records that the ledger could not take.', t => t.lost);
  counter(
    'write_failures_total',
    'Attempts to write ledger or journal that failed; they are repeated.',
    t => t.failures,
  );
  gauge('records_pending', 'Records that wait to be written.', t => t.pending);
  gauge('journal_open', 'Recordings that the journal has open.', t => t.open);
  gauge('head_sequence', 'Number of the last record of the chain.', t => t.head.sequence);
  new Gauge({
    name: `${PREFIX}head_info`,
    help: 'Hash of the last record of the chain; always 1, one series at a time.',
    labelNames: ['sequence', 'hash'],
    registers: [registry],
    collect() {
      // Only the newest head is told: the label never piles up.
      this.reset();
      const totals = read();
      if (totals !== null) {
        this.set({ sequence: String(totals.head.sequence), hash: totals.head.hash }, 1);
      }
    },
  });
}
