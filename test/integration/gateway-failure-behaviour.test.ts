import { type PhoneCall } from '../../src/lab';
import {
  type GatewayBench,
  type GatewayBenchOptions,
  hangUp,
  placeCall,
  talkFor,
  withBench,
} from '../support/gateway-bench';
import { waitUntil } from '../support/wait-until';

jest.setTimeout(90_000);

/** The bench with alice's recording settings and what her organisation does when nothing can be recorded. */
async function withFailureBehaviour(
  failureBehaviour: Readonly<Record<string, string>>,
  recording: Readonly<Record<string, unknown>>,
  run: (bench: GatewayBench) => Promise<void>,
  options: GatewayBenchOptions = {},
): Promise<void> {
  const alice = {
    identities: ['sip:alice@127.0.0.1'],
    recording: { reminderTone: { enabled: false }, ...recording },
  };
  const organisations = { test: { provider: 'lab', failureBehaviour, users: { alice } } };
  await withBench({ ...options, config: { organisations } }, run);
}

const ALWAYS = { mode: 'always' };

/** Counts the legs that have heard a notice to its end. */
async function played(bench: GatewayBench, kind: string): Promise<number> {
  const pattern = new RegExp(`notices_total\\{kind="${kind}",outcome="played"\\} (\\d+)`);
  return Number(pattern.exec(await bench.metrics())?.[1] ?? 0);
}

async function reason(call: PhoneCall): Promise<string> {
  await call.waitFor('ended', 30_000);
  return `${call.ending?.status ?? ''} ${call.finalResponse?.headers.get('Reason') ?? ''}`.trim();
}

describe('when a recording that must be made cannot be made', () => {
  test('proceed: the call goes on and nobody is told', async () => {
    await withFailureBehaviour({ always: 'proceed' }, ALWAYS, async bench => {
      bench.srs.setBehaviour({ refuseStatus: 503 });
      const caller = await bench.phone('caller', 'alice');
      const call = await placeCall(bench, caller, await bench.phone('callee', 'bob'));
      await talkFor(call, 60);
      await hangUp(call);
      const [line] = await bench.waitForLedger(1);
      expect(line).toMatchObject({ verdict: 'failed', notices: [] });
    });
  });

  test('proceed with announcement: both hear it, nothing is captured until both hear that it is recorded after all', async () => {
    await withFailureBehaviour({ always: 'proceed-with-announcement' }, ALWAYS, async bench => {
      bench.srs.setBehaviour({ refuseStatus: 503 });
      const caller = await bench.phone('caller', 'alice');
      const call = await placeCall(bench, caller, await bench.phone('callee', 'bob'));
      await waitUntil(
        async () => (await played(bench, 'failure')) === 2,
        'the failure announcement',
        30_000,
      );
      bench.srs.setBehaviour({});
      const recording = await bench.srs.waitForRecording(
        ({ state }) => state === 'established',
        30_000,
      );
      await waitUntil(
        async () => (await played(bench, 'start')) === 2,
        'the start announcement',
        30_000,
      );
      await recording.until(() => recording.streams.every(({ packets }) => packets > 20), 20_000);
      expect([call.outgoing.state, call.incoming.state]).toEqual(['answered', 'answered']);
      await hangUp(call);
      const [line] = await bench.waitForLedger(1);
      expect(line).toMatchObject({ verdict: 'partial' });
      expect(line!.notices.map(({ kind, heardBy }) => [kind, heardBy.length])).toEqual([
        ['failure', 2],
        ['start', 2],
      ]);
      expect(line!.gaps.map(gap => gap.reason)).toEqual(['gap']);
      expect(line!.remarks.join()).toContain('not recorded');
      const gap = line!.gaps[0]!;
      expect(Date.parse(gap.endAt!)).toBeGreaterThan(Date.parse(gap.startAt) + 1000);
    });
  });

  test('end call with announcement: both hear why, then both are hung up with a reason', async () => {
    await withFailureBehaviour({ always: 'end-call-with-announcement' }, ALWAYS, async bench => {
      bench.srs.setBehaviour({ refuseStatus: 503 });
      const caller = await bench.phone('caller', 'alice');
      const call = await placeCall(bench, caller, await bench.phone('callee', 'bob'));
      await call.outgoing.waitFor('ended', 30_000);
      await call.incoming.waitFor('ended', 30_000);
      const [line] = await bench.waitForLedger(1);
      expect(line).toMatchObject({ verdict: 'failed', endedBy: 'gateway: hang-up' });
      expect(line!.notices).toMatchObject([
        { kind: 'failure', heardBy: [{ outcome: 'played' }, { outcome: 'played' }] },
      ]);
      expect(line!.remarks.join()).toContain('the call was ended because');
    });
  });

  test('lost in mid-call: the call is ended only when no recorder takes it in time', async () => {
    await withFailureBehaviour({ always: 'end-call-with-announcement' }, ALWAYS, async bench => {
      const caller = await bench.phone('caller', 'alice');
      const call = await placeCall(bench, caller, await bench.phone('callee', 'bob'));
      const recording = await bench.srs.waitForRecording(({ state }) => state === 'established');
      await talkFor(call, 30);
      bench.srs.setBehaviour({ refuseStatus: 503 });
      const lostAtMs = Date.now();
      await recording.bye();
      await call.outgoing.waitFor('ended', 30_000);
      expect(Date.now() - lostAtMs).toBeGreaterThan(2900);
      const [line] = await bench.waitForLedger(1);
      expect(line).toMatchObject({ verdict: 'partial', endedBy: 'gateway: hang-up' });
      expect(line!.notices.map(({ kind }) => kind)).toEqual(['failure']);
    });
  });

  test('on demand: the start of the user fails, and what is done is that of on-demand users', async () => {
    await withFailureBehaviour(
      { always: 'proceed', onDemand: 'end-call-with-announcement' },
      { mode: 'on-demand' },
      async bench => {
        bench.srs.setBehaviour({ refuseStatus: 503 });
        const caller = await bench.phone('caller', 'alice');
        const call = await placeCall(bench, caller, await bench.phone('callee', 'bob'));
        await talkFor(call, 30);
        expect(call.outgoing.state).toBe('answered');
        await call.outgoing.sendInfo({ headers: { Record: 'on' } });
        await call.incoming.waitFor('ended', 30_000);
        const [line] = await bench.waitForLedger(1);
        expect(line!.notices.map(({ kind }) => kind)).toEqual(['failure']);
      },
    );
  });
});

