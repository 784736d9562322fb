import { type Environment } from '#config';
import { type Print, type Runners, type SignalSource } from './runners';

/** Everything that the commands touch outside themselves. */
export interface CliContext {
  /** Writes a line for the user (standard output). */
  readonly print: Print;
  /** Writes a line about trouble (standard error). */
  readonly printError: Print;
  readonly env: Environment;
  readonly signals: SignalSource;
  readonly runners: Runners;
  /** Characters per line of the user's terminal. */
  readonly columns: number;
}

/** A command reports its exit code through this. */
export type SetExitCode = (code: number) => void;

/** Runs `task` with a signal that SIGINT and SIGTERM abort. */
export async function abortOnSignals<T>(
  signals: SignalSource,
  task: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const controller = new AbortController();
  const abort = (): void => controller.abort();
  signals.on('SIGINT', abort);
  signals.on('SIGTERM', abort);
  try {
    return await task(controller.signal);
  } finally {
    signals.off('SIGINT', abort);
    signals.off('SIGTERM', abort);
  }
}
