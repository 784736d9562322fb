import { collectDefaultMetrics, Registry } from 'prom-client';
import { callMetrics, type Metrics } from './call-metrics';
import { type EngineTotals, registerEngineMetrics } from './engine-metrics';
import { type LedgerTotals, registerLedgerMetrics } from './ledger-metrics';
import { type MediaTotals, registerMediaMetrics } from './media-metrics';
import { registerWebhookMetrics, type WebhookTotals } from './webhook-metrics';

/** Asked when metrics are scraped, never per packet. */
export interface MetricSources {
  readonly ledger?: () => LedgerTotals;
  readonly webhooks?: () => WebhookTotals;
  readonly media?: () => MediaTotals;
  readonly engine?: () => Promise<EngineTotals>;
}

/** The product's metrics and the registry that serves them. */
export interface GatewayMetrics extends Metrics {
  readonly registry: Registry;
  /** Connects what is pulled; later sources replace earlier ones. */
  collectFrom(sources: MetricSources): void;
}

/** Every metric of the product; `docs/metrics.md` lists them and a test compares. */
export function createMetrics(options: { processMetrics?: boolean } = {}): GatewayMetrics {
  const registry = new Registry();
  let sources: MetricSources = {};
  if (options.processMetrics ?? true) {
    collectDefaultMetrics({ register: registry });
  }
  registerMediaMetrics(registry, () => sources.media?.() ?? null);
  registerLedgerMetrics(registry, () => sources.ledger?.() ?? null);
  registerWebhookMetrics(registry, () => sources.webhooks?.() ?? null);
  registerEngineMetrics(registry, () => sources.engine?.() ?? null);
  return Object.assign(callMetrics(registry), {
    registry,
    collectFrom(next: MetricSources) {
      sources = { ...sources, ...next };
    },
  });
}
