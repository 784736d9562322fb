import { readWav, toneLevelDbfs } from '../../src/lab';
import { hangUp, openGatewayBench, placeCall, talkFor } from '../support/gateway-bench';

const CALLER_HZ = 440;
const CALLEE_HZ = 620;

describe('a call whose codec its recorder does not take', () => {
  test.each(['linux', 'dgram'] as const)(
    'in G.722 is recorded as PCMU without key presses, by ear, on %s',
    async backend => {
      const bench = await openGatewayBench({
        backend,
        capture: true,
        providerMedia: { codecs: ['PCMU'], dtmf: 'drop' },
      });
      try {
        const caller = await bench.phone('caller', 'alice', undefined, undefined, ['G722']);
        const callee = await bench.phone('callee', 'bob', undefined, undefined, ['G722']);
        const call = await placeCall(bench, caller, callee);
        await talkFor(call, 60);
        call.outgoing.sendDtmf('5');
        await talkFor(call, 120);
        expect(call.incoming.digits).toBe('5');
        await hangUp(call);
        const recording = await bench.srs.waitForRecording(({ state }) => state === 'ended');
        expect(recording.deviations).toEqual([]);
        expect(
          recording.streams.map(({ digits, lost, unusable }) => [digits, lost, unusable]),
        ).toEqual([
          [0, 0, 0],
          [0, 0, 0],
        ]);
        const { channels } = readWav(recording.wavPath);
        for (const [channel, hz, otherHz] of [
          [0, CALLER_HZ, CALLEE_HZ],
          [1, CALLEE_HZ, CALLER_HZ],
        ] as const) {
          const samples = channels[channel] ?? new Int16Array(0);
          const middle = samples.subarray(samples.length >> 2, samples.length >> 1);
          expect(toneLevelDbfs(middle, hz)).toBeGreaterThan(-30);
          expect(toneLevelDbfs(middle, otherHz)).toBeLessThan(-45);
        }
        const [line] = await bench.waitForLedger(1);
        expect(line?.verdict).toBe('recorded');
        expect(line?.streams.map(({ codec }) => codec)).toEqual(['PCMU/8000', 'PCMU/8000']);
        await bench.expectNothingOpen();
      } finally {
        await bench.close();
      }
    },
  );
});
