import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import { controlMetrics, type ControlMetrics } from './control-metrics';
import { LabelGuard } from './label-guard';
import { nonNegative } from './scraped-metrics';

/** How a call through the gateway ended. */
export type CallResult = 'answered' | 'rejected' | 'cancelled' | 'failed';

/** What the product reports as it happens. Every method is cheap and never throws. */
export interface Metrics extends ControlMetrics {
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
  promptRendered: () => undefined,
  recordingRecovered: () => undefined,
  recordingMissing: () => undefined,
  srsFailure: () => undefined,
  recordingRestored: () => undefined,
  observeSrsSetup: () => undefined,
  observeCallSetup: () => undefined,
};

const PREFIX = 'siprec_gateway_';
/** s. The gateway's own share of call set-up: milliseconds. */
const CALL_SETUP_BUCKETS_S = [0.001, 0.002, 0.005, 0.01, 0.015, 0.025, 0.05, 0.1, 0.25, 0.5, 1];
/** s. A recorder's answer: from a few milliseconds to the end of SIP's patience (RFC 3261 timer B). */
const SRS_SETUP_BUCKETS_S = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 32];

/** The metrics of calls and of their recordings. */
export function callMetrics(registry: Registry): Metrics {
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
