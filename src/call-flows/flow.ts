import { type FlowBench, type FlowSetup, openFlowBench } from './flow-bench';
import { toMermaid } from './ladder';

/** A call flow that is run and drawn. */
export interface Flow {
  readonly title: string;
  /** What there is to see, for the reader. Markdown. */
  readonly about: string;
  readonly setup: FlowSetup;
  readonly run: (bench: FlowBench) => Promise<void>;
}

/** Runs a flow with a gateway, phones and recorders of its own. @returns its ladder. */
export async function draw({ setup, run }: Flow): Promise<string> {
  const bench = await openFlowBench(setup);
  try {
    await run(bench);
    await bench.quiet();
    const [caller = 'alice', ...others] = setup.phones;
    const parties = [caller, 'gateway', ...others, ...setup.recorders];
    return toMermaid(parties, bench.trace.entries.slice());
  } finally {
    await bench.close();
  }
}
