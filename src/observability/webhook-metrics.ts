import { Counter, type Registry } from 'prom-client';
import { scrapedMetrics } from './scraped-metrics';

/** What webhooks have delivered and hold. */
export interface WebhookTotals {
  readonly delivered: number;
  readonly retries: number;
  readonly queued: number;
  /** Events that were given up, by reason. */
  readonly deadLetters: Readonly<Record<string, number>>;
}

const PREFIX = 'siprec_gateway_webhook_';

/** The webhooks' metrics, read when they are scraped. */
export function registerWebhookMetrics(registry: Registry, read: () => WebhookTotals | null): void {
  const { gauge, counter } = scrapedMetrics(registry, PREFIX, read);
  counter('delivered_total', 'Events that a target has taken.', t => t.delivered);
  counter('retries_total', 'Attempts that failed and are repeated.', t => t.retries);
  gauge('queued', 'Events that wait to be delivered, over all targets.', t => t.queued);
  new Counter({
    name: `${PREFIX}dead_letters_total`,
    help: 'Events that were given up, by reason.',
    labelNames: ['reason'],
    registers: [registry],
    collect() {
      const totals = read();
      if (totals !== null) {
        this.reset();
        Object.entries(totals.deadLetters).forEach(([reason, count]) =>
          this.inc({ reason }, count),
        );
      }
    },
  });
}
