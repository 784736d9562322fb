import { processHandles, processRssKiB } from './kernel';
import { partsOf } from './memory/parts';
import { processMemory } from './memory/process-memory';
import { type SoakSample, type SoakSlopes, soakSlopes, soakTargets } from './memory/soak-verdict';
import { type Progress } from './progress';
import { type Target } from './result';
import { type ProbedGateway, startProbedGateway } from './sip/gateway';
import { type LightSrs, startLightSrs } from './sip/light-srs';
import { isSippInstalled, placeCalls, RECORDED_USER, startCallee } from './sip/sipp';
import { significant } from './statistics';

export interface SoakReport extends SoakSlopes {
  readonly callsPerSecond: number;
  readonly calls: number;
  readonly isAllWell: boolean;
  readonly lossPct: number;
  readonly all: readonly SoakSample[];
}

const HOLD_MS = 4000;
/** By then program code is compiled and tables have their size; without media, so that it takes half a minute. */
const WARM_UP = { calls: 1800, callsPerSecond: 50, holdMs: 300, hasMedia: false };
const MAX_SAMPLES = 60;
const MIN_INTERVAL_MS = 1000;

/**
 * Recorded calls with media at a steady rate; samples of the gateway's process all along, each with a full collection.
 */
export async function runSoak(
  { durationMs, rate }: { readonly durationMs: number; readonly rate: number },
  progress: Progress,
): Promise<{ soak: SoakReport; targets: readonly Target[] }> {
  if (!isSippInstalled()) {
    throw new Error('SIPp is missing: install it with `apt-get install sip-tester`');
  }
  const srs = await startLightSrs();
  const callee = startCallee(true);
  try {
    const gateway = await startProbedGateway(srs.uri);
    try {
      const target = { user: RECORDED_USER, target: gateway.address };
      await placeCalls({ ...target, ...WARM_UP });
      const calls = Math.max(1, Math.round((rate * durationMs) / 1000));
      const intervalMs = Math.max(MIN_INTERVAL_MS, durationMs / MAX_SAMPLES);
      progress.start(Math.floor(durationMs / intervalMs));
      const done = placeCalls({
        ...target,
        callsPerSecond: rate,
        calls,
        holdMs: HOLD_MS,
        hasMedia: true,
      });
      const samples: SoakSample[] = [];
      const startMs = performance.now();
      // The samples end with the last set-up: what falls when calls end would hide what rises.
      while (performance.now() - startMs < durationMs - intervalMs) {
        await new Promise(resolve => setTimeout(resolve, intervalMs));
        progress.step('soak');
        samples.push(await sample(gateway, srs, startMs));
      }
      const { isAllWell } = await done;
      const { packets, missing } = await srs.counts();
      const lossPct = significant((100 * missing) / Math.max(1, packets + missing));
      const slopes = soakSlopes(samples);
      progress.stop();
      return {
        soak: { callsPerSecond: rate, calls, isAllWell, ...slopes, lossPct, all: samples },
        targets: soakTargets(slopes, lossPct),
      };
    } finally {
      await gateway.close();
    }
  } finally {
    await callee.close();
    await srs.close();
  }
}

async function sample(gateway: ProbedGateway, srs: LightSrs, startMs: number): Promise<SoakSample> {
  const metrics = await (await fetch(gateway.metricsUrl)).text();
  const delayS = /^nodejs_eventloop_lag_p99_seconds(?:\{.*\})? (\S+)/m.exec(metrics)?.[1];
  const rssKiB = processRssKiB(gateway.pid);
  const { established, packets, missing } = await srs.counts();
  const heaps = await gateway.collect();
  const parts = partsOf({ calls: established, memory: processMemory(gateway.pid), heaps });
  return {
    atS: Math.round((performance.now() - startMs) / 100) / 10,
    calls: established,
    rssKiB,
    keptKiB: Math.round(
      parts['main heap'] + parts['SIP heap'] + parts['media heap'] + parts['array buffers'],
    ),
    heapsKiB: {
      main: Math.round(parts['main heap']),
      sip: Math.round(parts['SIP heap']),
      media: Math.round(parts['media heap']),
    },
    nativeKiB: Math.round(parts.native),
    handles: processHandles(gateway.pid),
    eventLoopDelayP99Ms: significant(Number(delayS ?? NaN) * 1000),
    packets,
    missing,
  };
}
