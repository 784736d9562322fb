import { processHandles, processRssKiB } from './kernel';
import { type Progress } from './progress';
import { atMost, type Target } from './result';
import { startGateway } from './sip/gateway';
import { type LightSrs, startLightSrs } from './sip/light-srs';
import { isSippInstalled, placeCalls, RECORDED_USER, startCallee } from './sip/sipp';
import { significant, slope } from './statistics';

export interface SoakReport {
  readonly callsPerSecond: number;
  readonly calls: number;
  readonly isAllWell: boolean;
  /** Over the second two thirds of the time: the first third is warm-up. */
  readonly rssKiBPerMinute: number;
  readonly handlesPerMinute: number;
  readonly eventLoopDelayMsPerMinute: number;
  readonly lossPct: number;
  readonly samples: readonly SoakSample[];
}

export interface SoakSample {
  readonly atS: number;
  readonly rssKiB: number;
  readonly handles: number;
  readonly eventLoopDelayP99Ms: number;
  readonly packets: number;
  readonly missing: number;
}

const HOLD_MS = 4000;
const MAX_SAMPLES = 60;
const MIN_INTERVAL_MS = 1000;
/** Below it the heap is still growing to its working size, which looks like a leak. */
const VERDICT_MS = 300_000;
const TOO_SHORT = 'no verdict under five minutes: the heap has not reached its working size';

/** Recorded calls with media at a steady rate; samples of the gateway's process all along. */
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
    const gateway = await startGateway(srs.uri);
    try {
      const calls = Math.max(1, Math.round((rate * durationMs) / 1000));
      const intervalMs = Math.max(MIN_INTERVAL_MS, durationMs / MAX_SAMPLES);
      progress.start(Math.floor(durationMs / intervalMs));
      const done = placeCalls({
        user: RECORDED_USER,
        target: gateway.address,
        callsPerSecond: rate,
        calls,
        holdMs: HOLD_MS,
        hasMedia: true,
        isTimed: false,
      });
      const samples: SoakSample[] = [];
      const startMs = performance.now();
      while (performance.now() - startMs < durationMs) {
        await Promise.race([done, new Promise(resolve => setTimeout(resolve, intervalMs))]);
        await new Promise(resolve => setTimeout(resolve, 100));
        progress.step('soak');
        samples.push(await sample(gateway, srs, startMs));
      }
      const { isAllWell } = await done;
      const soak = summarise(samples, { callsPerSecond: rate, calls, isAllWell });
      progress.stop();
      return { soak, targets: targets(soak, durationMs) };
    } finally {
      await gateway.close();
    }
  } finally {
    await callee.close();
    await srs.close();
  }
}

async function sample(
  { pid, metricsUrl }: { readonly pid: number; readonly metricsUrl: string },
  srs: LightSrs,
  startMs: number,
): Promise<SoakSample> {
  const metrics = await (await fetch(metricsUrl)).text();
  const delayS = /^nodejs_eventloop_lag_p99_seconds(?:\{.*\})? (\S+)/m.exec(metrics)?.[1];
  const { packets, missing } = await srs.counts();
  return {
    atS: Math.round((performance.now() - startMs) / 100) / 10,
    rssKiB: processRssKiB(pid),
    handles: processHandles(pid),
    eventLoopDelayP99Ms: significant(Number(delayS ?? NaN) * 1000),
    packets,
    missing,
  };
}

function summarise(
  samples: readonly SoakSample[],
  run: Pick<SoakReport, 'callsPerSecond' | 'calls' | 'isAllWell'>,
): SoakReport {
  const settled = samples.slice(Math.floor(samples.length / 3));
  const perMinute = (value: (sample: SoakSample) => number): number =>
    significant(slope(settled.map(each => [each.atS / 60, value(each)] as const)));
  const last = samples.at(-1);
  return {
    ...run,
    rssKiBPerMinute: perMinute(({ rssKiB }) => rssKiB),
    handlesPerMinute: perMinute(({ handles }) => handles),
    eventLoopDelayMsPerMinute: perMinute(({ eventLoopDelayP99Ms }) => eventLoopDelayP99Ms),
    lossPct: significant(
      (100 * (last?.missing ?? 0)) / Math.max(1, (last?.packets ?? 0) + (last?.missing ?? 0)),
    ),
    samples,
  };
}

function targets(soak: SoakReport, durationMs: number): Target[] {
  const isLong = durationMs >= VERDICT_MS;
  const judged = (name: string, value: number, limit: number): Target =>
    atMost(name, isLong ? value : null, limit, isLong ? undefined : TOO_SHORT);
  return [
    judged('soak, RSS slope, KiB per minute', soak.rssKiBPerMinute, 256),
    judged('soak, handles slope, per minute', soak.handlesPerMinute, 0.5),
    judged('soak, event-loop delay slope, ms per minute', soak.eventLoopDelayMsPerMinute, 1),
    atMost('soak, packets missing at the recorder, %', soak.lossPct, 0.01),
  ];
}
