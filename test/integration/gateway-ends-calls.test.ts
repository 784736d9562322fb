import { type PhoneCall } from '../../src/lab';
import { placeCall, talkFor, withBench } from '../support/gateway-bench';
import { itOnEmbedded } from '../support/on-embedded';

jest.setTimeout(90_000);

const endings = (...calls: readonly PhoneCall[]): unknown => calls.map(({ ending }) => ending);

describe('the gateway ends a call by itself', () => {
  test('when both legs are silent for media.mediaTimeoutS: BYE on both sides with a Reason, and the recording ends', async () => {
    const media = { portQuarantineMs: 50, mediaTimeoutS: 1 };
    await withBench({ config: { media } }, async bench => {
      const caller = await bench.phone('caller', 'alice');
      const callee = await bench.phone('callee', 'bob');
      const { outgoing, incoming } = await placeCall(bench, caller, callee);
      await talkFor({ outgoing, incoming }, 25);
      const recording = await bench.srs.waitForRecording();
      outgoing.setMuted(true);
      incoming.setMuted(true);
      await Promise.all([outgoing.waitFor('ended', 30_000), incoming.waitFor('ended', 30_000)]);
      const reason = 'SIP;cause=408;text="Media timeout"';
      expect(endings(outgoing, incoming)).toMatchObject([
        { by: 'peer', reason },
        { by: 'peer', reason },
      ]);
      const [line] = await bench.waitForLedger(1);
      expect(line?.endedBy).toMatch(/^gateway: /);
      await recording.until(() => recording.state === 'ended');
      expect(recording.endedBy).toBe('src-bye');
    });
  });

  test('but not when one leg still talks', async () => {
    const media = { portQuarantineMs: 50, mediaTimeoutS: 1 };
    await withBench({ config: { media } }, async bench => {
      const caller = await bench.phone('caller', 'alice');
      const callee = await bench.phone('callee', 'bob');
      const call = await placeCall(bench, caller, callee);
      await talkFor(call, 25);
      call.incoming.setMuted(true);
      const { packets } = call.incoming.statistics().received[0]!;
      // Twice the timeout by the packets of the one who talks.
      await call.incoming.until(
        () => call.incoming.statistics().received[0]!.packets > packets + 100,
        60_000,
        'the caller talks on',
      );
      expect([call.outgoing.state, call.incoming.state]).toEqual(['answered', 'answered']);
      await call.outgoing.hangUp();
    });
  });

  itOnEmbedded.each(['caller', 'callee'] as const)(
    'when the %s has promised to refresh the session and does not (RFC 4028 §10): BYE on both sides, and the recording ends',
    async side => {
      await withBench({ minSessionExpiresS: 2 }, async bench => {
        const refresher = side === 'caller' ? 'uac' : 'uas';
        const timer = { 'Session-Expires': `2;refresher=${refresher}`, Supported: 'timer' };
        const caller = await bench.phone('caller', 'alice');
        const callee = await bench.phone('callee', 'bob');
        const { outgoing, incoming } = await placeCall(bench, caller, callee, {
          ...(side === 'caller' ? { headers: timer } : { answerHeaders: timer }),
        });
        await bench.srs.waitForRecording();
        await Promise.all([outgoing.waitFor('ended', 30_000), incoming.waitFor('ended', 30_000)]);
        const reason = expect.stringContaining('Session timer expired') as string;
        expect(endings(outgoing, incoming)).toMatchObject([
          { by: 'peer', reason },
          { by: 'peer', reason },
        ]);
        await bench.srs.waitForRecording(({ state, endedBy }) => {
          return state === 'ended' && endedBy === 'src-bye';
        });
        expect(await bench.waitForLedger(1)).toHaveLength(1);
      });
    },
  );
});
