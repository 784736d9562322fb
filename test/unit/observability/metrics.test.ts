import {
  createMetrics,
  type EngineTotals,
  type MediaTotals,
  noopMetrics,
} from '../../../src/observability';
import { LabelGuard } from '../../../src/observability/label-guard';

const MEDIA: MediaTotals = {
  openCalls: 1,
  openLegs: 2,
  openRecordings: 3,
  portsInUse: 4,
  packetsReceived: 50,
  packetsSent: 60,
  packetsForked: 70,
  malformed: 8,
  rejectedSource: 9,
  unauthentic: 12,
  sendErrors: 10,
  recordingOverflow: 11,
};

const ENGINE: EngineTotals = {
  dialogs: 1,
  clientTransactions: 2,
  serverTransactions: 3,
  tcpConnections: 4,
  messagesIn: 5,
  messagesOut: 6,
  drops: { malformed: 7, 'Too Big!': 1, 'Too Big?': 1 },
  shed: { dialogs: 8 },
  delayMs: 9,
};

function samples(text: string): string[] {
  return text.split('\n').filter(line => line !== '' && !line.startsWith('#'));
}

describe('createMetrics', () => {
  test('counts calls, recordings and failures by closed label sets', async () => {
    const metrics = createMetrics({ processMetrics: false });
    metrics.callStarted();
    metrics.callStarted();
    metrics.callEnded('answered');
    metrics.recordingStarted('lab');
    metrics.recordingEnded('lab', 'partial');
    metrics.srsFailure('lab', 'REC_ERR_SIP_SRS_TIMEOUT');
    metrics.srsFailure('lab', 'weird {reason}\n');
    expect(samples(await metrics.registry.metrics())).toEqual(
      expect.arrayContaining([
        'siprec_gateway_calls_open 1',
        'siprec_gateway_calls_total{result="answered"} 1',
        'siprec_gateway_calls_total{result="failed"} 0',
        'siprec_gateway_recordings_open{provider="lab"} 0',
        'siprec_gateway_recordings_total{provider="lab",verdict="partial"} 1',
        'siprec_gateway_srs_failures_total{provider="lab",reason="srs-timeout"} 1',
        'siprec_gateway_srs_failures_total{provider="lab",reason="other"} 1',
      ]),
    );
  });

  test('observes set-up times and survives impossible ones', async () => {
    const metrics = createMetrics({ processMetrics: false });
    metrics.observeCallSetup(0.004);
    metrics.observeCallSetup(-1);
    metrics.observeCallSetup(NaN);
    metrics.observeSrsSetup('lab', 2);
    expect(samples(await metrics.registry.metrics())).toEqual(
      expect.arrayContaining([
        'siprec_gateway_call_setup_added_seconds_bucket{le="0.002"} 2',
        'siprec_gateway_call_setup_added_seconds_bucket{le="0.005"} 3',
        'siprec_gateway_srs_setup_seconds_bucket{le="1",provider="lab"} 0',
        'siprec_gateway_srs_setup_seconds_bucket{le="2.5",provider="lab"} 1',
      ]),
    );
  });

  test('pulls media and engine totals at each scrape, once per source', async () => {
    const metrics = createMetrics({ processMetrics: false });
    let asked = 0;
    let packetsForked = 70;
    metrics.collectFrom({ media: () => ({ ...MEDIA, packetsForked }) });
    metrics.collectFrom({
      engine: () => {
        asked++;
        return Promise.resolve(ENGINE);
      },
    });
    expect(samples(await metrics.registry.metrics())).toEqual(
      expect.arrayContaining([
        'siprec_gateway_media_calls_open 1',
        'siprec_gateway_media_legs_open 2',
        'siprec_gateway_media_recordings_open 3',
        'siprec_gateway_media_ports_used 4',
        'siprec_gateway_rtp_packets_received_total 50',
        'siprec_gateway_rtp_packets_relayed_total 60',
        'siprec_gateway_rtp_packets_forked_total 70',
        'siprec_gateway_rtp_packets_malformed_total 8',
        'siprec_gateway_rtp_packets_rejected_source_total 9',
        'siprec_gateway_rtp_packets_unauthentic_total 12',
        'siprec_gateway_rtp_send_errors_total 10',
        'siprec_gateway_recording_packets_lost_total 11',
        'siprec_gateway_sip_dialogs_open 1',
        'siprec_gateway_sip_transactions_open 5',
        'siprec_gateway_sip_tcp_connections_open 4',
        'siprec_gateway_sip_messages_total{direction="in"} 5',
        'siprec_gateway_sip_messages_total{direction="out"} 6',
        'siprec_gateway_sip_messages_dropped_total{reason="malformed"} 7',
        'siprec_gateway_sip_messages_dropped_total{reason="other"} 2',
      ]),
    );
    expect(asked).toBe(1);
    packetsForked = 71;
    expect(samples(await metrics.registry.metrics())).toContain(
      'siprec_gateway_rtp_packets_forked_total 71',
    );
    expect(asked).toBe(2);
  });

  test('a scrape succeeds although the sources fail', async () => {
    const metrics = createMetrics({ processMetrics: false });
    metrics.collectFrom({
      media: () => {
        throw new Error('gone');
      },
      engine: () => Promise.reject(new Error('gone')),
    });
    expect(samples(await metrics.registry.metrics())).toContain(
      'siprec_gateway_sip_dialogs_open 0',
    );
  });

  test('each has a registry of its own', async () => {
    createMetrics({ processMetrics: false }).callStarted();
    const other = createMetrics({ processMetrics: false });
    expect(samples(await other.registry.metrics())).toContain('siprec_gateway_calls_open 0');
  });

  test('noopMetrics takes everything', () => {
    expect(() => {
      noopMetrics.callStarted();
      noopMetrics.callEnded('failed');
      noopMetrics.srsFailure('a', 'b');
    }).not.toThrow();
  });
});

describe('LabelGuard', () => {
  test('turns the 65th distinct value into "other" and still knows the first 64', () => {
    const guard = new LabelGuard();
    const labels = Array.from({ length: 70 }, (_, i) => guard.label(`reason-${i}`));
    expect(labels[63]).toBe('reason-63');
    expect(labels.slice(64)).toEqual(Array(6).fill('other'));
    expect(guard.label('reason-0')).toBe('reason-0');
  });
});
