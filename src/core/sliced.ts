import { type Clock } from './clock';

/** Long work that can be interrupted at every `yield`. */
export type SlicedWork<T> = Generator<undefined, T, undefined>;

/** How long other work of the thread waits at most for a slice, ms; one step may be longer. */
const SLICE_MS = 5;

/** Does the work without interruption. @throws what the work throws */
export function runAtOnce<T>(work: SlicedWork<T>): T {
  for (;;) {
    const step = work.next();
    if (step.done === true) {
      return step.value;
    }
  }
}

/** Does the work in slices of 5 ms, between which the thread does everything else. @throws what the work throws */
export async function runInSlices<T>(
  work: SlicedWork<T>,
  clock: Pick<Clock, 'monotonicMs'>,
): Promise<T> {
  for (;;) {
    const untilMs = clock.monotonicMs() + SLICE_MS;
    do {
      const step = work.next();
      if (step.done === true) {
        return step.value;
      }
    } while (clock.monotonicMs() < untilMs);
    await new Promise<void>(resolve => {
      setImmediate(resolve);
    });
  }
}
