import { errorMessage, isGatewayError } from '#core';
import { CommanderError } from 'commander';

/** The command line makes no sense. */
export class UsageError extends Error {}

/** Exit codes: everything went well, something failed, the command line is wrong. */
export const EXIT = { ok: 0, failure: 1, usage: 2 } as const;

/** What the process ends with after `error`, and the lines to print about it. */
export function describeFailure(
  error: unknown,
  options: { verbose: boolean },
): { code: number; lines: readonly string[] } {
  if (error instanceof CommanderError) {
    // Commander has printed already: help and version are no failures.
    return { code: error.exitCode === 0 ? EXIT.ok : EXIT.usage, lines: [] };
  }
  if (error instanceof UsageError) {
    return { code: EXIT.usage, lines: [`error: ${error.message}`] };
  }
  const code = isGatewayError(error) ? ` (${error.code})` : '';
  const lines = [`error: ${errorMessage(error)}${code}`];
  return { code: EXIT.failure, lines: options.verbose ? [...lines, ...stackLines(error)] : lines };
}

function stackLines(error: unknown): string[] {
  if (!(error instanceof Error)) {
    return [];
  }
  const own = error.stack === undefined ? [] : [error.stack];
  return error.cause === undefined
    ? own
    : [...own, `caused by: ${errorMessage(error.cause)}`, ...stackLines(error.cause)];
}
