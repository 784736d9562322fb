import { type Feature, type FeatureName, FEATURES, REFERENCE } from './feature-rows';
import { rounded, worst } from './media';
import { type Peer } from './peers/peer';
import { startPeer } from './peers/start-peer';
import { type Progress } from './progress';
import { atMost, type FeatureRow, type Target } from './result';
import { significant, spread, type Spread } from './statistics';
import { PCMU_PAYLOAD_TYPE, type TrafficResult } from './traffic/plan';
import { runTraffic } from './traffic/run-traffic';

export interface FeaturesOptions {
  readonly calls: number;
  readonly rounds: number;
  readonly windowMs: number;
  readonly backend: 'linux' | 'dgram';
  /** Among them the reference. */
  readonly rows: readonly FeatureName[];
}

const FIRST_WARM_UP_MS = 2500;
const WARM_UP_MS = 1000;
const FIRST_HOST = 10;

const LIMITED = 'the generator was the limit, here or under the plain recorded call';

/** Of the rows that have one, the most that they may cost beside a plain recorded call. */
const TARGETS: readonly { name: FeatureName; what: string; limit: number }[] = [
  { name: 'tone', what: 'tone mixed in every call / plain recorded call', limit: 1.4 },
  { name: 'srtp-recorder', what: 'SRTP to the recorder / plain recorded call', limit: 1.5 },
];

/** A row, the process under measure, and what its rounds gave. */
interface Cell {
  readonly name: FeatureName;
  readonly feature: Feature;
  readonly peer: Peer;
  readonly results: TrafficResult[];
}

/**
 * What each feature of the media plane costs, all of them in turn within each round. Processes whose turn it is not are
 * held: a notice goes on when its call has no traffic, and its packets would cost, and be counted, in the others' rows.
 */
export async function runFeatures(
  { calls, rounds, windowMs, backend, rows }: FeaturesOptions,
  progress: Progress,
): Promise<{ features: readonly FeatureRow[]; targets: readonly Target[] }> {
  const cells: Cell[] = [];
  // Held processes do not see that this one has gone.
  const wake = (): void => cells.forEach(({ peer }) => tell(peer, 'SIGCONT'));
  process.once('exit', wake);
  progress.start(rounds * rows.length);
  try {
    for (const [i, name] of rows.entries()) {
      const feature: Feature = FEATURES[name];
      const order = {
        backend,
        calls,
        variant: feature.variant,
        host: `127.77.0.${FIRST_HOST + i}`,
        portMin: 10_000,
      };
      const peer = await startPeer('plane-process', order);
      cells.push({ name, feature, peer, results: [] });
      tell(peer, 'SIGSTOP');
    }
    for (let round = 0; round < rounds; round++) {
      for (const { feature, peer, results } of cells) {
        progress.step(`${feature.name}, round ${round + 1}`);
        tell(peer, 'SIGCONT');
        results.push(
          await runTraffic({
            targets: peer.legs,
            isDirect: false,
            pid: peer.pid,
            warmUpMs: round === 0 ? FIRST_WARM_UP_MS : WARM_UP_MS,
            windowMs,
            copies: feature.copies,
            isPayloadIntact: feature.isPayloadIntact,
            isEncrypted: feature.isEncrypted ?? false,
            payloadType: feature.payloadType ?? PCMU_PAYLOAD_TYPE,
            senderReportsPerSecond: feature.senderReportsPerSecond ?? 0,
            round,
          }),
        );
        tell(peer, 'SIGSTOP');
      }
    }
  } finally {
    process.off('exit', wake);
    await Promise.all(cells.map(({ peer }) => peer.close()));
  }
  progress.stop();
  return featuresReport(cells, calls);
}

function tell({ pid }: Peer, signal: 'SIGSTOP' | 'SIGCONT'): void {
  if (pid !== null) {
    process.kill(pid, signal);
  }
}

/** @param cells among them that of the reference. */
export function featuresReport(
  cells: readonly Cell[],
  calls: number,
): { features: readonly FeatureRow[]; targets: readonly Target[] } {
  const features = cells.map(cell => row(cell, cells, calls));
  const isLimited = (name: FeatureName): boolean =>
    features[cells.findIndex(cell => cell.name === name)]?.generator.isLimit ?? true;
  const targets = TARGETS.filter(({ name }) => cells.some(cell => cell.name === name)).map(
    ({ name, what, limit }) => {
      const found = features[cells.findIndex(cell => cell.name === name)];
      // A ratio is as good as the worse of its two sides.
      const isJudged = !isLimited(name) && !isLimited(REFERENCE);
      const value = isJudged && found !== undefined ? found.toRecorded.median : null;
      return atMost(what, value, limit, value === null ? LIMITED : undefined);
    },
  );
  return { features, targets };
}

function row({ feature, results }: Cell, cells: readonly Cell[], calls: number): FeatureRow {
  const cpu = (result: TrafficResult | undefined): number => result?.cpuUsPerPacket ?? NaN;
  const against = (base: readonly TrafficResult[]): Spread =>
    rounded(spread(results.map((result, i) => cpu(result) / cpu(base[i]))));
  const resultsOf = (name: FeatureName): readonly TrafficResult[] | undefined =>
    cells.find(cell => cell.name === name)?.results;
  const relay = resultsOf('relay');
  const range = rounded(spread(results.map(cpu)));
  return {
    feature: feature.name,
    calls,
    cpuUsPerPacket: range.median,
    lossPct: significant(spread(results.map(({ lossPct }) => lossPct)).median),
    copyLossPct: significant(spread(results.map(({ copyLossPct }) => copyLossPct)).median),
    toRelay: relay === undefined ? null : against(relay),
    toRecorded: against(resultsOf(REFERENCE) ?? []),
    range,
    generator: worst(results),
  };
}
