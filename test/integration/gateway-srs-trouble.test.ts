import { type Recording, type ReferenceSrs, type SrsBehaviour } from '../../src/lab';
import { type LedgerLine } from '../../src/ledger';
import {
  type AnsweredCall,
  type GatewayBench,
  type GatewayBenchOptions,
  hangUp,
  openGatewayBench,
  placeCall,
  talkFor,
} from '../support/gateway-bench';
import { waitUntil } from '../support/wait-until';

const PACKETS = 40;

/** A call through a gateway whose recorder misbehaves; what the ledger says of it. */
async function callWith(
  behaviour: SrsBehaviour,
  options: GatewayBenchOptions,
  whileTalking: (bench: GatewayBench, call: AnsweredCall) => Promise<void> = () =>
    Promise.resolve(),
): Promise<{ line: LedgerLine; metrics: string; recordings: readonly Recording[] }> {
  const bench = await openGatewayBench(options);
  try {
    bench.srs.setBehaviour(behaviour);
    const caller = await bench.phone('caller', 'alice');
    const callee = await bench.phone('callee', 'bob');
    const call = await placeCall(bench, caller, callee);
    await talkFor(call, PACKETS);
    await whileTalking(bench, call);
    // The live call is untouched: it is still up, and nothing is missing in either direction.
    expect([call.outgoing.state, call.incoming.state]).toEqual(['answered', 'answered']);
    for (const side of [call.outgoing, call.incoming]) {
      expect(side.statistics().received.map(source => source.lost)).toEqual([0]);
    }
    await hangUp(call);
    const [line] = await bench.waitForLedger(1);
    await bench.expectNothingOpen();
    return { line: line!, metrics: await bench.metrics(), recordings: bench.srs.recordings };
  } finally {
    await bench.close();
  }
}

const unreachable = (): readonly string[] => ['sip:127.0.0.1:9;transport=tcp'];
const unreachableThenGood = (srs: ReferenceSrs): readonly string[] => [
  ...unreachable(),
  srs.uri('tcp'),
];

jest.setTimeout(90_000);

describe('a recorder in trouble never hurts the call, and the ledger says what was not recorded', () => {
  test('dead: nobody listens', async () => {
    const { line, metrics } = await callWith({}, { targets: unreachable });
    expect(line).toMatchObject({ verdict: 'failed', verdictReasons: ['srs-silent'] });
    expect(line.srsAttempts).toMatchObject([{ result: 'REC_ERR_SIP_SRS_UNREACHABLE' }]);
    expect(line.gaps).toMatchObject([{ reason: 'srs-silent', startAt: line.startedAt }]);
    expect(metrics).toMatch(/recordings_total\{provider="lab",verdict="failed"\} 1/);
  });

  test('silent: it accepts the connection and never answers', async () => {
    const { line } = await callWith({ silent: true }, { srsAnswerTimeoutMs: 600 });
    expect(line).toMatchObject({ verdict: 'failed', verdictReasons: ['srs-silent'] });
    expect(line.srsAttempts).toMatchObject([{ result: 'REC_ERR_SIP_SRS_TIMEOUT', status: null }]);
  });

  test('503: it refuses', async () => {
    const { line, metrics } = await callWith({ refuseStatus: 503 }, {});
    expect(line).toMatchObject({ verdict: 'failed', verdictReasons: ['srs-refused'] });
    expect(line.srsAttempts).toMatchObject([{ result: 'REC_ERR_SIP_SRS_REFUSED', status: 503 }]);
    expect(metrics).toMatch(/srs_failures_total\{provider="lab",reason="srs-refused"\} 1/);
  });

  test('hanging up in mid-call for good: what came before is recorded, the rest is a gap', async () => {
    const { line, recordings } = await callWith({}, {}, async bench => {
      const recording = await bench.srs.waitForRecording(
        ({ streams }) => streams.filter(({ packets }) => packets > 0).length === 2,
      );
      // The gateway asks again at once, so that the answer must be settled first.
      bench.srs.setBehaviour({ refuseStatus: 503 });
      await recording.bye();
      expect(recording.endedBy).toBe('srs-bye');
      await waitUntil(
        async () => (await bench.metrics()).includes('reason="exhausted"'),
        'nobody takes it again',
      );
    });
    expect(line).toMatchObject({ verdict: 'partial' });
    expect(line.verdictReasons).toContain('srs-lost');
    expect(line.gaps).toMatchObject([{ reason: 'bye', endAt: line.endedAt }]);
    expect(recordings[0]!.streams.every(({ packets }) => packets > 0)).toBe(true);
  });

  test('one dead target, one good: the good one records from the first packet on', async () => {
    const { line, recordings } = await callWith({}, { targets: unreachableThenGood });
    expect(line).toMatchObject({ verdict: 'recorded', verdictReasons: ['complete'] });
    expect(line.srsAttempts.map(({ result }) => result)).toEqual([
      'REC_ERR_SIP_SRS_UNREACHABLE',
      'established',
    ]);
    expect(recordings[0]!.streams.map(({ lost }) => lost)).toEqual([0, 0]);
  });

  test('inactive: it takes the session but no media', async () => {
    const { line } = await callWith({ inactive: true }, {});
    expect(line.verdict).not.toBe('recorded');
    expect(line.verdictReasons).toContain('pending-at-end');
  });

  test('inactive first, recvonly later: everything is delivered', async () => {
    const { line, recordings } = await callWith({ inactive: true, activateAfterMs: 300 }, {});
    expect(line).toMatchObject({ verdict: 'recorded', verdictReasons: ['complete'] });
    expect(recordings[0]!.deviations).toEqual([]);
  });

  test('port 0 on one stream: the other one is recorded', async () => {
    const { line } = await callWith({ refuseStream: '2' }, {});
    expect(line).toMatchObject({ verdict: 'partial' });
    expect(line.verdictReasons).toContain('stream-refused');
    expect(line.streams[0]!.packetsSent).toBeGreaterThan(0);
    expect(line.streams[1]!.packetsSent).toBe(0);
  });

  test('not reading: the call goes on', async () => {
    const { line } = await callWith({ stopReading: true }, {});
    expect(line.provider).toBe('lab');
  });

  test('asking for a snapshot: it gets a complete document at once', async () => {
    const { line, recordings } = await callWith({ snapshotAfterMs: 200 }, {}, async bench => {
      const recording = await bench.srs.waitForRecording();
      await recording.until(() => recording.documents >= 2);
    });
    expect(line).toMatchObject({ verdict: 'recorded' });
    expect(recordings[0]!.deviations).toEqual([]);
  });

  test('reporting loss: the ledger tells it, and the recording is partial', async () => {
    const { line } = await callWith({ reportedLoss: 0.5 }, {});
    expect(line.verdict).toBe('partial');
    expect(line.verdictReasons).toEqual(['loss-reported']);
  });
});
