import { GatewayError } from '#core';

/** One thing that is wrong with the configuration. */
export interface ConfigProblem {
  /** The file, or the environment variable, that holds the value. */
  readonly source: string;
  /** 1-based line in the file; null when unknown or when the source is no file. */
  readonly line: number | null;
  /** Key path such as `sip.listeners[0].port`; empty for the file as a whole. */
  readonly path: string;
  /** What is wrong and what would be right. */
  readonly message: string;
}

/** The configuration cannot be used. Code `REC_ERR_CONFIG_INVALID`; all problems are in `problems`. */
export class ConfigError extends GatewayError {
  readonly problems: readonly ConfigProblem[];

  constructor(problems: readonly ConfigProblem[]) {
    const count = problems.length === 1 ? '1 problem' : `${problems.length} problems`;
    super(
      'REC_ERR_CONFIG_INVALID',
      [`the configuration has ${count}`, ...problems.map(formatProblem)].join('\n  '),
      { details: { problems } },
    );
    this.problems = problems;
  }
}

/** One line: `gateway.yaml:12: sip.engine: must be …`. */
export function formatProblem(problem: ConfigProblem): string {
  const place = problem.line === null ? problem.source : `${problem.source}:${problem.line}`;
  return [place, problem.path, problem.message].filter(part => part !== '').join(': ');
}
