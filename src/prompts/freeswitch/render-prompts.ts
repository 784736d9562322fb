import { existsSync } from 'node:fs';
import { join, sep } from 'node:path';
import { Worker } from 'node:worker_threads';

import { type Clock, errorMessage, type Logger, type Timer } from '#core';
import { startEmbeddedEngine } from '#sip/engine';

import { type PromptOrder, type RenderedPrompt, type RenderJob } from './render-protocol';

/** Beyond the prompts themselves: connecting, and the thread's own start, ms. */
const JOB_MARGIN_MS = 15_000;
const MAX_THREAD_MB = 256;

export interface RenderSettings {
  readonly host: string;
  readonly port: number;
  readonly secret: string;
  readonly profile: string;
  readonly localHost: string;
  readonly advertisedHost: string;
  readonly promptTimeoutMs: number;
}

/**
 * Has FreeSWITCH play prompts and listens to them. Runs drachtio-fsmrf in a thread of its own, over a SIP engine of its own,
 * so that nothing of it can touch calls; both end with the job. Bounded in time and memory. Never rejects.
 * @param told each result as it comes.
 * @param signal gives the job up.
 * @returns a result for every order, in order.
 */
export async function renderPrompts(
  orders: readonly PromptOrder[],
  settings: RenderSettings,
  {
    clock,
    logger,
    signal,
  }: { readonly clock: Clock; readonly logger: Logger; readonly signal: AbortSignal },
): Promise<readonly RenderedPrompt[]> {
  const results = new Map<string, RenderedPrompt>();
  let reason = 'given up';
  try {
    reason = await run(orders, settings, { clock, logger, signal }, result => {
      results.set(result.promptId, result);
    });
  } catch (error) {
    reason = errorMessage(error);
  }
  return orders.map(({ promptId }) => results.get(promptId) ?? { promptId, error: reason });
}

/** @returns why it ended before everything was told. */
async function run(
  orders: readonly PromptOrder[],
  { host, port, secret, profile, ...settings }: RenderSettings,
  { clock, logger, signal }: Parameters<typeof renderPrompts>[2],
  told: (result: RenderedPrompt) => void,
): Promise<string> {
  const engine = await startEmbeddedEngine({
    listeners: [{ transport: 'udp', host: settings.localHost, port: 0 }],
    // Nobody calls here.
    knownSources: [],
    logger,
  });
  const job: RenderJob = {
    freeswitch: { host, port, secret, profile },
    ...settings,
    engine: { host: engine.host, port: engine.port, secret: engine.secret },
    orders,
  };
  const worker = new Worker(workerFile(), {
    workerData: job,
    execArgv: [],
    // The library prints; its lines are for nobody.
    stdout: true,
    stderr: true,
    resourceLimits: { maxOldGenerationSizeMb: MAX_THREAD_MB },
  });
  let deadline: Timer | null = null;
  worker.stdout.resume();
  worker.stderr.resume();
  try {
    return await new Promise<string>(resolve => {
      let left = orders.length;
      worker.on('message', (result: RenderedPrompt) => {
        told(result);
        if (--left === 0) {
          resolve('');
        }
      });
      worker.on('error', error =>
        resolve(`drachtio-fsmrf: ${errorMessage(error).split('\n')[0] ?? ''}`),
      );
      worker.on('exit', () => resolve('the thread ended'));
      signal.addEventListener('abort', () => resolve('given up'), { once: true });
      if (signal.aborted) {
        resolve('given up');
      }
      const deadlineMs = orders.length * settings.promptTimeoutMs + JOB_MARGIN_MS;
      deadline = clock.setTimer(deadlineMs, () => resolve('it took too long'));
    });
  } finally {
    (deadline as Timer | null)?.cancel();
    await worker.terminate();
    await engine.close();
  }
}

/** The compiled thread: beside this file in a build, in `dist` when this file runs from its source. */
function workerFile(): string {
  const beside = join(__dirname, 'render-worker.js');
  const root = join(__dirname, '..', '..', '..');
  return existsSync(beside) || root.endsWith(`${sep}dist`)
    ? beside
    : join(root, 'dist', 'src', 'prompts', 'freeswitch', 'render-worker.js');
}
