import { parentPort, workerData } from 'node:worker_threads';
import { systemClock } from '#core';
import { readCorpus } from './corpus';
import { fuzz } from './fuzz';
import { FUZZ_TARGETS } from './targets';
import { type FuzzJob, noteInput } from './watched-fuzz';

const job = workerData as FuzzJob;
const target = FUZZ_TARGETS.find(({ name }) => name === job.target);
if (target !== undefined) {
  const result = fuzz(target, {
    runs: job.runs,
    seed: job.seed,
    corpus: readCorpus(job.corpusFolder, target),
    clock: systemClock,
    onInput: input => noteInput(job.notebook, input),
  });
  parentPort?.postMessage(result);
}
