import { type GatewayConfig } from '#config';
import { type Clock, errorMessage, type Logger, type Timer } from '#core';
import { type MediaPlane, type NamedPrompt, type PromptClip } from '#media';

import { type Metrics } from '../../observability';
import { ordersOf } from './orders';
import { type PromptOrder, type RenderedPrompt } from './render-protocol';
import { renderPrompts } from './render-prompts';
import { trimSilence } from './trim';

/** While FreeSWITCH cannot be used it is asked again after these, the last one repeats, ms. */
const RETRY_PAUSES_MS = [10_000, 30_000, 60_000, 300_000, 900_000];
/** What is heard in a language that the product has no prompts in, until FreeSWITCH has spoken. */
const LAST_RESORT = 'en';

export interface FreeswitchPromptsOptions {
  readonly media: Pick<MediaPlane, 'definePrompt'>;
  readonly packaged: readonly NamedPrompt[];
  readonly metrics: Pick<Metrics, 'promptRendered'>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly render?: typeof renderPrompts;
}

/**
 * Keeps the prompts that FreeSWITCH is to play or to speak: each is rendered once, and again when its text changes or the
 * configuration is read again. Until then, and when that fails, the packaged one serves. Never in the way of a call.
 */
export class FreeswitchPrompts {
  readonly #options: FreeswitchPromptsOptions;
  /** What each prompt that FreeSWITCH has rendered was ordered as. */
  readonly #rendered = new Map<string, string>();
  /** Languages of our own that stand in for what is not there. */
  readonly #standIns = new Set<string>();
  #section = '';
  #round: AbortController | null = null;
  #retry: Timer | null = null;
  #working: Promise<void> = Promise.resolve();

  constructor(options: FreeswitchPromptsOptions) {
    this.#options = options;
  }

  /** @param isAgain the configuration was read again: what stands behind a file's name may have changed. */
  follow({ source, freeswitch }: GatewayConfig['prompts'], isAgain: boolean): void {
    const wanted = source === 'freeswitch' && freeswitch !== undefined ? freeswitch : null;
    const section = JSON.stringify(wanted);
    if (section === this.#section && !isAgain) {
      return;
    }
    this.#section = section;
    this.#stop();
    const orders = wanted === null ? [] : ordersOf(wanted);
    const now = new Map(orders.map(order => [order.promptId, JSON.stringify(order.what)]));
    for (const [promptId, what] of this.#rendered) {
      if (now.get(promptId) !== what) {
        this.#rendered.delete(promptId);
        this.#usePackaged(promptId);
      }
    }
    orders.forEach(({ promptId }) => this.#standIn(promptId));
    if (wanted !== null && orders.length > 0) {
      this.#begin(orders, wanted, 0);
    }
  }

  /** Gives up what is under way, and waits until nothing of it is open. Idempotent; never rejects. */
  async close(): Promise<void> {
    this.#stop();
    await this.#working;
  }

  #begin(
    orders: readonly PromptOrder[],
    freeswitch: NonNullable<GatewayConfig['prompts']['freeswitch']>,
    failures: number,
  ): void {
    const before = this.#working;
    const round = this.#render(orders, freeswitch, failures);
    this.#working = Promise.all([before, round]).then(() => undefined);
  }

  #stop(): void {
    this.#round?.abort();
    this.#round = null;
    this.#retry?.cancel();
    this.#retry = null;
  }

  async #render(
    orders: readonly PromptOrder[],
    freeswitch: NonNullable<GatewayConfig['prompts']['freeswitch']>,
    failures: number,
  ): Promise<void> {
    const { clock, logger, metrics, render = renderPrompts } = this.#options;
    const round = new AbortController();
    this.#round = round;
    const { host, port, secret, profile, localHost, advertisedHost, promptTimeoutS } = freeswitch;
    const results = await render(
      orders,
      {
        host,
        port,
        secret,
        profile,
        localHost,
        advertisedHost: advertisedHost ?? localHost,
        promptTimeoutMs: promptTimeoutS * 1000,
      },
      { clock, logger, signal: round.signal },
    );
    if (round.signal.aborted) {
      return;
    }
    const missing = orders.flatMap((order, i) => {
      const problem = this.#take(order, results[i]);
      metrics.promptRendered(problem === null ? 'rendered' : 'failed');
      return problem === null ? [] : [{ order, problem }];
    });
    const where = `${host}:${port}`;
    if (missing.length < orders.length) {
      logger.info('prompts rendered by FreeSWITCH', {
        freeswitch: where,
        prompts: orders.length - missing.length,
      });
    }
    if (missing.length === 0) {
      return;
    }
    const pauseMs = RETRY_PAUSES_MS[Math.min(failures, RETRY_PAUSES_MS.length - 1)] ?? 0;
    logger.warn('FreeSWITCH has not rendered prompts: what was there before serves', {
      freeswitch: where,
      prompts: Object.fromEntries(missing.map(({ order, problem }) => [order.promptId, problem])),
      againInS: pauseMs / 1000,
    });
    this.#retry = clock.setTimer(pauseMs, () => {
      this.#begin(
        missing.map(({ order }) => order),
        freeswitch,
        failures + 1,
      );
    });
  }

  /** @returns why the prompt cannot be used; null: it is in force. */
  #take({ promptId, what }: PromptOrder, result: RenderedPrompt | undefined): string | null {
    if (result === undefined || 'error' in result) {
      return result?.error ?? 'no result';
    }
    const clip = trimSilence(result);
    if (clip === null) {
      return 'it is silent';
    }
    try {
      this.#options.media.definePrompt(promptId, clip);
    } catch (error) {
      return errorMessage(error);
    }
    this.#rendered.set(promptId, JSON.stringify(what));
    return null;
  }

  #usePackaged(promptId: string): void {
    const clip = this.#packaged(promptId) ?? this.#packaged(inLanguage(LAST_RESORT, promptId));
    if (clip !== null) {
      this.#options.media.definePrompt(promptId, clip);
    }
  }

  /** A language without packaged prompts has all of them from the start, if only in English. */
  #standIn(promptId: string): void {
    const [language = ''] = promptId.split('/');
    if (this.#standIns.has(language) || this.#packaged(promptId) !== null) {
      return;
    }
    this.#standIns.add(language);
    this.#options.packaged
      .filter(each => each.promptId.startsWith(`${LAST_RESORT}/`))
      .forEach(each => {
        this.#options.media.definePrompt(inLanguage(language, each.promptId), each.clip);
      });
  }

  #packaged(promptId: string): PromptClip | null {
    return this.#options.packaged.find(each => each.promptId === promptId)?.clip ?? null;
  }
}

function inLanguage(language: string, promptId: string): string {
  return `${language}/${promptId.split('/')[1] ?? ''}`;
}
