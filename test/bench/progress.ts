import { Presets, SingleBar } from 'cli-progress';

/** Shows on a terminal how far a benchmark has come; on standard error, so that the result stays clean. */
export interface Progress {
  start(steps: number): void;
  step(what: string): void;
  stop(): void;
}

export function terminalProgress(isTerminal: boolean): Progress {
  const bar = new SingleBar(
    {
      format: '{bar} {value}/{total} {what}',
      stream: process.stderr,
      noTTYOutput: false,
      hideCursor: true,
    },
    Presets.shades_classic,
  );
  if (!isTerminal) {
    return { start: () => undefined, step: () => undefined, stop: () => undefined };
  }
  return {
    start: steps => bar.start(steps, 0, { what: '' }),
    step: what => bar.increment(1, { what }),
    stop: () => bar.stop(),
  };
}
