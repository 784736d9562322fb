import { type DrachtioServer } from './command-line';
import { processCpuMicroseconds } from './kernel';
import { rounded } from './media';
import { type Progress } from './progress';
import { atLeast, atMost, below, type Target } from './result';
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
import { significant, spread, type Spread } from './statistics';

export interface SignallingReport {
  readonly engine: 'embedded';
  /** The most recorded calls per second without any failure: call, recording session and both BYEs. */
  readonly recordedCallsPerSecond: number;
  readonly rates: readonly RateRow[];
  /** At {@link STEADY_RATE} recorded calls per second, over SIPp to SIPp, in the same round. */
  readonly setUpAddedMs: SetUp;
  /** Of each, INVITE to 200. */
  readonly setUpMs: Readonly<Record<'direct' | 'recorded' | 'plain', SetUp>>;
  readonly cpuMsPerRecordedCall: Spread;
  readonly cpuMsPerPlainCall: Spread;
  /** Without any call; it is part of the two above. */
  readonly cpuMsPerSecondIdle: number;
  /** The gateway on a drachtio-server, when one was given: the CPU of both. */
  readonly drachtio: {
    readonly cpuMsPerPlainCall: Spread;
    /** Round by round: the gateway alone over both of these. */
    readonly embeddedToDrachtio: Spread;
  } | null;
}

export interface SetUp {
  readonly p50: Spread;
  readonly p99: Spread;
}

export interface RateRow {
  readonly callsPerSecond: number;
  readonly reached: number;
  readonly isAllWell: boolean;
  /** SIPp itself did not reach the rate although no call failed. */
  readonly isGeneratorLimit: boolean;
  readonly cpuMsPerCall: number;
  readonly setUpMs: { readonly p50: number; readonly p99: number };
}

const STEADY_RATE = 20;
const STEADY_CALLS = 100;
const RATES = [20, 40, 60, 80, 100, 120, 150, 200, 250];
const RATE_SECONDS = 6;
const HOLD_MS = 500;
/** SIPp's start and its ramp cost a little of each run. */
const REACHED_SHARE = 0.8;
const SETTLE_MS = 1000;
const IDLE_MS = 3000;

/** Calls between two SIPp processes through the gateway, no media. */
export async function runSignalling(
  { rounds, drachtio }: { readonly rounds: number; readonly drachtio: DrachtioServer | null },
  progress: Progress,
): Promise<{ signalling: SignallingReport; targets: readonly Target[] }> {
  if (!isSippInstalled()) {
    throw new Error('SIPp is missing: install it with `apt-get install sip-tester`');
  }
  progress.start((drachtio === null ? 3 : 4) * rounds + 1 + RATES.length);
  const srs = await startLightSrs();
  const callee = startCallee(false);
  try {
    const gateway = await startGateway(srs.uri);
    try {
      const peer = drachtio === null ? null : await startPeer(srs, drachtio);
      try {
        const signalling = await measure(gateway, peer, srs, rounds, progress);
        progress.stop();
        return { signalling, targets: targets(signalling) };
      } finally {
        await peer?.close();
      }
    } finally {
      await gateway.close();
    }
  } finally {
    await callee.close();
    await srs.close();
  }
}

/** The same application on a drachtio-server. */
interface DrachtioPeer extends Gateway {
  readonly pids: readonly number[];
}

async function startPeer(srs: LightSrs, drachtio: DrachtioServer): Promise<DrachtioPeer> {
  const gateway = await startGateway(srs.uri, drachtio);
  return { ...gateway, pids: [gateway.pid, drachtio.pid] };
}

