import { type Registry } from 'prom-client';
import { scrapedMetrics } from './scraped-metrics';

/** What is open now. */
const GAUGES = {
  openCalls: ['media_calls_open', 'Calls that the media plane holds.'],
  openLegs: ['media_legs_open', 'Legs with open media ports.'],
  openRecordings: ['media_recordings_open', 'Recordings with open media ports.'],
  portsInUse: ['media_ports_used', 'UDP ports in use, those that rest before reuse included.'],
} as const;

/** Since start. */
const COUNTERS = {
  packetsReceived: ['rtp_packets_received_total', 'Packets received from legs.'],
  packetsSent: ['rtp_packets_relayed_total', 'Packets sent to legs.'],
  packetsForked: ['rtp_packets_forked_total', 'Packets copied to recorders.'],
  malformed: ['rtp_packets_malformed_total', 'Packets that are no RTP or RTCP.'],
  rejectedSource: [
    'rtp_packets_rejected_source_total',
    'Packets from a source other than the one that the leg is locked to.',
  ],
  unauthentic: [
    'rtp_packets_unauthentic_total',
    'SRTP and SRTCP packets that are not authentic, or replays.',
  ],
  sendErrors: ['rtp_send_errors_total', 'Packets that the kernel did not take.'],
  recordingOverflow: [
    'recording_packets_lost_total',
    'Captured packets that were overwritten before the recorder could be sent them.',
  ],
} as const;

/** Totals of the media plane since start, and what is open now. */
export type MediaTotals = Readonly<Record<keyof typeof GAUGES | keyof typeof COUNTERS, number>>;

/** The packet plane's metrics, read when they are scraped. */
export function registerMediaMetrics(registry: Registry, read: () => MediaTotals | null): void {
  const { gauge, counter } = scrapedMetrics(registry, 'siprec_gateway_', read);
  for (const total of keysOf(GAUGES)) {
    const [name, help] = GAUGES[total];
    gauge(name, help, totals => totals[total]);
  }
  for (const total of keysOf(COUNTERS)) {
    const [name, help] = COUNTERS[total];
    counter(name, help, totals => totals[total]);
  }
}

function keysOf<T extends object>(table: T): (keyof T)[] {
  return Object.keys(table) as (keyof T)[];
}
