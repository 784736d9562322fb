import { type Benchmark, type BenchOptions } from './command-line';
import { runFeatures } from './features';
import { type MediaReport, runMedia } from './media';
import { type MemoryReport, runMemory } from './memory';
import { type Progress } from './progress';
import { type FeatureRow, loadNow, type Machine, machineNow, type Target } from './result';
import { runSignalling, type SignallingReport } from './signalling';
import { runSoak, type SoakReport } from './soak';

/** What `--json` prints: the machine, the benchmarks that were run, the targets that they decide. */
export interface BenchReport {
  readonly machine: Machine;
  readonly media?: MediaReport['media'];
  readonly ratios?: MediaReport['ratios'];
  readonly highestCleanCalls?: MediaReport['highestCleanCalls'];
  readonly features?: readonly FeatureRow[];
  readonly signalling?: SignallingReport;
  readonly memory?: MemoryReport;
  readonly soak?: SoakReport;
  readonly targets: readonly Target[];
}

const MEDIA_CALLS = [100, 300, 500, 700];
const FEATURE_CALLS = 100;
const MEMORY_CALLS = [100, 500];

/** Runs the benchmarks asked for, one after the other. */
export async function runBenchmarks(
  options: BenchOptions,
  progress: Progress,
): Promise<BenchReport> {
  const loadBefore = loadNow();
  const targets: Target[] = [];
  let parts: Partial<BenchReport> = {};
  for (const benchmark of options.benchmarks) {
    const { targets: ofThis, ...part } = await run(benchmark, options, progress);
    parts = { ...parts, ...part };
    targets.push(...ofThis);
  }
  return { machine: machineNow(loadBefore), ...parts, targets };
}

function run(
  benchmark: Benchmark,
  options: BenchOptions,
  progress: Progress,
): Promise<Partial<BenchReport> & { targets: readonly Target[] }> {
  const {
    rounds,
    windowMs,
    calls,
    backend,
    backends,
    against,
    isFresh,
    rows,
    durationMs,
    rate,
    drachtio,
  } = options;
  switch (benchmark) {
    case 'media':
      return runMedia(
        { calls: calls ?? MEDIA_CALLS, rounds, windowMs, backends, against, isFresh },
        progress,
      );
    case 'features':
      return runFeatures(
        { calls: calls?.[0] ?? FEATURE_CALLS, rounds, windowMs, backend, rows },
        progress,
      );
    case 'signalling':
      return runSignalling({ rounds, drachtio }, progress);
    case 'memory':
      return runMemory(calls ?? MEMORY_CALLS, progress);
    case 'soak':
      return runSoak({ durationMs, rate }, progress);
  }
}
