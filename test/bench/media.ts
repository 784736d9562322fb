import { type Peer } from './peers/peer';
import { rtpengineVersion, startRtpengine } from './peers/rtpengine';
import { noPeer, startPeer } from './peers/start-peer';
import { type Progress } from './progress';
import {
  atMost,
  below,
  MEDIA_BACKENDS,
  type MediaBackend,
  type MediaRow,
  type Target,
} from './result';
import { significant, spread, type Spread } from './statistics';
import { PCMU_PAYLOAD_TYPE, type TrafficResult } from './traffic/plan';
import { runTraffic } from './traffic/run-traffic';

export interface MediaOptions {
  readonly calls: readonly number[];
  readonly rounds: number;
  readonly windowMs: number;
  /** null: all there are. */
  readonly backends: readonly MediaBackend[] | null;
  /** The dist folder of another build to measure as well. */
  readonly against: string | null;
  /** Whether every round has processes of its own. */
  readonly isFresh: boolean;
}

export interface MediaReport {
  readonly media: readonly MediaRow[];
  readonly ratios: Readonly<Record<string, Spread>>;
  /** The most calls with loss under 0.01 % and a p99 latency under 5 ms, of the sizes that were run. */
  readonly highestCleanCalls: Readonly<Record<string, number | null>>;
  readonly targets: readonly Target[];
}

/** Over which the relays and the generator's program code settle. */
const WARM_UP_MS = 1000;
const FIRST_WARM_UP_MS = 2500;
const CLEAN_LOSS_PCT = 0.01;
const CLEAN_P99_MS = 5;

export interface MediaCell {
  readonly calls: number;
  readonly backend: MediaBackend;
  peer: Peer;
  /** Of the first round that {@link peer} has had. */
  firstRound: number;
  readonly results: TrafficResult[];
}

/**
 * Relay and fork of G.711, all backends in turn within each round. Every backend keeps its process with all calls open
 * through all rounds of a size, unless each round is to have a fresh one; only the one whose turn it is gets traffic.
 */
export async function runMedia(options: MediaOptions, progress: Progress): Promise<MediaReport> {
  const cells: MediaCell[] = [];
  const backends = backendsOf(options);
  progress.start(options.calls.length * options.rounds * backends.length);
  for (const calls of options.calls) {
    const ofSize: MediaCell[] = [];
    try {
      for (const backend of backends) {
        const peer = await start(backend, calls, options.against);
        ofSize.push({ calls, backend, peer, firstRound: 0, results: [] });
      }
      for (let round = 0; round < options.rounds; round++) {
        for (const cell of ofSize) {
          progress.step(`${calls} calls, ${cell.backend}, round ${round + 1}`);
          if (options.isFresh && round > 0) {
            await cell.peer.close();
            cell.peer = await start(cell.backend, calls, options.against);
            cell.firstRound = round;
          }
          cell.results.push(
            await runTraffic({
              targets: cell.peer.legs,
              isDirect: cell.backend === 'direct',
              pid: cell.peer.pid,
              warmUpMs: round === cell.firstRound ? FIRST_WARM_UP_MS : WARM_UP_MS,
              windowMs: options.windowMs,
              copies: 1,
              isPayloadIntact: true,
              isEncrypted: false,
              payloadType: PCMU_PAYLOAD_TYPE,
              senderReportsPerSecond: 0,
              round,
            }),
          );
        }
      }
    } finally {
      await Promise.all(ofSize.map(({ peer }) => peer.close()));
    }
    cells.push(...ofSize);
  }
  progress.stop();
  return mediaReport(cells);
}

function backendsOf({ backends, against }: MediaOptions): MediaBackend[] {
  const wanted = MEDIA_BACKENDS.filter(backend => backends?.includes(backend) ?? true);
  return wanted.filter(
    backend =>
      (backend !== 'rtpengine' || rtpengineVersion() !== null) &&
      (backend !== 'against' || against !== null),
  );
}

function start(backend: MediaBackend, calls: number, against: string | null): Promise<Peer> {
  const order = { calls, variant: 'fork', portMin: 10_000 } as const;
  switch (backend) {
    case 'linux':
      return startPeer('plane-process', { ...order, backend, host: '127.77.0.3' });
    case 'dgram':
      return startPeer('plane-process', { ...order, backend, host: '127.77.0.4' });
    case 'against':
      return startPeer(
        'plane-process',
        { ...order, backend: 'linux', host: '127.77.0.7' },
        against,
      );
    case 'bare':
      return startPeer('bare-process', { ...order, backend: 'linux', host: '127.77.0.5' });
    case 'rtpengine':
      return startRtpengine(calls);
    case 'direct':
      return Promise.resolve(noPeer(calls));
  }
}

