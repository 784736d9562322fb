import { systemClock, withDeadline } from '#core';
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import { LabelGuard } from './label-guard';
import { controlMetrics } from './control-metrics';
import { type LedgerTotals, registerLedgerMetrics } from './ledger-metrics';
import { registerWebhookMetrics, type WebhookTotals } from './webhook-metrics';

/** How a call through the gateway ended. */
export type CallResult = 'answered' | 'rejected' | 'cancelled' | 'failed';

/** What the product reports as it happens. Every method is cheap and never throws. */
export interface Metrics {
  callStarted(): void;
  callEnded(result: CallResult): void;
  recordingStarted(provider: string): void;
  recordingEnded(provider: string, verdict: string): void;
  /** An earlier run was cut off in mid-recording; this one has accounted for it. */
  recordingRecovered(provider: string, verdict: string): void;
  /** Told at once: a call that must be recorded is not, or not any more. */
  recordingMissing(provider: string, reason: string): void;
  /** A recording that would have been made, but for the provider's terms or a mailbox. */
  recordingLeftOut(provider: string, reason: string): void;
  /** A control of a recording, how it came, and what came of it (`done`, `unchanged`, `refused-…`). */
  control(action: string, via: string, outcome: string): void;
  /** What became of a notice on one leg. */
  notice(kind: string, outcome: string): void;
  /** What record-aware UAs are told. */
  indication(state: string): void;
  /** One SRS attempt that failed, or an SRS that was lost. */
  srsFailure(provider: string, reason: string): void;
  /** A recording that was lost in mid-call goes on at an SRS again. */
  recordingRestored(provider: string): void;
  /** From the decision to record to the SRS's answer. */
  observeSrsSetup(provider: string, seconds: number): void;
  /** What the gateway added to the call's set-up: from the INVITE's arrival to its departure. */
  observeCallSetup(seconds: number): void;
}

/** Measures nothing. */
export const noopMetrics: Metrics = {
  callStarted: () => undefined,
  callEnded: () => undefined,
  recordingStarted: () => undefined,
  recordingEnded: () => undefined,
  recordingLeftOut: () => undefined,
  control: () => undefined,
  notice: () => undefined,
  indication: () => undefined,
  recordingRecovered: () => undefined,
  recordingMissing: () => undefined,
  srsFailure: () => undefined,
  recordingRestored: () => undefined,
  observeSrsSetup: () => undefined,
  observeCallSetup: () => undefined,
};

/** Totals of the media plane since start, and what is open now. */
export interface MediaTotals {
  readonly openCalls: number;
  readonly openLegs: number;
  readonly openRecordings: number;
  readonly portsInUse: number;
  readonly packetsReceived: number;
  readonly packetsSent: number;
  readonly packetsForked: number;
  readonly malformed: number;
  readonly rejectedSource: number;
  readonly unauthentic: number;
  readonly sendErrors: number;
  readonly recordingOverflow: number;
}

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

const PREFIX = 'siprec_gateway_';
/** An engine that does not answer must not hold up the scrape. */
const ENGINE_DEADLINE_MS = 1000;
/** s. The gateway's own share of call set-up: milliseconds. */
const CALL_SETUP_BUCKETS_S = [0.001, 0.002, 0.005, 0.01, 0.015, 0.025, 0.05, 0.1, 0.25, 0.5, 1];
/** s. A recorder's answer: from a few milliseconds to the end of SIP's patience (RFC 3261 timer B). */
const SRS_SETUP_BUCKETS_S = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 32];

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
  return Object.assign(sessionMetrics(registry), {
    registry,
    collectFrom(next: MetricSources) {
      sources = { ...sources, ...next };
    },
  });
}