describe('compulsory recording', () => {
  test('without a recorder the caller gets 503 with a reason, and the callee never rings', async () => {
    await withFailureBehaviour({ always: 'compulsory' }, ALWAYS, async bench => {
      bench.srs.setBehaviour({ refuseStatus: 503 });
      const caller = await bench.phone('caller', 'alice');
      const callee = await bench.phone('callee', 'bob');
      let rang = 0;
      callee.onIncoming(() => rang++);
      const call = await caller.call(bench.uri('bob'));
      expect(await reason(call)).toBe('503 SIP;cause=503;text="Call cannot be recorded"');
      expect(rang).toBe(0);
      expect(await bench.metrics()).toMatch(/recordings_missing_total\{[^}]*srs-refused[^}]*\} 1/);
    });
  });

  test('the session stands, inactive, before the callee rings, and carries media from the answer on', async () => {
    await withFailureBehaviour({ always: 'compulsory' }, ALWAYS, async bench => {
      const caller = await bench.phone('caller', 'alice');
      const callee = await bench.phone('callee', 'bob');
      const seen: string[] = [];
      bench.srs.onEvent(event => event.kind === 'recording' && seen.push(event.event.kind));
      let establishedBeforeRinging = 0;
      let packetsBeforeAnswer = -1;
      const incoming = new Promise<PhoneCall>(resolve => {
        callee.onIncoming(waiting => {
          establishedBeforeRinging = bench.srs.recordings.filter(
            ({ state }) => state === 'established',
          ).length;
          packetsBeforeAnswer = bench.srs.recordings
            .flatMap(({ streams }) => streams)
            .reduce((sum, { packets }) => sum + packets, 0);
          waiting.ring();
          waiting.answer();
          resolve(waiting.call);
        });
      });
      const outgoing = await caller.call(bench.uri('bob'));
      await outgoing.waitFor('answered');
      const call = { outgoing, incoming: await incoming };
      await talkFor(call, 40);
      const [recording] = bench.srs.recordings;
      await recording!.until(() => recording!.streams.every(({ packets }) => packets > 20), 20_000);
      await hangUp(call);
      const [line] = await bench.waitForLedger(1);
      expect(line).toMatchObject({ verdict: 'recorded', gaps: [] });
      expect({ establishedBeforeRinging, packetsBeforeAnswer }).toEqual({
        establishedBeforeRinging: 1,
        packetsBeforeAnswer: 0,
      });
      expect(bench.srs.recordings).toHaveLength(1);
      await recording!.until(() => recording!.state === 'ended');
      expect(recording!.deviations).toEqual([]);
    });
  });

  test('a callee who is busy: the recorder gets BYE, and there is nothing to account for', async () => {
    await withFailureBehaviour({ always: 'compulsory' }, ALWAYS, async bench => {
      const caller = await bench.phone('caller', 'alice');
      const callee = await bench.phone('callee', 'bob');
      callee.onIncoming(waiting => waiting.reject(486));
      const call = await caller.call(bench.uri('bob'));
      expect(await reason(call)).toMatch(/^486/);
      const recording = await bench.srs.waitForRecording(({ state }) => state === 'ended');
      expect(recording.endedBy).toBe('src-bye');
      expect(bench.ledger()).toEqual([]);
    });
  });
});
