import { type Clock, errorMessage, type Logger, type Timer } from '#core';
import { eventJson, type GatewayEvent } from './event-feed';
import { SIGNATURE_HEADER, signatureHeader } from './signature';

export interface WebhookTargetSettings {
  /** `http:` or `https:`. */
  readonly url: string;
  readonly secret: string;
  /** First words of the kinds that it wants (`recording`, `user`, …); null: all. */
  readonly events: readonly string[] | null;
}

/** Why an event was given up. */
export type DeadLetterReason = 'queue-full' | 'refused' | 'attempts-exhausted' | 'closed';

export interface WebhookObserver {
  delivered(): void;
  retried(): void;
  deadLetter(reason: DeadLetterReason): void;
}

export interface WebhookTargetOptions {
  readonly settings: WebhookTargetSettings;
  readonly observer: WebhookObserver;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly limits?: Partial<WebhookLimits>;
}

export interface WebhookLimits {
  /** Events that may wait; one more is given up. */
  readonly maxQueued: number;
  readonly maxAttempts: number;
  /** How long the target may take to answer, ms. */
  readonly timeoutMs: number;
  /** Wait after the first failure, ms; doubled each time. */
  readonly firstRetryMs: number;
  readonly maxRetryMs: number;
}

const LIMITS: WebhookLimits = {
  maxQueued: 1000,
  maxAttempts: 10,
  timeoutMs: 10_000,
  firstRetryMs: 1000,
  maxRetryMs: 120_000,
};

/** Answers that trying again may change; other 4xx say that the message itself is not wanted. */
const WORTH_RETRYING = new Set([408, 425, 429]);

type Outcome =
  | { readonly kind: 'delivered' }
  | { readonly kind: 'refused'; readonly why: string }
  | { readonly kind: 'failed'; readonly why: string };

/** Delivers events to one URL, in order, one at a time; a target that is down costs a bounded queue and nothing else. */
export class WebhookTarget {
  readonly #options: WebhookTargetOptions;
  readonly #limits: WebhookLimits;
  readonly #abort = new AbortController();
  #queue: GatewayEvent[] = [];
  #wait: { timer: Timer; wake: () => void } | null = null;
  #delivering: Promise<void> | null = null;

  constructor(options: WebhookTargetOptions) {
    this.#options = options;
    this.#limits = { ...LIMITS, ...options.limits };
  }

  get queued(): number {
    return this.#queue.length;
  }

  /** Never throws. */
  offer(event: GatewayEvent): void {
    const { events } = this.#options.settings;
    const [firstWord = ''] = event.kind.split('.');
    if (this.#abort.signal.aborted || (events !== null && !events.includes(firstWord))) {
      return;
    }
    if (this.#queue.length >= this.#limits.maxQueued) {
      this.#giveUp(event, 'queue-full', 'too many events wait');
      return;
    }
    this.#queue.push(event);
    this.#delivering ??= this.#deliverAll();
  }

  /** Gives what still waits up to `graceMs`, then gives it up. Never rejects. */
  async close(graceMs: number): Promise<void> {
    const timer = this.#options.clock.setTimer(graceMs, () => this.#stop());
    await this.#delivering;
    timer.cancel();
    this.#stop();
  }

  #stop(): void {
    this.#abort.abort();
    const wait = this.#wait;
    this.#wait = null;
    wait?.timer.cancel();
    wait?.wake();
  }

  async #deliverAll(): Promise<void> {
    for (;;) {
      const [event] = this.#queue;
      if (event === undefined) {
        break;
      }
      await this.#deliver(event);
      this.#queue.shift();
      if (this.#abort.signal.aborted) {
        this.#queue.splice(0).forEach(left => this.#giveUp(left, 'closed', 'the gateway stops'));
      }
    }
    this.#delivering = null;
  }

  async #deliver(event: GatewayEvent): Promise<void> {
    const { observer } = this.#options;
    const { maxAttempts } = this.#limits;
    for (let attempt = 1; ; attempt += 1) {
      const outcome = await this.#post(event);
      if (outcome.kind === 'delivered') {
        observer.delivered();
        return;
      }
      if (this.#abort.signal.aborted) {
        this.#giveUp(event, 'closed', outcome.why);
        return;
      }
      if (outcome.kind === 'refused' || attempt >= maxAttempts) {
        const reason = outcome.kind === 'refused' ? 'refused' : 'attempts-exhausted';
        this.#giveUp(event, reason, outcome.why);
        return;
      }
      observer.retried();
      await this.#pause(attempt);
    }
  }

  async #post(event: GatewayEvent): Promise<Outcome> {
    const { settings, clock } = this.#options;
    const body = eventJson(event);
    const timeout = new AbortController();
    const timer = clock.setTimer(this.#limits.timeoutMs, () => timeout.abort());
    try {
      const response = await fetch(settings.url, {
        method: 'POST',
        body,
        headers: {
          'content-type': 'application/json',
          'user-agent': 'siprec-gateway',
          'x-siprec-gateway-event': event.kind,
          'x-siprec-gateway-delivery': event.id,
          [SIGNATURE_HEADER]: signatureHeader(settings.secret, body, clock.wallNowMs()),
        },
        // A signed message goes where the operator said and nowhere else.
        redirect: 'manual',
        signal: AbortSignal.any([timeout.signal, this.#abort.signal]),
      });
      await response.body?.cancel();
      return judge(response.status);
    } catch (error) {
      const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
      return { kind: 'failed', why: timeout.signal.aborted ? 'no answer' : errorMessage(cause) };
    } finally {
      timer.cancel();
    }
  }

  #pause(attempt: number): Promise<void> {
    const { firstRetryMs, maxRetryMs } = this.#limits;
    const delayMs = Math.min(maxRetryMs, firstRetryMs * 2 ** (attempt - 1));
    return new Promise(resolve => {
      const timer = this.#options.clock.setTimer(delayMs, () => {
        this.#wait = null;
        resolve();
      });
      this.#wait = { timer, wake: resolve };
    });
  }

  #giveUp({ id, kind }: GatewayEvent, reason: DeadLetterReason, why: string): void {
    this.#options.observer.deadLetter(reason);
    this.#options.logger.error('webhook event given up', { event: kind, id, reason, error: why });
  }
}

function judge(status: number): Outcome {
  if (status >= 200 && status < 300) {
    return { kind: 'delivered' };
  }
  const isRefusal = status >= 400 && status < 500 && !WORTH_RETRYING.has(status);
  return { kind: isRefusal ? 'refused' : 'failed', why: `answered with ${status}` };
}
