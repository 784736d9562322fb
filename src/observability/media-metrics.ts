import { type Registry } from 'prom-client';
import { scrapedMetrics } from './scraped-metrics';

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

/** The packet plane's metrics, read when they are scraped. */
export function registerMediaMetrics(registry: Registry, read: () => MediaTotals | null): void {
  const { gauge, counter } = scrapedMetrics(registry, 'siprec_gateway_', read);
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
