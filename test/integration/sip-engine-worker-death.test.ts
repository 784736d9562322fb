import type * as WorkerThreads from 'node:worker_threads';
import { noopLogger } from '#core';
import { type EmbeddedEngine, startEmbeddedEngine } from '#sip/engine';
import { within } from './sip-engine-harness';

/** The threads that were started, so that a test can end them as a crash would. */
const mockWorkers: { terminate(): Promise<number>; postMessage(value: unknown): void }[] = [];

jest.mock('node:worker_threads', () => {
  const actual = jest.requireActual<typeof WorkerThreads>('node:worker_threads');
  return {
    ...actual,
    Worker: class extends actual.Worker {
      constructor(...parameters: ConstructorParameters<typeof actual.Worker>) {
        super(...parameters);
        mockWorkers.push(this);
      }
    },
  };
});

let engine: EmbeddedEngine;

beforeEach(async () => {
  engine = await startEmbeddedEngine({
    listeners: [{ transport: 'udp', host: '127.0.0.1', port: 0 }],
    logger: noopLogger,
  });
});

test('the death of the thread is told once, and what is asked of it fails', async () => {
  const failures: Error[] = [];
  const told = new Promise<void>(resolve => {
    engine.onFailure(error => {
      failures.push(error);
      resolve();
    });
  });
  const asked = engine.counters();
  const outcome = Promise.allSettled([asked]);
  await mockWorkers.at(-1)!.terminate();
  await within('failure', told);
  // It may have been answered before the end came; it must not hang.
  await within('outcome', outcome);
  await expect(engine.counters()).rejects.toMatchObject({ code: 'REC_ERR_ENGINE_WORKER' });
  await within('close', engine.close());
  await within('close again', engine.close());
  expect(failures).toEqual([expect.objectContaining({ code: 'REC_ERR_ENGINE_WORKER' })]);
  const late: Error[] = [];
  engine.onFailure(error => late.push(error));
  expect(late).toEqual(failures);
});

test('closing succeeds when the thread dies meanwhile, which is no failure then', async () => {
  const failures: Error[] = [];
  engine.onFailure(error => failures.push(error));
  const closed = engine.close();
  await mockWorkers.at(-1)!.terminate();
  await within('close', closed);
  expect(failures).toEqual([]);
});
