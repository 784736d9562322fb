import { type ProbeResult, type RecordingDialog } from '#sip';

import { SrsLiveness } from '../../../../src/session/srs/srs-liveness';
import { ManualClock } from '../../../support/manual-clock';

interface Watch {
  readonly clock: ManualClock;
  readonly liveness: SrsLiveness;
  readonly found: string[];
  readonly deadlines: number[];
  reportAtMs: number | null;
  isSending: boolean;
  isAlive: boolean;
  /** What it finds when it is not alive. */
  finds: ProbeResult;
}

function watch(
  rules: { optionsIntervalMs?: number; rtcpSilenceMs?: number } = {},
  transport: 'udp' | 'tls' = 'tls',
): Watch {
  const clock = new ManualClock();
  const found: string[] = [];
  const deadlines: number[] = [];
  const dialog = {
    peer: { transport, host: '192.0.2.9', port: 5060 },
    probe: (deadlineMs: number) => {
      deadlines.push(deadlineMs);
      return Promise.resolve(made.isAlive ? 'alive' : made.finds);
    },
  } as unknown as RecordingDialog;
  const made: Omit<Watch, 'liveness'> & { liveness?: SrsLiveness } = {
    clock,
    found,
    deadlines,
    reportAtMs: null,
    isSending: true,
    isAlive: true,
    finds: 'silent',
  };
  made.liveness = new SrsLiveness({
    dialog,
    rules: { optionsIntervalMs: 3_000, optionsDeadlineMs: 2_000, rtcpSilenceMs: 10_000, ...rules },
    clock,
    lastReceiverReportAtMs: () => made.reportAtMs,
    isSending: () => made.isSending,
    dead: finding => found.push(finding),
  });
  return made as Watch;
}

async function rounds(clock: ManualClock, count: number): Promise<void> {
  for (let round = 0; round < count; round++) {
    clock.advance(3_000);
    await new Promise(resolve => setImmediate(resolve));
  }
}

describe('the watch on an SRS', () => {
  test('asks within the dialog at its interval, and finds out when nobody answers', async () => {
    const each = watch();
    await rounds(each.clock, 2);
    each.isAlive = false;
    await rounds(each.clock, 3);
    expect(each.deadlines).toEqual([2_000, 2_000, 2_000]);
    expect(each.found).toEqual(['options-timeout']);
    expect(each.clock.runningTimers).toBe(0);
  });

  test('asks at once when a port is unreachable, and believes it at the second word', async () => {
    const each = watch();
    each.liveness.unreachable('1');
    await Promise.resolve();
    expect([each.deadlines.length, each.found.length]).toEqual([1, 0]);
    each.liveness.unreachable('2');
    each.liveness.unreachable('1');
    expect(each.found).toEqual(['icmp']);
  });

  test('misses reports only of an SRS that sent some, and only while packets are sent', async () => {
    const silent = watch();
    await rounds(silent.clock, 10);
    expect(silent.found).toEqual([]);

    const paused = watch();
    paused.reportAtMs = 1;
    paused.isSending = false;
    await rounds(paused.clock, 10);
    expect(paused.found).toEqual([]);
    paused.isSending = true;
    await rounds(paused.clock, 4);
    expect(paused.found).toEqual([]);
    await rounds(paused.clock, 1);
    expect(paused.found).toEqual(['rtcp-silence']);
  });

  test.each([
    ['udp', 'icmp'],
    ['tls', 'connection-lost'],
  ] as const)(
    'over %s says %s when nothing can be sent, twice in a row',
    async (transport, cause) => {
      const each = watch({}, transport);
      each.isAlive = false;
      each.finds = 'unreachable';
      await rounds(each.clock, 1);
      expect(each.deadlines).toHaveLength(2);
      expect(each.found).toEqual([cause]);
    },
  );

  test('asks at once when its connection is lost, also when it does not ask at intervals', async () => {
    const each = watch({ optionsIntervalMs: 0 });
    each.liveness.connectionLost();
    await rounds(each.clock, 1);
    expect([each.deadlines, each.found]).toEqual([[2_000], []]);
    each.isAlive = false;
    each.liveness.connectionLost();
    await rounds(each.clock, 1);
    expect(each.found).toEqual(['connection-lost']);
  });

  test('knows an SRS that has forgotten the dialog from one that is gone', async () => {
    const each = watch();
    each.isAlive = false;
    each.finds = 'dialog-unknown';
    each.liveness.connectionLost();
    await rounds(each.clock, 1);
    expect(each.found).toEqual(['dialog-unknown']);
  });

  test('can be switched off', async () => {
    const each = watch({ optionsIntervalMs: 0 });
    each.liveness.unreachable('1');
    await rounds(each.clock, 3);
    expect([each.deadlines.length, each.clock.runningTimers]).toEqual([0, 0]);
  });

  test('says nothing after it was stopped', async () => {
    const each = watch();
    each.isAlive = false;
    each.clock.advance(3_000);
    each.liveness.stop();
    await rounds(each.clock, 2);
    expect(each.found).toEqual([]);
  });
});
