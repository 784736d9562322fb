/**
 * Loaded into a gateway before its program (`node --require`): at each message of the parent process it collects the
 * garbage of all threads and answers with what is left. It goes through the inspector, because the packet thread never
 * returns to its event loop and can be asked in no other way. The product knows nothing of it.
 */
import { Session } from 'node:inspector';
import { join } from 'node:path';
import { isMainThread } from 'node:worker_threads';

import { type HeapReading, type ProbeOrder, type ProbeReply, type ThreadName } from './reading';

const DEADLINE_MS = 60_000;

/**
 * Evaluated in each thread. The inspector's own command for a collection, which also gives back the room that young
 * objects had, waits for the event loop: the packet thread gets the one of V8. The second collection takes what
 * finalizers of the first have let go. `process.memoryUsage` counts the buffers of its own thread only.
 */
const READ = `(() => {
  const builtin = name => process.getBuiltinModule(name);
  builtin('node:v8').setFlagsFromString('--expose-gc');
  const key = Symbol.for('bench.memory.gc');
  globalThis[key] ??= builtin('node:vm').runInNewContext('gc');
  globalThis[key]();
  globalThis[key]();
  const heap = builtin('node:v8').getHeapStatistics();
  const { arrayBuffers, external } = process.memoryUsage();
  return JSON.stringify({
    usedBytes: heap.used_heap_size,
    physicalBytes: heap.total_physical_size,
    externalBytes: external,
    arrayBufferBytes: arrayBuffers,
    mallocedBytes: heap.malloced_memory,
  });
})()`;

interface Evaluated {
  readonly result: { readonly value?: unknown; readonly description?: string };
  readonly exceptionDetails?: { readonly text: string };
}

interface Thread {
  readonly name: ThreadName;
  post(method: string, parameters: object): Promise<unknown>;
}

function mainThread(session: Session): Thread {
  return {
    name: 'main',
    post: (method, parameters) =>
      new Promise((resolve, reject) => {
        session.post(method, parameters, (error: Error | null, result?: object) => {
          if (error === null) {
            resolve(result);
          } else {
            reject(error);
          }
        });
      }),
  };
}

interface WorkerAnswer {
  readonly id?: number;
  readonly result?: unknown;
  readonly error?: { readonly message: string };
}

/** A worker, spoken to through the session of the main thread. */
class WorkerThread implements Thread {
  readonly name: ThreadName;
  readonly #send: (message: string) => void;
  readonly #waiting = new Map<number, (answer: WorkerAnswer) => void>();
  #lastId = 0;

  constructor(name: ThreadName, send: (message: string) => void) {
    this.name = name;
    this.#send = send;
  }

  post(method: string, params: object): Promise<unknown> {
    const id = ++this.#lastId;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(
        () => reject(new Error(`no answer of the ${this.name} thread`)),
        DEADLINE_MS,
      );
      this.#waiting.set(id, ({ result, error }) => {
        clearTimeout(timer);
        if (error === undefined) {
          resolve(result);
        } else {
          reject(new Error(error.message));
        }
      });
      this.#send(JSON.stringify({ id, method, params }));
    });
  }

  receive(message: string): void {
    const answer = JSON.parse(message) as WorkerAnswer;
    if (answer.id !== undefined) {
      this.#waiting.get(answer.id)?.(answer);
      this.#waiting.delete(answer.id);
    }
  }
}

/** Attaches to this process's threads, those to come included. */
function attach(): Thread[] {
  const session = new Session();
  session.connect();
  const threads: Thread[] = [mainThread(session)];
  const workers = new Map<string, WorkerThread>();
  session.on('NodeWorker.attachedToWorker', ({ params: { sessionId, workerInfo } }) => {
    const name = workerInfo.url.includes('/media/') ? 'media' : 'sip';
    const worker = new WorkerThread(name, message =>
      session.post('NodeWorker.sendMessageToWorker', { sessionId, message }),
    );
    workers.set(sessionId, worker);
    threads.push(worker);
  });
  session.on('NodeWorker.receivedMessageFromWorker', ({ params: { sessionId, message } }) =>
    workers.get(sessionId)?.receive(message),
  );
  session.post('NodeWorker.enable', { waitForDebuggerOnStart: false });
  return threads;
}

async function evaluate(thread: Thread, expression: string): Promise<unknown> {
  const parameters = { expression, returnByValue: true };
  const { result, exceptionDetails } = (await thread.post(
    'Runtime.evaluate',
    parameters,
  )) as Evaluated;
  if (exceptionDetails !== undefined) {
    throw new Error(`${thread.name} thread: ${result.description ?? exceptionDetails.text}`);
  }
  return result.value;
}

async function obey(
  threads: readonly Thread[],
  { snapshotFolder }: ProbeOrder,
): Promise<ProbeReply> {
  try {
    const heaps: HeapReading[] = [];
    for (const thread of threads) {
      if (thread.name !== 'media') {
        await thread.post('HeapProfiler.collectGarbage', {});
      }
      const reading = JSON.parse((await evaluate(thread, READ)) as string) as HeapReading;
      heaps.push({ ...reading, thread: thread.name });
      if (snapshotFolder !== undefined) {
        const file = JSON.stringify(join(snapshotFolder, `${thread.name}.heapsnapshot`));
        await evaluate(thread, `process.getBuiltinModule('node:v8').writeHeapSnapshot(${file})`);
      }
    }
    return { heaps };
  } catch (error) {
    return { error: error instanceof Error ? error.message : String(error) };
  }
}

if (isMainThread && process.send !== undefined) {
  const threads = attach();
  process.on('message', (order: ProbeOrder) => {
    void obey(threads, order).then(reply => process.send?.(reply));
  });
  process.channel?.unref();
}
