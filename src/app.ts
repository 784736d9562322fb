import { type GatewayConfig, ringBytesFor } from '#config';
import { type Clock, CloseStack, errorMessage, type IdSource, type Logger } from '#core';
import { createMediaPlane, type MediaCapacity, type MediaPlane } from '#media';
import { createSipStack, DRACHTIO_MAX_FRAME_BYTES, type SipStack } from '#sip';
import {
  type EmbeddedEngine,
  type EmbeddedEngineOptions,
  type EngineListener,
  startEmbeddedEngine,
} from '#sip/engine';

import { type AdminServer, type HealthReport, ProviderWatch } from './admin';
import { openLedger } from './ledger';
import { type GatewayMetrics } from './observability';
import { openOutside } from './outside';
import {
  type CallDeps,
  CallRegistry,
  createCallHandler,
  createMessageHandler,
  SrsHealth,
} from './session';
import { engineTransports, knownSources } from './engine-transports';
import { definePrompts } from './prompts';
import { SettingsStore } from './settings-store';

export interface GatewayDeps {
  readonly clock: Clock;
  readonly ids: IdSource;
  readonly logger: Logger;
  readonly metrics: GatewayMetrics;
  /** The settings in force and how they change; absent: `config`, which never changes. */
  readonly settings?: SettingsStore;
  /** Timers of the embedded SIP engine (RFC 3261 §17), for tests that wait for them to fire. */
  readonly sipTimers?: EmbeddedEngineOptions['timers'];
}

/** A running gateway. */
export interface Gateway {
  /** Where SIP is listened for, with real ports; empty when a drachtio-server listens for us. */
  readonly listeners: readonly EngineListener[];
  readonly admin: AdminServer | null;
  readonly backend: MediaPlane['backend'];
  readonly capacity: MediaCapacity;
  health(): HealthReport;
  openCalls(): number;
  /** Open things of every part, for leak checks. */
  counters(): Promise<GatewayCounters>;
  /** Refuses new calls (503 with Retry-After) and resolves when the last call is over. Idempotent. */
  drain(): Promise<void>;
  /** Ends the calls in progress in an orderly way, then everything else. Idempotent, never rejects. */
  close(): Promise<void>;
  /** Called once if a part fails that the gateway cannot live without. */
  onFailure(listener: (error: Error) => void): void;
}

export interface GatewayCounters {
  readonly calls: number;
  readonly media: ReturnType<MediaPlane['counters']>;
  readonly sip: ReturnType<SipStack['gateway']['counters']>;
  readonly engine: Awaited<ReturnType<EmbeddedEngine['counters']>> | null;
}

/** How long calls may take to end in an orderly way when the gateway closes, beyond the drain time, ms. */
const HANG_UP_DEADLINE_MS = 5_000;

/** How often each recorder is asked whether it is there, ms. */
const SRS_PING_INTERVAL_MS = 30_000;
const SRS_PING_DEADLINE_MS = 4_000;

/**
 * The composition root: builds every part and joins them.
 * @throws GatewayError of the part that cannot start (a port in use, an unwritable ledger, …); what had been
 *   started by then is closed.
 */
export async function startGateway(config: GatewayConfig, deps: GatewayDeps): Promise<Gateway> {
  const parts = new CloseStack();
  try {
    return await build(config, deps, parts);
  } catch (error) {
    await parts.close();
    throw error;
  }
}

