import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { type Clock } from '#core';
import { type Crash, type FuzzResult } from './fuzz';

/** What a worker is told. */
export interface FuzzJob {
  readonly target: string;
  readonly runs: number;
  readonly seed: number;
  readonly corpusFolder: string;
  /** Where the current input is noted; see {@link noteInput}. */
  readonly notebook: SharedArrayBuffer;
}

const HEADER_BYTES = 8;
const NOTEBOOK_BYTES = HEADER_BYTES + 256 * 1024;
const LOOK_EVERY_MS = 1000;
/** A single input that takes so long will not come back. */
const HANG_MS = 20_000;

/** Notes the input that the parser sees next: count, length, bytes. */
export function noteInput(notebook: SharedArrayBuffer, input: Buffer): void {
  const header = new Int32Array(notebook, 0, 2);
  const room = new Uint8Array(notebook, HEADER_BYTES);
  const noted = input.subarray(0, room.length);
  room.set(noted);
  Atomics.store(header, 1, noted.length);
  Atomics.add(header, 0, 1);
}

/**
 * Runs one target in a thread of its own and ends the thread when the parser does not come back from an
 * input: that input is then the crash.
 */
export function watchedFuzz(job: Omit<FuzzJob, 'notebook'>, clock: Clock): Promise<FuzzResult> {
  const notebook = new SharedArrayBuffer(NOTEBOOK_BYTES);
  const header = new Int32Array(notebook, 0, 2);
  const workerData: FuzzJob = { ...job, notebook };
  const worker = new Worker(join(__dirname, 'fuzz-worker.js'), { workerData });
  return new Promise<FuzzResult>((resolve, reject) => {
    let seen = 0;
    let sinceMs = clock.monotonicMs();
    const look = (): void => {
      const count = Atomics.load(header, 0);
      if (count !== seen) {
        seen = count;
        sinceMs = clock.monotonicMs();
      } else if (clock.monotonicMs() - sinceMs > HANG_MS) {
        const input = Buffer.from(new Uint8Array(notebook, HEADER_BYTES, Atomics.load(header, 1)));
        void worker.terminate();
        resolve(hung(job.target, count, { target: job.target, input, reason: 'hang' }));
        return;
      }
      timer = clock.setTimer(LOOK_EVERY_MS, look);
    };
    let timer = clock.setTimer(LOOK_EVERY_MS, look);
    worker.once('message', (result: FuzzResult) => {
      // A Buffer arrives as a plain Uint8Array.
      const crashes = result.crashes.map(crash => ({ ...crash, input: Buffer.from(crash.input) }));
      resolve({ ...result, crashes });
    });
    worker.once('error', reject);
    worker.once('exit', () => timer.cancel());
  });
}

function hung(target: string, runs: number, crash: Crash): FuzzResult {
  return { target, runs, accepted: 0, refused: 0, crashes: [crash], slowestMs: HANG_MS };
}
