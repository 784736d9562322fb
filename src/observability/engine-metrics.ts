import { systemClock, withDeadline } from '#core';
import { Counter, Gauge, type Registry } from 'prom-client';
import { LabelGuard } from './label-guard';
import { nonNegative } from './scraped-metrics';

/** Totals of the embedded SIP engine. */
export interface EngineTotals {
  readonly dialogs: number;
  readonly clientTransactions: number;
  readonly serverTransactions: number;
  readonly tcpConnections: number;
  readonly messagesIn: number;
  readonly messagesOut: number;
  /** Messages that were not processed, by reason. */
  readonly drops: Readonly<Record<string, number>>;
  /** New requests turned away under load, by reason. */
  readonly shed: Readonly<Record<string, number>>;
  /** How late the engine's thread is on average, ms. */
  readonly delayMs: number;
}

const PREFIX = 'siprec_gateway_';
/** An engine that does not answer must not hold up the scrape. */
const ENGINE_DEADLINE_MS = 1000;

/** The embedded SIP engine's metrics; the engine's thread is asked when they are scraped. */
export function registerEngineMetrics(
  registry: Registry,
  read: () => Promise<EngineTotals> | null,
): void {
  const registers = [registry];
  const drops = new LabelGuard();
  let asked: Promise<EngineTotals | null> | null = null;
  // All metrics of one scrape share one question to the engine.
  const totals = (): Promise<EngineTotals | null> =>
    (asked ??= readEngine(read).finally(() => (asked = null)));
  const gauge = (name: string, help: string, pick: (totals: EngineTotals) => number): void => {
    new Gauge({
      name: `${PREFIX}${name}`,
      help,
      registers,
      async collect() {
        const current = await totals();
        this.set(current === null ? 0 : nonNegative(pick(current)));
      },
    });
  };
  const counter = (
    name: string,
    help: string,
    label: string,
    pick: (totals: EngineTotals) => readonly (readonly [string, number])[],
  ): void => {
    new Counter({
      name: `${PREFIX}${name}`,
      help,
      labelNames: [label],
      registers,
      async collect() {
        const current = await totals();
        if (current !== null) {
          this.reset();
          pick(current).forEach(([value, count]) =>
            this.inc({ [label]: value }, nonNegative(count)),
          );
        }
      },
    });
  };
  gauge('sip_dialogs_open', 'SIP dialogs of the embedded engine.', t => t.dialogs);
  gauge(
    'sip_transactions_open',
    'SIP transactions of the embedded engine, client and server.',
    t => t.clientTransactions + t.serverTransactions,
  );
  gauge(
    'sip_tcp_connections_open',
    'TCP and TLS connections of the embedded engine.',
    t => t.tcpConnections,
  );
  counter(
    'sip_messages_total',
    'SIP messages of the embedded engine, by direction.',
    'direction',
    t => [
      ['in', t.messagesIn],
      ['out', t.messagesOut],
    ],
  );
  counter(
    'sip_messages_dropped_total',
    'SIP messages that the embedded engine did not process, by reason.',
    'reason',
    t => Object.entries(t.drops).map(([reason, count]) => [drops.label(reason), count] as const),
  );
  counter(
    'sip_requests_shed_total',
    'New SIP requests that the embedded engine turned away under load, by reason.',
    'reason',
    t => Object.entries(t.shed),
  );
  gauge(
    'sip_thread_delay_seconds',
    'How late the thread of the embedded SIP engine is on average.',
    t => t.delayMs / 1000,
  );
}

async function readEngine(read: () => Promise<EngineTotals> | null): Promise<EngineTotals | null> {
  try {
    const asked = read();
    return asked === null
      ? null
      : await withDeadline(systemClock, asked, ENGINE_DEADLINE_MS, () => new Error('no answer'));
  } catch {
    // The engine is gone or stuck: counters keep their last values.
    return null;
  }
}