/** What the rounds say, by backend and size. */
export function mediaReport(cells: readonly MediaCell[]): MediaReport {
  const media = cells.map(cell => row(cell, cells));
  const ratios: Record<string, Spread> = {};
  for (const calls of new Set(cells.map(cell => cell.calls))) {
    for (const other of ['against', 'bare', 'rtpengine', 'dgram'] as const) {
      const ratio = cpuRatio(find(cells, 'linux', calls), find(cells, other, calls));
      if (ratio !== null) {
        ratios[`linux/${other}@${calls}`] = ratio;
      }
    }
  }
  const clean = (backend: MediaBackend): number | null =>
    media
      .filter(candidate => candidate.backend === backend && isClean(candidate))
      .reduce<number | null>((most, { calls }) => Math.max(most ?? 0, calls), null);
  return {
    media,
    ratios,
    highestCleanCalls: Object.fromEntries(
      [...new Set(cells.map(({ backend }) => backend))].map(backend => [backend, clean(backend)]),
    ),
    targets: targets(media, ratios),
  };
}

function row(cell: MediaCell, cells: readonly MediaCell[]): MediaRow {
  const { calls, backend, peer, results } = cell;
  const of = (value: (result: TrafficResult) => number): Spread => spread(results.map(value));
  const cpu = results.some(({ cpuUsPerPacket }) => cpuUsPerPacket === null)
    ? null
    : of(result => result.cpuUsPerPacket ?? 0);
  const direct = find(cells, 'direct', calls);
  const rssKiB = results.at(-1)?.rssKiB ?? null;
  return {
    calls,
    backend,
    rounds: results.length,
    cpuUsPerPacket: cpu === null ? null : significant(cpu.median),
    lossPct: significant(of(({ lossPct }) => lossPct).median),
    copyLossPct: significant(of(({ copyLossPct }) => copyLossPct).median),
    latencyMs: {
      p50: significant(of(({ latencyMs }) => latencyMs?.p50 ?? 0).median),
      p99: significant(of(({ latencyMs }) => latencyMs?.p99 ?? 0).median),
      max: significant(of(({ latencyMs }) => latencyMs?.max ?? 0).max),
    },
    addedLatencyP99Ms:
      backend === 'direct' || direct === null
        ? null
        : significant(
            spread(
              results.map(
                (result, i) =>
                  (result.latencyMs?.p99 ?? 0) - (direct.results[i]?.latencyMs?.p99 ?? 0),
              ),
            ).median,
          ),
    jitterMs: significant(of(({ jitterMs }) => jitterMs ?? 0).median),
    rssKiBPerCall: rssKiB === null ? null : significant((rssKiB - peer.emptyRssKiB) / calls),
    ringKiBPerCall: significant(touchedRingKiB(cell)),
    range: { cpuUsPerPacket: cpu, latencyP99Ms: of(({ latencyMs }) => latencyMs?.p99 ?? 0) },
    generator: worst(results),
  };
}

/** A packet of 20 ms of G.711 with what the ring keeps beside it, bytes. */
const RING_RECORD_BYTES = 192;
const STREAMS_PER_CALL = 2;

/** What traffic has written of the rings so far: memory that nothing was written to is not resident. */
function touchedRingKiB({ calls, peer, firstRound, results }: MediaCell): number {
  const packets = results
    .slice(firstRound)
    .reduce((sum, { packetsReceived }) => sum + packetsReceived, 0);
  const written = (STREAMS_PER_CALL * RING_RECORD_BYTES * packets) / (2 * calls) / 1024;
  return Math.min(peer.ringKiBPerCall, written);
}

/** The least headroom of all rounds. */
export function worst(results: readonly TrafficResult[]): TrafficResult['generator'] {
  const all = results.map(({ generator }) => generator);
  return {
    cpuShare: significant(Math.max(...all.map(({ cpuShare }) => cpuShare)), 3),
    latenessP99Ms: significant(Math.max(...all.map(({ latenessP99Ms }) => latenessP99Ms)), 3),
    drops: all.reduce((sum, { drops }) => sum + drops, 0),
    isLimit: all.filter(({ isLimit }) => isLimit).length * 2 > all.length,
  };
}

