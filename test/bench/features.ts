import { rounded, worst } from './media';
import { type Peer, type Variant } from './peers/peer';
import { startPeer } from './peers/start-peer';
import { type Progress } from './progress';
import { atMost, type FeatureRow, type Target } from './result';
import { significant, spread, type Spread } from './statistics';
import { G722_PAYLOAD_TYPE, PCMU_PAYLOAD_TYPE, type TrafficResult } from './traffic/plan';
import { runTraffic } from './traffic/run-traffic';

export interface FeaturesOptions {
  readonly calls: number;
  readonly rounds: number;
  readonly windowMs: number;
  readonly backend: 'linux' | 'dgram';
}

interface Feature {
  readonly name: string;
  readonly variant: Variant;
  readonly copies: number;
  readonly isPayloadIntact: boolean;
  readonly isEncrypted?: boolean;
  readonly senderReportsPerSecond?: number;
  readonly payloadType?: number;
}

const RELAY = 'relay';
const RECORDED = '+ fork';

/** Each stands on relay and fork, except for the first two. */
const FEATURES: readonly Feature[] = [
  { name: RELAY, variant: 'relay', copies: 0, isPayloadIntact: true },
  { name: '+ ring, recorder silent', variant: 'ring', copies: 0, isPayloadIntact: true },
  { name: RECORDED, variant: 'fork', copies: 1, isPayloadIntact: true },
  { name: '+ second recorder', variant: 'second-recorder', copies: 2, isPayloadIntact: true },
  { name: '+ tone mixed', variant: 'tone', copies: 1, isPayloadIntact: false },
  { name: '+ announcement', variant: 'announcement', copies: 1, isPayloadIntact: false },
  { name: '+ SRTP to recorder', variant: 'srtp-recorder', copies: 1, isPayloadIntact: true },
  {
    name: '+ SRTP on legs',
    variant: 'srtp-legs',
    copies: 1,
    isPayloadIntact: false,
    isEncrypted: true,
  },
  {
    name: '+ transcode, G.722 to G.711',
    variant: 'transcode',
    copies: 1,
    isPayloadIntact: true,
    payloadType: G722_PAYLOAD_TYPE,
  },
  {
    name: '+ RTCP, 1/s of each leg',
    variant: 'fork',
    copies: 1,
    isPayloadIntact: true,
    senderReportsPerSecond: 1,
  },
];

const FIRST_WARM_UP_MS = 2500;
const WARM_UP_MS = 1000;
const FIRST_HOST = 10;

const LIMITED = 'the generator was the limit, here or under the plain recorded call';

function judged(name: string, value: number | null, limit: number): Target {
  return atMost(name, value, limit, value === null ? LIMITED : undefined);
}

interface Cell {
  readonly feature: Feature;
  readonly peer: Peer;
  readonly results: TrafficResult[];
}

/** What each feature of the media plane costs, all of them in turn within each round. */
export async function runFeatures(
  { calls, rounds, windowMs, backend }: FeaturesOptions,
  progress: Progress,
): Promise<{ features: readonly FeatureRow[]; targets: readonly Target[] }> {
  const cells: Cell[] = [];
  progress.start(rounds * FEATURES.length);
  try {
    for (const [i, feature] of FEATURES.entries()) {
      const { variant } = feature;
      const order = {
        backend,
        calls,
        variant,
        host: `127.77.0.${FIRST_HOST + i}`,
        portMin: 10_000,
      };
      cells.push({ feature, peer: await startPeer('plane-process', order), results: [] });
    }
    for (let round = 0; round < rounds; round++) {
      for (const { feature, peer, results } of cells) {
        progress.step(`${feature.name}, round ${round + 1}`);
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
      }
    }
  } finally {
    await Promise.all(cells.map(({ peer }) => peer.close()));
  }
  progress.stop();
  const features = cells.map(cell => row(cell, cells, calls));
  const recorded = features.find(({ feature }) => feature === RECORDED);
  const toRecorded = (name: string): number | null => {
    const found = features.find(({ feature }) => feature === name);
    // A ratio is as good as the worse of its two sides.
    const isJudged = found?.generator.isLimit === false && recorded?.generator.isLimit === false;
    return isJudged ? found.toRecorded.median : null;
  };
  return {
    features,
    targets: [
      judged('tone mixed in every call / plain recorded call', toRecorded('+ tone mixed'), 1.4),
      judged('SRTP to the recorder / plain recorded call', toRecorded('+ SRTP to recorder'), 1.5),
    ],
  };
}

function row({ feature, results }: Cell, cells: readonly Cell[], calls: number): FeatureRow {
  const cpu = (result: TrafficResult | undefined): number => result?.cpuUsPerPacket ?? NaN;
  const against = (name: string): Spread => {
    const base = cells.find(cell => cell.feature.name === name)?.results ?? [];
    return rounded(spread(results.map((result, i) => cpu(result) / cpu(base[i]))));
  };
  const range = rounded(spread(results.map(cpu)));
  return {
    feature: feature.name,
    calls,
    cpuUsPerPacket: range.median,
    lossPct: significant(spread(results.map(({ lossPct }) => lossPct)).median),
    copyLossPct: significant(spread(results.map(({ copyLossPct }) => copyLossPct)).median),
    toRelay: against(RELAY),
    toRecorded: against(RECORDED),
    range,
    generator: worst(results),
  };
}
