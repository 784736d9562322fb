import { type Clock, type Closeable, type Logger } from '#core';
import { type EventFeed } from './event-feed';
import {
  type DeadLetterReason,
  type WebhookLimits,
  WebhookTarget,
  type WebhookTargetSettings,
} from './webhook-target';

export interface WebhooksOptions {
  readonly feed: EventFeed;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly limits?: Partial<WebhookLimits>;
}

export interface WebhookTotals {
  readonly delivered: number;
  /** Attempts that failed and were repeated. */
  readonly retries: number;
  readonly queued: number;
  /** Events that were given up, by reason. */
  readonly deadLetters: Readonly<Record<DeadLetterReason, number>>;
}

export interface Webhooks extends Closeable {
  /** Who is told from now on. Targets that stay keep what waits for them; those that go give it up. */
  setTargets(targets: readonly WebhookTargetSettings[]): void;
  totals(): WebhookTotals;
  /** Delivers what waits, for a short time. Never rejects. */
  close(): Promise<void>;
}

const CLOSE_GRACE_MS = 3000;

/** Tells every configured target of what happens. */
export function startWebhooks(options: WebhooksOptions): Webhooks {
  const { feed, clock, logger, limits } = options;
  const totals = { delivered: 0, retries: 0 };
  const deadLetters: Record<DeadLetterReason, number> = {
    'queue-full': 0,
    refused: 0,
    'attempts-exhausted': 0,
    closed: 0,
  };
  let targets = new Map<string, WebhookTarget>();
  const open = (settings: WebhookTargetSettings): WebhookTarget =>
    new WebhookTarget({
      settings,
      clock,
      // A URL may hold a token in its path: the host says enough.
      logger: logger.child({ webhook: new URL(settings.url).host }),
      observer: {
        delivered: () => (totals.delivered += 1),
        retried: () => (totals.retries += 1),
        deadLetter: reason => (deadLetters[reason] += 1),
      },
      ...(limits === undefined ? {} : { limits }),
    });
  const stop = feed.listen(event => targets.forEach(target => target.offer(event)));
  return {
    setTargets(wanted) {
      const before = targets;
      targets = new Map(
        wanted.map(settings => {
          const key = JSON.stringify(settings);
          return [key, before.get(key) ?? open(settings)];
        }),
      );
      before.forEach((target, key) => {
        if (!targets.has(key)) {
          void target.close(0);
        }
      });
    },
    totals: () => ({
      ...totals,
      queued: [...targets.values()].reduce((sum, target) => sum + target.queued, 0),
      deadLetters: { ...deadLetters },
    }),
    async close() {
      stop();
      await Promise.all([...targets.values()].map(target => target.close(CLOSE_GRACE_MS)));
    },
  };
}