function sessionMetrics(registry: Registry): Metrics {
  const registers = [registry];
  const calls = new Counter({
    name: `${PREFIX}calls_total`,
    help: 'Calls that have ended, by result.',
    labelNames: ['result'],
    registers,
  });
  const openCalls = new Gauge({
    name: `${PREFIX}calls_open`,
    help: 'Calls in progress, ringing ones included.',
    registers,
  });
  const recordings = new Counter({
    name: `${PREFIX}recordings_total`,
    help: 'Recordings that have ended, by provider and verdict.',
    labelNames: ['provider', 'verdict'],
    registers,
  });
  const openRecordings = new Gauge({
    name: `${PREFIX}recordings_open`,
    help: 'Recordings in progress, by provider.',
    labelNames: ['provider'],
    registers,
  });
  const srsFailures = new Counter({
    name: `${PREFIX}srs_failures_total`,
    help: 'Attempts to reach a recorder that failed and recorders that were lost, by provider and reason.',
    labelNames: ['provider', 'reason'],
    registers,
  });
  const missing = new Counter({
    name: `${PREFIX}recordings_missing_total`,
    help: 'Calls that must be recorded and are not, or not any more, told at once, by provider and reason.',
    labelNames: ['provider', 'reason'],
    registers,
  });
  const leftOut = new Counter({
    name: `${PREFIX}recordings_left_out_total`,
    help: 'Recordings that would have been made, but for the terms of the provider or a mailbox, by provider and reason.',
    labelNames: ['provider', 'reason'],
    registers,
  });
  const restored = new Counter({
    name: `${PREFIX}recordings_restored_total`,
    help: 'Recordings that were lost in mid-call and went on at a recorder again, by provider.',
    labelNames: ['provider'],
    registers,
  });
  const callSetup = new Histogram({
    name: `${PREFIX}call_setup_added_seconds`,
    help: 'Time that the gateway adds to call set-up: from the arrival of the INVITE to its departure.',
    buckets: CALL_SETUP_BUCKETS_S,
    registers,
  });
  const srsSetup = new Histogram({
    name: `${PREFIX}srs_setup_seconds`,
    help: 'From the decision to record to the answer of the recorder, by provider.',
    labelNames: ['provider'],
    buckets: SRS_SETUP_BUCKETS_S,
    registers,
  });
  const reasons = new LabelGuard();
  const verdicts = new LabelGuard();
  for (const result of ['answered', 'rejected', 'cancelled', 'failed'] satisfies CallResult[]) {
    // A rate over a series that does not exist yet is a gap; over one at zero it is a rate.
    calls.inc({ result }, 0);
  }
  return {
    ...controlMetrics(registry),
    callStarted: () => openCalls.inc(),
    callEnded(result) {
      openCalls.dec();
      calls.inc({ result });
    },
    recordingStarted: provider => openRecordings.inc({ provider }),
    recordingEnded(provider, verdict) {
      openRecordings.dec({ provider });
      recordings.inc({ provider, verdict: verdicts.label(verdict) });
    },
    recordingRecovered: (provider, verdict) =>
      recordings.inc({ provider, verdict: verdicts.label(verdict) }),
    recordingLeftOut(provider, reason) {
      recordings.inc({ provider, verdict: 'not-recorded' });
      leftOut.inc({ provider, reason });
    },
    recordingMissing: (provider, reason) =>
      missing.inc({ provider, reason: reasons.label(reason) }),
    srsFailure: (provider, reason) => srsFailures.inc({ provider, reason: reasons.label(reason) }),
    recordingRestored: provider => restored.inc({ provider }),
    observeSrsSetup: (provider, seconds) => srsSetup.observe({ provider }, nonNegative(seconds)),
    observeCallSetup: seconds => callSetup.observe(nonNegative(seconds)),
  };
}

function registerMediaMetrics(registry: Registry, read: () => MediaTotals | null): void {
  const gauge = (name: string, help: string, pick: (totals: MediaTotals) => number): void => {
    new Gauge({
      name: `${PREFIX}${name}`,
      help,
      registers: [registry],
      collect() {
        const totals = readMedia(read);
        if (totals !== null) {
          this.set(nonNegative(pick(totals)));
        }
      },
    });
  };
  const counter = (name: string, help: string, pick: (totals: MediaTotals) => number): void => {
    new Counter({
      name: `${PREFIX}${name}`,
      help,
      registers: [registry],
      collect() {
        const totals = readMedia(read);
        if (totals !== null) {
          this.reset();
          this.inc(nonNegative(pick(totals)));
        }
      },
    });
  };
  gauge('media_calls_open', 'Calls that the media plane holds.', t => t.openCalls);
  gauge('media_legs_open', 'Legs with open media ports.', t => t.openLegs);
  gauge('media_recordings_open', 'Recordings with open media ports.', t => t.openRecordings);
  gauge(
    'media_ports_used',
    'UDP ports in use, those that rest before reuse included.',
    t => t.portsInUse,
  );
  counter('rtp_packets_received_total', 'Packets received from legs.', t => t.packetsReceived);
  counter('rtp_packets_relayed_total', 'Packets sent to legs.', t => t.packetsSent);
  counter('rtp_packets_forked_total', 'Packets copied to recorders.', t => t.packetsForked);
  counter('rtp_packets_malformed_total', 'Packets that are no RTP or RTCP.', t => t.malformed);
  counter(
    'rtp_packets_rejected_source_total',
    'Packets from a source other than the one that the leg is locked to.',
    t => t.rejectedSource,
  );
  counter(
    'rtp_packets_unauthentic_total',
    'SRTP and SRTCP packets that are not authentic, or replays.',
    t => t.unauthentic,
  );
  counter('rtp_send_errors_total', 'Packets that the kernel did not take.', t => t.sendErrors);
  counter(
    'recording_packets_lost_total',
    'Captured packets that were overwritten before the recorder could be sent them.',
    t => t.recordingOverflow,
  );
}

function registerEngineMetrics(registry: Registry, read: () => Promise<EngineTotals> | null): void {
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

function readMedia(read: () => MediaTotals | null): MediaTotals | null {
  try {
    return read();
  } catch {
    // The plane is gone: its last values stay.
    return null;
  }
}

/** prom-client throws on negative or non-finite values; a clock that jumped must not do that. */
function nonNegative(value: number): number {
  return Number.isFinite(value) && value > 0 ? value : 0;
}