function find(cells: readonly MediaCell[], backend: MediaBackend, calls: number): MediaCell | null {
  return cells.find(cell => cell.backend === backend && cell.calls === calls) ?? null;
}

/** Round by round, so that what a round suffered from is in both figures. */
function cpuRatio(ours: MediaCell | null, other: MediaCell | null): Spread | null {
  if (ours === null || other === null) {
    return null;
  }
  const ratios = ours.results.flatMap(({ cpuUsPerPacket, generator }, i) => {
    const against = other.results[i];
    return cpuUsPerPacket === null ||
      generator.isLimit ||
      against === undefined ||
      against.cpuUsPerPacket === null ||
      against.generator.isLimit
      ? []
      : [cpuUsPerPacket / against.cpuUsPerPacket];
  });
  // Fewer than half of the rounds say too little.
  return ratios.length * 2 < ours.results.length || ratios.length === 0
    ? null
    : rounded(spread(ratios));
}

export function rounded({ median, min, max }: Spread): Spread {
  return { median: significant(median), min: significant(min), max: significant(max) };
}

function isClean({ lossPct, latencyMs, generator }: MediaRow): boolean {
  return lossPct < CLEAN_LOSS_PCT && latencyMs.p99 < CLEAN_P99_MS && !generator.isLimit;
}

const NOT_MEASURED = 'not measured: not in this run, or the generator was the limit';

function targets(media: readonly MediaRow[], ratios: Readonly<Record<string, Spread>>): Target[] {
  const linux = media.filter(({ backend }) => backend === 'linux');
  const sizes = linux.map(({ calls }) => calls);
  const judged = sizes.filter(calls => [300, 500].includes(calls));
  const ratio = (other: string, calls: number): number | null =>
    ratios[`linux/${other}@${calls}`]?.median ?? null;
  const limited = (name: string, value: number | null, limit: number): Target =>
    atMost(name, value, limit, value === null ? NOT_MEASURED : undefined);
  const at300 = linux.find(({ calls, generator }) => calls === 300 && !generator.isLimit);
  const added = at300?.addedLatencyP99Ms ?? null;
  return [
    ...(judged.length > 0 ? judged : sizes).flatMap(calls => [
      limited(`linux / rtpengine, CPU per packet, ${calls} calls`, ratio('rtpengine', calls), 0.9),
      limited(`linux / bare relay, CPU per packet, ${calls} calls`, ratio('bare', calls), 1.05),
    ]),
    below(
      'added latency p99 at 300 calls, ms',
      added,
      1,
      added === null ? NOT_MEASURED : undefined,
    ),
    limited('RSS per recorded call without rings, KiB', memoryPerCall(linux), 60),
    flatness(linux),
  ];
}

/** Between the smallest and the largest size: what the process costs once does not count. */
function memoryPerCall(linux: readonly MediaRow[]): number | null {
  const found = ends(linux);
  if (found === null) {
    return null;
  }
  const { small, large } = found;
  const total = ({ rssKiBPerCall, calls }: MediaRow): number => (rssKiBPerCall ?? NaN) * calls;
  const perCall = (total(large) - total(small)) / (large.calls - small.calls);
  return significant(perCall - large.ringKiBPerCall);
}

function flatness(linux: readonly MediaRow[]): Target {
  const found = ends(linux);
  const value =
    found === null || found.small.generator.isLimit || found.large.generator.isLimit
      ? null
      : significant((found.large.cpuUsPerPacket ?? NaN) / (found.small.cpuUsPerPacket ?? NaN));
  return {
    name: `CPU per packet, ${found?.large.calls ?? 'largest'} / ${found?.small.calls ?? 'smallest'} calls`,
    value,
    target: '0.9 - 1.1',
    met: value === null ? null : value >= 0.9 && value <= 1.1,
    ...(value === null ? { reason: NOT_MEASURED } : {}),
  };
}

/** The smallest and the largest size, when there are two. */
function ends(linux: readonly MediaRow[]): { small: MediaRow; large: MediaRow } | null {
  const sorted = [...linux].sort((a, b) => a.calls - b.calls);
  const [small, large] = [sorted[0], sorted.at(-1)];
  return small === undefined || large === undefined || small.calls === large.calls
    ? null
    : { small, large };
}