async function build(
  config: GatewayConfig,
  deps: GatewayDeps,
  parts: CloseStack,
): Promise<Gateway> {
  const { clock, ids, logger, metrics } = deps;
  const failure = new FailureSignal();
  const store = deps.settings ?? new SettingsStore(config, { clock, logger });

  const ledger = await openLedger({
    path: config.ledger.file,
    clock,
    logger,
    checkpointIntervalMs: config.ledger.checkpointIntervalS * 1000,
    rotateBytes: config.ledger.segmentMiB === 0 ? null : config.ledger.segmentMiB * 1024 * 1024,
  });
  parts.push('ledger', () => ledger.close());
  ledger.recovered.forEach(({ provider, verdict }) =>
    metrics.recordingRecovered(provider in config.providers ? provider : 'other', verdict),
  );

  const media = await createMediaPlane({
    backend: config.media.backend,
    workers: config.media.workers,
    networks: Object.fromEntries(
      Object.entries(config.media.networks).map(([name, network]) => [
        name,
        {
          bindHost: network.bindHost,
          advertisedHost: network.advertisedHost ?? network.bindHost,
        },
      ]),
    ),
    portMin: config.media.ports.min,
    portMax: config.media.ports.max,
    portQuarantineMs: config.media.portQuarantineMs,
    dscp: config.media.dscp,
    mediaTimeoutMs: config.media.mediaTimeoutS * 1000,
    ringBytes: ringBytesFor(config.media.ringSeconds),
    recordingCatchUpFactor: 3,
    logger,
    clock,
  });
  parts.push('media plane', () => media.close());
  parts.push('prompts', definePrompts(media, store, { logger, clock, metrics }));

  const { engine, sip } = await openSip(config, deps, parts, failure);
  if (engine !== null) {
    const stop = store.onChange({
      changed: ({ snapshot }) => engine.setKnownSources(knownSources(snapshot.config)),
    });
    parts.push('known sources', stop);
  }
  const registry = new CallRegistry();
  const providers = new ProviderWatch(
    () =>
      Object.fromEntries(
        Object.entries(store.current.config.providers).map(([id, { targets }]) => [
          id,
          targets.map(({ uri }) => uri),
        ]),
      ),
    uri => srsHealth.isDead(uri),
    clock,
  );
  const { srsClient } = sip;
  const srsHealth = new SrsHealth({
    clock,
    ping: uri => srsClient.ping(uri, SRS_PING_DEADLINE_MS),
  });
  parts.push('SRS health', () => srsHealth.close());
  for (const { targets } of Object.values(config.providers)) {
    targets.forEach(({ uri }) => srsHealth.watch(uri, SRS_PING_INTERVAL_MS));
  }
  const callDeps: CallDeps = {
    media,
    srsClient,
    srsHealth,
    get settings() {
      return store.current.session;
    },
    ledger,
    metrics: providers.watching(metrics),
    clock,
    ids,
    logger,
  };
  sip.gateway.onCall(createCallHandler(callDeps, registry));
  sip.gateway.onMessage(createMessageHandler(callDeps));
  await sip.connect();

  let isDraining = false;
  const startDraining = (): void => {
    isDraining = true;
    sip.gateway.drain(config.sip.drainRetryAfterS);
  };
  const health = (): HealthReport => {
    const reasons = [
      ...(isDraining ? ['draining'] : []),
      ...(sip.isReady ? [] : ['sip-engine-down']),
      ...(ledger.trouble() === null ? [] : ['ledger-unwritable']),
      ...(failure.error === null ? [] : [failure.error.message]),
    ];
    return { ready: reasons.length === 0, reasons };
  };
  metrics.collectFrom({
    media: () => media.counters(),
    ledger: () => ({ ...ledger.counters(), head: ledger.head() }),
    ...(engine === null ? {} : { engine: () => engine.counters() }),
  });
  const admin = await openOutside(
    config,
    {
      clock,
      ids,
      logger,
      metrics,
      settings: store,
      registry,
      ledger,
      providers,
      health,
      drain: startDraining,
    },
    parts,
  );

  const drain = async (): Promise<void> => {
    startDraining();
    await registry.empty();
  };
  let closing: Promise<void> | null = null;
  return {
    listeners: engine?.listeners ?? [],
    admin,
    backend: media.backend,
    capacity: media.capacity(),
    health,
    openCalls: () => registry.size,
    async counters() {
      return {
        calls: registry.size,
        media: media.counters(),
        sip: sip.gateway.counters(),
        engine: engine === null ? null : await engine.counters(),
      };
    },
    drain,
    close: () => (closing ??= closeAll()),
    onFailure: listener => failure.listen(listener),
  };

  async function closeAll(): Promise<void> {
    startDraining();
    const left = await registry.hangUpAll(
      503,
      'Gateway is shutting down',
      clock,
      config.recording.drainMs + HANG_UP_DEADLINE_MS,
    );
    if (left > 0) {
      logger.warn('calls did not end in time', { left });
    }
    for (const error of await parts.close()) {
      logger.warn('a part did not close', { error: errorMessage(error.cause ?? error) });
    }
  }
}

/** The SIP engine (the embedded one, or the configured drachtio-server) and our stack over it. */
async function openSip(
  config: GatewayConfig,
  { clock, ids, logger, sipTimers }: GatewayDeps,
  parts: CloseStack,
  failure: FailureSignal,
): Promise<{ engine: EmbeddedEngine | null; sip: SipStack }> {
  let engine: EmbeddedEngine | null = null;
  let address: { host: string; port: number; secret: string } | undefined = config.sip.drachtio;
  if (config.sip.engine === 'embedded' || address === undefined) {
    const started = await startEmbeddedEngine({
      ...engineTransports(config.sip, config.providers),
      logger,
      ...(config.sip.sessionExpiresS === undefined
        ? {}
        : { sessionExpiresS: config.sip.sessionExpiresS }),
      limits: config.sip.limits,
      knownSources: knownSources(config),
      minSessionExpiresS: config.sip.minSessionExpiresS,
      ...(sipTimers === undefined ? {} : { timers: sipTimers }),
    });
    started.onFailure(error => failure.raise(error));
    parts.push('SIP engine', () => started.close());
    engine = started;
    address = started;
  }
  const sip = createSipStack({
    engine: {
      host: address.host,
      port: address.port,
      secret: address.secret,
      maxFrameBytes: engine === null ? DRACHTIO_MAX_FRAME_BYTES : null,
    },
    clock,
    logger,
    ids,
    maxCalls: config.sip.maxCalls,
    ...(config.sip.maxNewCallsPerSecond === undefined
      ? {}
      : { maxNewCallsPerSecond: config.sip.maxNewCallsPerSecond }),
  });
  parts.push('SIP stack', () => sip.close());
  engine?.onConnectionLost(peer => sip.connectionLost(peer));
  return { engine, sip };
}

/** The first failure that the gateway cannot live with, kept for whoever asks later. */
class FailureSignal {
  error: Error | null = null;
  #listener: ((error: Error) => void) | null = null;

  raise(error: Error): void {
    if (this.error === null) {
      this.error = error;
      this.#listener?.(error);
    }
  }

  listen(listener: (error: Error) => void): void {
    this.#listener = listener;
    if (this.error !== null) {
      listener(this.error);
    }
  }
}
