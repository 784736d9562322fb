import { type SrtpSuite } from '#core';

import { type PhoneCall, readWav, type Softphone, toneLevelDbfs } from '../../src/lab';
import {
  type GatewayBench,
  hangUp,
  openGatewayBench,
  placeCall,
  talkFor,
} from '../support/gateway-bench';

const CALLER_HZ = 440;
const CALLEE_HZ = 620;

interface Scene {
  /** What the phone offers and what it takes. */
  readonly caller?: SrtpSuite;
  readonly route?: 'never' | 'when-caller-does' | 'always';
  readonly provider?: Readonly<Record<string, unknown>>;
  readonly backend?: 'linux' | 'dgram';
}

async function withScene(
  scene: Scene,
  run: (bench: GatewayBench, caller: Softphone, callee: Softphone) => Promise<void>,
): Promise<void> {
  const bench = await openGatewayBench({
    ...(scene.backend === undefined ? {} : { backend: scene.backend }),
    ...(scene.provider === undefined ? {} : { providerMedia: { srtp: scene.provider } }),
    ...(scene.route === undefined ? {} : { route: { srtp: scene.route } }),
  });
  try {
    const caller = await bench.phone('caller', 'alice', undefined, scene.caller);
    const callee = await bench.phone('callee', 'bob');
    await run(bench, caller, callee);
    await bench.expectNothingOpen();
  } finally {
    await bench.close();
  }
}

/** The tone of the other side is heard clearly, one's own is not. */
function expectHears(call: PhoneCall, hz: number, otherHz: number): void {
  const samples = call.heard();
  const middle = samples.subarray(samples.length >> 2, samples.length - (samples.length >> 2));
  expect(toneLevelDbfs(middle, hz)).toBeGreaterThan(-30);
  expect(toneLevelDbfs(middle, otherHz)).toBeLessThan(-45);
}

const SUITE = 'AES_CM_128_HMAC_SHA1_80';

describe('SRTP through the gateway', () => {
  test.each([
    ['both legs and the recorder', { caller: SUITE }, [SUITE, SUITE, SUITE]],
    [
      'the short tag',
      { caller: 'AES_CM_128_HMAC_SHA1_32' },
      ['AES_CM_128_HMAC_SHA1_32', SUITE, SUITE],
    ],
    ['the caller and the recorder', { caller: SUITE, route: 'never' }, [SUITE, null, SUITE]],
    ['the callee and the recorder', { route: 'always' }, [null, SUITE, SUITE]],
    ['the recorder alone', { provider: { policy: 'always' } }, [null, null, SUITE]],
    [
      'the legs alone, as the provider allows',
      { caller: SUITE, provider: { policy: 'never', allowLessProtected: true } },
      [SUITE, SUITE, null],
    ],
    ['everything, on Node sockets', { caller: SUITE, backend: 'dgram' }, [SUITE, SUITE, SUITE]],
  ] as const)('protects %s, and everything is heard and recorded', async (_, scene, suites) => {
    await withScene(scene, async (bench, caller, callee) => {
      const call = await placeCall(bench, caller, callee);
      await talkFor(call, 80);
      expectHears(call.outgoing, CALLEE_HZ, CALLER_HZ);
      expectHears(call.incoming, CALLER_HZ, CALLEE_HZ);
      expect([call.outgoing.cryptoSuite, call.incoming.cryptoSuite]).toEqual(suites.slice(0, 2));
      await hangUp(call);
      const recording = await bench.srs.waitForRecording(({ state }) => state === 'ended');
      expect(recording.deviations).toEqual([]);
      expect(recording.streams.map(({ cryptoSuite }) => cryptoSuite)).toEqual([
        suites[2],
        suites[2],
      ]);
      expect(recording.streams.map(({ unauthentic }) => unauthentic)).toEqual([0, 0]);
      const { channels } = readWav(recording.wavPath);
      for (const [channel, hz, otherHz] of [
        [0, CALLER_HZ, CALLEE_HZ],
        [1, CALLEE_HZ, CALLER_HZ],
      ] as const) {
        const samples = channels[channel] ?? new Int16Array(0);
        const middle = samples.subarray(samples.length >> 2, (samples.length * 3) >> 2);
        expect(toneLevelDbfs(middle, hz)).toBeGreaterThan(-30);
        expect(toneLevelDbfs(middle, otherHz)).toBeLessThan(-45);
      }
      const [line] = await bench.waitForLedger(1);
      expect(line?.verdict).toBe('recorded');
      expect(line?.streams.map(({ cryptoSuite }) => cryptoSuite)).toEqual([suites[2], suites[2]]);
      expect(JSON.stringify(bench.ledger())).not.toMatch(/inline:|keySalt/);
      expect((await bench.gateway.counters()).media.unauthentic).toBe(0);
    });
  });

  test('a call that is protected better than its recorder allows is not recorded, and goes on', async () => {
    await withScene(
      { caller: SUITE, provider: { policy: 'never' } },
      async (bench, caller, callee) => {
        const call = await placeCall(bench, caller, callee);
        await talkFor(call, 40);
        expectHears(call.outgoing, CALLEE_HZ, CALLER_HZ);
        await hangUp(call);
        const [line] = await bench.waitForLedger(1);
        expect(line).toMatchObject({ verdict: 'failed' });
        expect(line?.verdictReasons[0]).toBe('security');
        expect(bench.srs.recordings).toHaveLength(0);
      },
    );
  });

  test('hold and resume keep the keys', async () => {
    await withScene({ caller: SUITE }, async (bench, caller, callee) => {
      const call = await placeCall(bench, caller, callee);
      await talkFor(call, 20);
      await call.outgoing.hold();
      await call.outgoing.resume();
      await talkFor(call, 60);
      expect([call.outgoing.cryptoSuite, call.incoming.cryptoSuite]).toEqual([SUITE, SUITE]);
      expect((await bench.gateway.counters()).media.unauthentic).toBe(0);
      await hangUp(call);
      expect(await bench.waitForLedger(1)).toMatchObject([{ verdict: 'recorded' }]);
    });
  });
});