async function measure(
  gateway: Gateway,
  peer: DrachtioPeer | null,
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
    measureCalls([gateway.pid], { ...steady, user: RECORDED_USER, target: gateway.address });
  const notRecorded = (pids: readonly number[], target: string): Promise<Measured> =>
    measureCalls(pids, { ...steady, user: PLAIN_USER, target });
  progress.step('warm-up');
  await recorded();
  if (peer !== null) {
    await notRecorded(peer.pids, peer.address);
  }
  const cpuMsPerSecondIdle = await idleCpu(gateway.pid);
  const direct: CallsResult[] = [];
  const through: Measured[] = [];
  const plain: Measured[] = [];
  const onDrachtio: Measured[] = [];
  for (let round = 0; round < rounds; round++) {
    progress.step(`direct, round ${round + 1}`);
    direct.push(
      await placeCalls({ ...steady, user: PLAIN_USER, target: `${SIPP_HOST}:${CALLEE_PORT}` }),
    );
    progress.step(`recorded, round ${round + 1}`);
    through.push(await recorded());
    progress.step(`not recorded, round ${round + 1}`);
    plain.push(await notRecorded([gateway.pid], gateway.address));
    if (peer !== null) {
      progress.step(`not recorded, drachtio-server, round ${round + 1}`);
      onDrachtio.push(await notRecorded(peer.pids, peer.address));
    }
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
    setUpMs: { direct: setUp(direct), recorded: setUp(through), plain: setUp(plain) },
    cpuMsPerSecondIdle,
    cpuMsPerRecordedCall: rounded(spread(through.map(({ cpuMsPerCall }) => cpuMsPerCall))),
    cpuMsPerPlainCall: rounded(spread(plain.map(({ cpuMsPerCall }) => cpuMsPerCall))),
    drachtio:
      peer === null
        ? null
        : {
            cpuMsPerPlainCall: rounded(spread(onDrachtio.map(({ cpuMsPerCall }) => cpuMsPerCall))),
            embeddedToDrachtio: rounded(
              spread(
                plain.map(
                  ({ cpuMsPerCall }, i) => cpuMsPerCall / (onDrachtio[i]?.cpuMsPerCall ?? NaN),
                ),
              ),
            ),
          },
  };
}

function setUp(results: readonly CallsResult[]): SetUp {
  const of = (q: 'p50' | 'p99'): Spread =>
    rounded(spread(results.map(({ setUpMs }) => setUpMs[q])));
  return { p50: of('p50'), p99: of('p99') };
}

/** Raises the rate until a call or a recording session fails. */
async function climb(gateway: Gateway, srs: LightSrs, progress: Progress): Promise<RateRow[]> {
  const rows: RateRow[] = [];
  for (const callsPerSecond of RATES) {
    progress.step(`${callsPerSecond} recorded calls per second`);
    const calls = callsPerSecond * RATE_SECONDS;
    const before = await srs.counts();
    const result = await measureCalls([gateway.pid], {
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
      cpuMsPerCall: significant(result.cpuMsPerCall, 3),
      setUpMs: { p50: significant(result.setUpMs.p50, 3), p99: significant(result.setUpMs.p99, 3) },
    });
    if (!isAllWell) {
      break;
    }
  }
  return rows;
}

/** What the gateway uses without any call, ms of CPU per second. */
async function idleCpu(pid: number): Promise<number> {
  const beforeUs = processCpuMicroseconds(pid);
  await new Promise(resolve => setTimeout(resolve, IDLE_MS));
  return significant((processCpuMicroseconds(pid) - beforeUs) / IDLE_MS, 3);
}

type Measured = CallsResult & { readonly cpuMsPerCall: number };

async function measureCalls(
  pids: readonly number[],
  order: Parameters<typeof placeCalls>[0],
): Promise<Measured> {
  const cpuUs = (): number => pids.reduce((sum, pid) => sum + processCpuMicroseconds(pid), 0);
  const beforeUs = cpuUs();
  const result = await placeCalls(order);
  // The recording sessions end after the calls.
  await new Promise(resolve => setTimeout(resolve, SETTLE_MS));
  const cpuMsPerCall = (cpuUs() - beforeUs) / 1000 / order.calls;
  return { ...result, cpuMsPerCall };
}

function targets({
  recordedCallsPerSecond,
  setUpAddedMs,
  rates,
  drachtio,
}: SignallingReport): Target[] {
  const isLimited = rates.at(-1)?.isGeneratorLimit === true && recordedCallsPerSecond < 80;
  return [
    atLeast(
      'recorded calls per second, zero failures',
      isLimited ? null : recordedCallsPerSecond,
      80,
      isLimited ? 'SIPp did not reach the rate' : undefined,
    ),
    below(`set-up delay added p99 at ${STEADY_RATE} calls/s, ms`, setUpAddedMs.p99.median, 15),
    atMost(
      'plain call, CPU of the gateway / of drachtio-server and gateway',
      drachtio?.embeddedToDrachtio.median ?? null,
      1.5,
      drachtio === null ? 'no drachtio-server was given' : undefined,
    ),
  ];
}
