import { cpus, loadavg, release, totalmem } from 'node:os';

import { rtpengineVersion } from './peers/rtpengine';
import { type GeneratorHeadroom, type Latency } from './traffic/plan';
import { type Spread } from './statistics';

/** Where the figures come from, and how busy it was. */
export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryMiB: number;
  readonly kernel: string;
  readonly node: string;
  readonly rtpengine: string | null;
  /** Load averages of one minute, before and after: what other programs did is part of the result. */
  readonly loadBefore: number;
  readonly loadAfter: number;
}

export interface Target {
  readonly name: string;
  /** null: not measured, or the generator was the limit. */
  readonly value: number | null;
  readonly target: string;
  /** null: no verdict. */
  readonly met: boolean | null;
  readonly reason?: string;
}

/** One backend at one size, over all rounds: medians, with ranges beside them. */
export interface MediaRow {
  readonly calls: number;
  readonly backend: MediaBackend;
  readonly rounds: number;
  readonly cpuUsPerPacket: number | null;
  readonly lossPct: number;
  readonly copyLossPct: number;
  readonly latencyMs: Latency;
  /** Over the phones sending to one another directly, in the same round. */
  readonly addedLatencyP99Ms: number | null;
  readonly jitterMs: number;
  readonly rssKiBPerCall: number | null;
  /** Of that, the rings of the recordings, as far as they were written. */
  readonly ringKiBPerCall: number;
  readonly range: { readonly cpuUsPerPacket: Spread | null; readonly latencyP99Ms: Spread };
  readonly generator: GeneratorHeadroom;
}

/** `against`: the Linux backend of another build. */
export const MEDIA_BACKENDS = ['linux', 'against', 'bare', 'rtpengine', 'dgram', 'direct'] as const;

export type MediaBackend = (typeof MEDIA_BACKENDS)[number];

export interface FeatureRow {
  readonly feature: string;
  readonly calls: number;
  readonly cpuUsPerPacket: number;
  readonly lossPct: number;
  readonly copyLossPct: number;
  /** Over relaying alone, round by round; null when that was not measured. */
  readonly toRelay: Spread | null;
  /** Over relaying with one plain copy: what a recorded call costs. */
  readonly toRecorded: Spread;
  readonly range: Spread;
  readonly generator: GeneratorHeadroom;
}

export interface MachineBefore {
  readonly loadBefore: number;
}

export function machineNow(loadBefore: number): Machine {
  return {
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    memoryMiB: Math.round(totalmem() / 2 ** 20),
    kernel: release(),
    node: process.version,
    rtpengine: rtpengineVersion(),
    loadBefore,
    loadAfter: loadNow(),
  };
}

export function loadNow(): number {
  return Math.round((loadavg()[0] ?? 0) * 100) / 100;
}

/** A target "at most so much". @param reason why there is no value. */
export function atMost(name: string, value: number | null, limit: number, reason?: string): Target {
  return target(name, value, `<= ${limit}`, value === null ? null : value <= limit, reason);
}

export function below(name: string, value: number | null, limit: number, reason?: string): Target {
  return target(name, value, `< ${limit}`, value === null ? null : value < limit, reason);
}

export function atLeast(
  name: string,
  value: number | null,
  limit: number,
  reason?: string,
): Target {
  return target(name, value, `>= ${limit}`, value === null ? null : value >= limit, reason);
}

function target(
  name: string,
  value: number | null,
  limit: string,
  met: boolean | null,
  reason: string | undefined,
): Target {
  return { name, value, target: limit, met, ...(reason === undefined ? {} : { reason }) };
}
