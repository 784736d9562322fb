import { noopLogger } from '#core';
import { DRACHTIO_MAX_FRAME_BYTES } from '#sip';
import { type EmbeddedEngine, startEmbeddedEngine } from '#sip/engine';
import { waitUntil } from './wait-until';

/** The SIP engine that application tests run on: the embedded one, or the drachtio-server of the environment. */
export interface EngineUnderTest {
  readonly kind: 'embedded' | 'drachtio';
  readonly host: string;
  readonly port: number;
  readonly secret: string;
  readonly maxFrameBytes: number | null;
  /** Where it takes SIP over UDP and TCP, on 127.0.0.1. */
  readonly sipPort: number;
  /** Waits until the engine holds no dialog and no open request (embedded only; a drachtio-server cannot be asked). */
  expectIdle(deadlineMs?: number): Promise<void>;
  close(): Promise<void>;
}

/** Timers of the embedded engine in tests: a transaction gives up after 64·T1 = 3.2 s. */
const SHORT_TIMERS = { t1Ms: 50, t2Ms: 200, t4Ms: 100 };

/**
 * DRACHTIO_HOST, DRACHTIO_PORT, DRACHTIO_SECRET and DRACHTIO_SIP_PORT choose a real drachtio-server.
 * @param options of the embedded engine
 */
export async function startEngineUnderTest(
  options: { readonly minSessionExpiresS?: number } = {},
): Promise<EngineUnderTest> {
  const env = process.env;
  if (env['DRACHTIO_HOST'] !== undefined) {
    return {
      kind: 'drachtio',
      host: env['DRACHTIO_HOST'],
      port: Number(env['DRACHTIO_PORT'] ?? 9022),
      secret: env['DRACHTIO_SECRET'] ?? 'cymru',
      maxFrameBytes: DRACHTIO_MAX_FRAME_BYTES,
      sipPort: Number(env['DRACHTIO_SIP_PORT'] ?? 5060),
      expectIdle: () => Promise.resolve(),
      close: () => Promise.resolve(),
    };
  }
  const engine = await startOnOnePort(options);
  return {
    kind: 'embedded',
    host: engine.host,
    port: engine.port,
    secret: engine.secret,
    maxFrameBytes: null,
    sipPort: engine.listeners[0]?.port ?? 0,
    expectIdle: async deadlineMs => {
      await waitUntil(
        async () => {
          const counters = await engine.counters();
          return counters.dialogs === 0 && counters.pendingRequests === 0;
        },
        'the engine is idle',
        deadlineMs ?? 8_000,
      );
    },
    close: () => engine.close(),
  };
}

/** UDP and TCP on the same port, as operators have it; any free one. */
async function startOnOnePort(options: {
  readonly minSessionExpiresS?: number;
}): Promise<EmbeddedEngine> {
  for (let attempt = 0; ; attempt++) {
    const port = 20_000 + Math.floor(Math.random() * 10_000);
    try {
      return await startEmbeddedEngine({
        listeners: [
          { transport: 'udp', host: '127.0.0.1', port },
          { transport: 'tcp', host: '127.0.0.1', port },
        ],
        logger: noopLogger,
        timers: SHORT_TIMERS,
        ...options,
      });
    } catch (error) {
      if (attempt === 5) {
        throw error;
      }
    }
  }
}
