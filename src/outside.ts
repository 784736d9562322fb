import { type GatewayConfig } from '#config';
import { type Clock, type CloseStack, errorMessage, type IdSource, type Logger } from '#core';

import {
  type AdminOperations,
  type AdminServer,
  type HealthReport,
  type ProviderWatch,
  startAdminServer,
} from './admin';
import { packageVersion } from './cli/package-info';
import { type Ledger } from './ledger';
import { type GatewayMetrics } from './observability';
import { type CallRegistry, missingReason } from './session';
import { type SettingsStore } from './settings-store';
import { answering, settingsUsers } from './settings-users';
import { EventFeed, startWebhooks } from './webhooks';

/** A chain that grows all the time is told this often, ms. */
const HEAD_INTERVAL_MS = 60_000;

export interface OutsideDeps {
  readonly clock: Clock;
  readonly ids: IdSource;
  readonly logger: Logger;
  readonly metrics: GatewayMetrics;
  readonly settings: SettingsStore;
  readonly registry: CallRegistry;
  readonly ledger: Ledger;
  readonly providers: ProviderWatch;
  readonly health: () => HealthReport;
  readonly drain: () => void;
}

/** Everything by which the outside sees and controls the gateway: events, webhooks, the API, the live page. */
export async function openOutside(
  config: GatewayConfig,
  deps: OutsideDeps,
  parts: CloseStack,
): Promise<AdminServer | null> {
  const { clock, ids, logger, metrics, settings } = deps;
  const feed = new EventFeed(ids, error =>
    logger.error('a listener to events failed', { error: errorMessage(error) }),
  );
  const webhooks = startWebhooks({ feed, clock, logger });
  parts.push('webhooks', () => webhooks.close());
  const follow = ({ webhooks: targets }: GatewayConfig): void =>
    webhooks.setTargets(targets.map(({ url, secret, events = null }) => ({ url, secret, events })));
  follow(config);
  parts.push('settings', settings.onChange({ changed: ({ snapshot }) => follow(snapshot.config) }));
  metrics.collectFrom({ webhooks: () => webhooks.totals() });
  parts.push('events', feedEvents(feed, deps));
  if (!config.admin.enabled) {
    return null;
  }
  const { host, port } = config.admin;
  const server = await startAdminServer({
    host,
    port,
    registry: metrics.registry,
    health: deps.health,
    logger,
    clock,
    feed,
    tokens: () => settings.current.config.admin.tokens,
    operations: operations(deps),
    version: packageVersion(),
  });
  parts.push('admin server', () => server.close());
  return server;
}

/** What happens to calls, users and the ledger. @returns how to stop telling it. */
function feedEvents(
  feed: EventFeed,
  { registry, settings, metrics, ledger, clock }: OutsideDeps,
): () => void {
  const stopCalls = registry.onEvent(event => {
    const { kind, atMs, ...data } = event;
    const reason = missingReason(event);
    if (reason !== null) {
      metrics.recordingMissing(event.providerId ?? 'none', reason);
    }
    feed.publish(kind, atMs, data);
  });
  const stopUsers = settings.onChange({
    user: ({ kind, atMs, user }) => {
      const { userId, organisationId, providerId, platform, dubberPlan } = user;
      feed.publish(kind, atMs, { userId, organisationId, providerId, platform, dubberPlan });
    },
  });
  const head = new Throttle(clock, HEAD_INTERVAL_MS, () =>
    feed.publish('ledger.head', clock.wallNowMs(), { ...ledger.head() }),
  );
  ledger.onHead(() => head.request());
  return () => {
    stopCalls();
    stopUsers();
    head.close();
  };
}

function operations(deps: OutsideDeps): AdminOperations {
  const { registry, providers, settings, drain } = deps;
  return {
    calls: () => registry.views(),
    call: callId => registry.view(callId),
    control: (callId, request) => registry.control(callId, request),
    setParticipants: (callId, participants, userId) =>
      registry.setParticipants(callId, participants, userId),
    watchLevels: (callId, on) => registry.watchLevels(callId, on),
    providers: () => providers.views(),
    users: settingsUsers(settings),
    reload: () => answering(() => settings.reload()),
    drain,
  };
}

/** Does something at once, and then not more often than every interval; never forgets the last request. */
class Throttle {
  readonly #clock: Clock;
  readonly #intervalMs: number;
  readonly #act: () => void;
  #timer: ReturnType<Clock['setTimer']> | null = null;
  #isDue = false;

  constructor(clock: Clock, intervalMs: number, act: () => void) {
    this.#clock = clock;
    this.#intervalMs = intervalMs;
    this.#act = act;
  }

  request(): void {
    if (this.#timer !== null) {
      this.#isDue = true;
      return;
    }
    this.#isDue = false;
    this.#timer = this.#clock.setTimer(this.#intervalMs, () => {
      this.#timer = null;
      if (this.#isDue) {
        this.request();
      }
    });
    this.#act();
  }

  close(): void {
    this.#timer?.cancel();
    this.#timer = null;
    if (this.#isDue) {
      this.#act();
    }
  }
}
