import { processCpuMicroseconds } from './kernel';
import { rounded } from './media';
import { type Progress } from './progress';
import { atLeast, below, type Target } from './result';
import { type Gateway, startGateway } from './sip/gateway';
import { type LightSrs, startLightSrs } from './sip/light-srs';
import {
  CALLEE_PORT,
  type CallsResult,
  isSippInstalled,
  placeCalls,
  PLAIN_USER,
  RECORDED_USER,
  SIPP_HOST,
  startCallee,
} from './sip/sipp';
import { spread, type Spread } from './statistics';

export interface SignallingReport {
  readonly engine: 'embedded';
  /** The most recorded calls per second without any failure: call, recording session and both BYEs. */
  readonly recordedCallsPerSecond: number;
  readonly rates: readonly RateRow[];
  /** At {@link STEADY_RATE} recorded calls per second, over SIPp to SIPp, in the same round. */
  readonly setUpAddedMs: { readonly p50: Spread; readonly p99: Spread };
  readonly cpuMsPerRecordedCall: Spread;
  readonly cpuMsPerPlainCall: Spread;
}

export interface RateRow {
  readonly callsPerSecond: number;
  readonly reached: number;
  readonly isAllWell: boolean;
  /** SIPp itself did not reach the rate although no call failed. */
  readonly isGeneratorLimit: boolean;
  readonly cpuMsPerCall: number;
}

const STEADY_RATE = 20;
const STEADY_CALLS = 100;
const RATES = [20, 40, 60, 80, 100, 120, 150, 200, 250];
const RATE_SECONDS = 6;
const HOLD_MS = 500;
/** SIPp's start and its ramp cost a little of each run. */
const REACHED_SHARE = 0.8;
const SETTLE_MS = 1000;

/** Calls between two SIPp processes through the gateway, no media. */
export async function runSignalling(
  { rounds }: { readonly rounds: number },
  progress: Progress,
): Promise<{ signalling: SignallingReport; targets: readonly Target[] }> {
  if (!isSippInstalled()) {
    throw new Error('SIPp is missing: install it with `apt-get install sip-tester`');
  }
  progress.start(3 * rounds + 1 + RATES.length);
  const srs = await startLightSrs();
  const callee = startCallee(false);
  try {
    const gateway = await startGateway(srs.uri);
    try {
      const signalling = await measure(gateway, srs, rounds, progress);
      progress.stop();
      return { signalling, targets: targets(signalling) };
    } finally {
      await gateway.close();
    }
  } finally {
    await callee.close();
    await srs.close();
  }
}

async function measure(
  gateway: Gateway,
  srs: LightSrs,
  rounds: number,
  progress: Progress,
): Promise<SignallingReport> {
  const steady = {
    callsPerSecond: STEADY_RATE,
    calls: STEADY_CALLS,
    holdMs: HOLD_MS,
    hasMedia: false,
  };
  const recorded = (): Promise<Measured> =>
    measureCalls(gateway, { ...steady, user: RECORDED_USER, target: gateway.address });
  progress.step('warm-up');
  await recorded();
  const direct: CallsResult[] = [];
  const through: Measured[] = [];
  const plain: Measured[] = [];
  for (let round = 0; round < rounds; round++) {
    progress.step(`direct, round ${round + 1}`);
    direct.push(
      await placeCalls({ ...steady, user: PLAIN_USER, target: `${SIPP_HOST}:${CALLEE_PORT}` }),
    );
    progress.step(`recorded, round ${round + 1}`);
    through.push(await recorded());
    progress.step(`not recorded, round ${round + 1}`);
    plain.push(
      await measureCalls(gateway, { ...steady, user: PLAIN_USER, target: gateway.address }),
    );
  }
  const added = (q: 'p50' | 'p99'): Spread =>
    rounded(spread(through.map(({ setUpMs }, i) => setUpMs[q] - (direct[i]?.setUpMs[q] ?? 0))));
  const rates = await climb(gateway, srs, progress);
  return {
    engine: 'embedded',
    recordedCallsPerSecond: rates.reduce(
      (most, { callsPerSecond, isAllWell, isGeneratorLimit }) =>
        isAllWell && !isGeneratorLimit ? Math.max(most, callsPerSecond) : most,
      0,
    ),
    rates,
    setUpAddedMs: { p50: added('p50'), p99: added('p99') },
    cpuMsPerRecordedCall: rounded(spread(through.map(({ cpuMsPerCall }) => cpuMsPerCall))),
    cpuMsPerPlainCall: rounded(spread(plain.map(({ cpuMsPerCall }) => cpuMsPerCall))),
  };
}

/** Raises the rate until a call or a recording session fails. */
async function climb(gateway: Gateway, srs: LightSrs, progress: Progress): Promise<RateRow[]> {
  const rows: RateRow[] = [];
  for (const callsPerSecond of RATES) {
    progress.step(`${callsPerSecond} recorded calls per second`);
    const calls = callsPerSecond * RATE_SECONDS;
    const before = await srs.counts();
    const result = await measureCalls(gateway, {
      user: RECORDED_USER,
      target: gateway.address,
      callsPerSecond,
      calls,
      holdMs: HOLD_MS,
      hasMedia: false,
    });
    const after = await srs.counts();
    const isAllWell =
      result.isAllWell &&
      after.established - before.established === calls &&
      after.ended - before.ended === calls;
    rows.push({
      callsPerSecond,
      reached: Math.round(result.callsPerSecond * 10) / 10,
      isAllWell,
      isGeneratorLimit: result.isAllWell && result.callsPerSecond < REACHED_SHARE * callsPerSecond,
      cpuMsPerCall: Math.round(result.cpuMsPerCall * 100) / 100,
    });
    if (!isAllWell) {
      break;
    }
  }
  return rows;
}

type Measured = CallsResult & { readonly cpuMsPerCall: number };

async function measureCalls(
  { pid }: Gateway,
  order: Parameters<typeof placeCalls>[0],
): Promise<Measured> {
  const beforeUs = processCpuMicroseconds(pid);
  const result = await placeCalls(order);
  // The recording sessions end after the calls.
  await new Promise(resolve => setTimeout(resolve, SETTLE_MS));
  const cpuMsPerCall = (processCpuMicroseconds(pid) - beforeUs) / 1000 / order.calls;
  return { ...result, cpuMsPerCall };
}

function targets({ recordedCallsPerSecond, setUpAddedMs, rates }: SignallingReport): Target[] {
  const isLimited = rates.at(-1)?.isGeneratorLimit === true && recordedCallsPerSecond < 80;
  return [
    atLeast(
      'recorded calls per second, zero failures',
      isLimited ? null : recordedCallsPerSecond,
      80,
      isLimited ? 'SIPp did not reach the rate' : undefined,
    ),
    below(`set-up delay added p99 at ${STEADY_RATE} calls/s, ms`, setUpAddedMs.p99.median, 15),
  ];
}
