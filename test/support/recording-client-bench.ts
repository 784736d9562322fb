import { noopLogger, randomIds, systemClock } from '#core';
import { createSipStack, type SipStack } from '#sip';
import { RawSipPeer } from './raw-sip-peer';
import { type EngineUnderTest, startEngineUnderTest } from './sip-engine-under-test';
import { waitUntil } from './wait-until';

/** Our SIP stack on the engine under test, and an SRS made by hand. */
export interface RecordingClientBench {
  readonly engine: EngineUnderTest;
  readonly stack: SipStack;
  readonly srs: RawSipPeer;
}

/**
 * For the tests of a file: the stack stands for all of them, each has an SRS of its own, and nothing may be left open.
 * @returns what is there while a test runs.
 */
export function recordingClientBench(
  options: Parameters<typeof startEngineUnderTest>[0] = {},
): RecordingClientBench {
  let engine: EngineUnderTest;
  let stack: SipStack;
  let srs: RawSipPeer;

  beforeAll(async () => {
    engine = await startEngineUnderTest(options);
    stack = createSipStack({
      engine,
      clock: systemClock,
      logger: noopLogger,
      ids: randomIds,
      random: () => 0,
    });
    await stack.connect();
  });
  beforeEach(async () => {
    srs = await RawSipPeer.open('srs');
  });
  afterEach(async () => {
    await waitUntil(() => {
      const { pendingRequests, dialogs } = stack.gateway.counters();
      return pendingRequests === 0 && dialogs === 0;
    }, 'no request and no dialog is left');
    await engine.expectIdle();
    await srs.close();
  });
  afterAll(async () => {
    await stack.close();
    await engine.close();
  });

  return {
    get engine() {
      return engine;
    },
    get stack() {
      return stack;
    },
    get srs() {
      return srs;
    },
  };
}
