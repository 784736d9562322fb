import { type PartRow, type MemoryReading, partRows } from './memory/parts';
import { processMemory } from './memory/process-memory';
import { type Progress } from './progress';
import { atMost, type Target } from './result';
import { type ProbedGateway, startProbedGateway } from './sip/gateway';
import { type LightSrs, startLightSrs } from './sip/light-srs';
import {
  type HeldCalls,
  type HeldCallsOrder,
  holdCalls,
  isSippInstalled,
  placeCalls,
  RECORDED_USER,
  startCallee,
} from './sip/sipp';
import { significant } from './statistics';

export interface MemoryReport {
  /** Recorded calls held at once: the two sizes that are compared. */
  readonly calls: readonly [few: number, many: number];
  /** How long both parties of each call speak, so that all is set up that packets set up. */
  readonly talkMs: number;
  readonly parts: readonly PartRow[];
  /** What a call has in rings grows with what was said, up to `ringSeconds`. */
  readonly kibPerCallWithoutRings: number;
}

const TALK_MS = 1000;
const SET_UP_PER_SECOND = 20;
const WARM_UP = { calls: 200, callsPerSecond: 40, holdMs: 500 };
/** SIP keeps transactions for 32 s (64*T1) after their final response. */
const LINGER_MS = 36_000;
const SETTLE_MS = 2000;
const SET_UP_DEADLINE_MS = 60_000;
const TARGET_KIB = 60;

/**
 * Memory of the whole gateway per recorded call that is held, by part: the same process with few and with many calls,
 * garbage collected before each reading.
 *
 * @throws when SIPp is missing, calls fail, or the sizes are not two different ones.
 */
export async function runMemory(
  sizes: readonly number[],
  progress: Progress,
): Promise<{ memory: MemoryReport; targets: readonly Target[] }> {
  const [few, many] = [Math.min(...sizes), Math.max(...sizes)];
  if (few === many) {
    throw new Error('memory compares two sizes: --calls 100,500');
  }
  if (!isSippInstalled()) {
    throw new Error('SIPp is missing: install it with `apt-get install sip-tester`');
  }
  progress.start(5);
  const srs = await startLightSrs();
  const callee = startCallee(true, TALK_MS);
  try {
    const gateway = await startProbedGateway(srs.uri);
    const held: HeldCalls[] = [];
    const hold = async (calls: number, ports: HeldCallsOrder['ports']): Promise<void> => {
      const before = (await srs.counts()).established;
      held.push(
        holdCalls({
          user: RECORDED_USER,
          target: gateway.address,
          callsPerSecond: SET_UP_PER_SECOND,
          calls,
          talkMs: TALK_MS,
          ports,
        }),
      );
      await established(srs, before + calls);
      await sleep(TALK_MS + SETTLE_MS);
    };
    try {
      progress.step('warm-up');
      await placeCalls({
        ...WARM_UP,
        user: RECORDED_USER,
        target: gateway.address,
        hasMedia: true,
      });
      await sleep(LINGER_MS);
      progress.step('no calls');
      const empty = await read(gateway, 0);
      await hold(few, { sip: 5071, rtp: 31_000 });
      await sleep(LINGER_MS);
      progress.step(`${few} calls`);
      const ofFew = await read(gateway, few);
      await hold(many - few, { sip: 5072, rtp: 45_000 });
      progress.step(`${many} calls, just set up`);
      const fresh = await read(gateway, many);
      await sleep(LINGER_MS);
      progress.step(`${many} calls`);
      const ofMany = await read(gateway, many);
      const parts = partRows({ empty, few: ofFew, fresh, many: ofMany });
      progress.stop();
      return report([few, many], parts);
    } finally {
      await Promise.all(held.map(calls => calls.close()));
      await gateway.close();
    }
  } finally {
    await callee.close();
    await srs.close();
  }
}

function report(
  calls: MemoryReport['calls'],
  parts: readonly PartRow[],
): { memory: MemoryReport; targets: readonly Target[] } {
  const of = (name: PartRow['part']): number =>
    parts.find(({ part }) => part === name)?.kibPerCall ?? NaN;
  const kibPerCallWithoutRings = significant(of('all (RSS)') - of('rings'), 3);
  return {
    memory: { calls, talkMs: TALK_MS, parts, kibPerCallWithoutRings },
    targets: [
      atMost(
        'RSS of the gateway per recorded call held, without rings, KiB',
        kibPerCallWithoutRings,
        TARGET_KIB,
      ),
    ],
  };
}

async function read(gateway: ProbedGateway, calls: number): Promise<MemoryReading> {
  const heaps = await gateway.collect();
  return { calls, memory: processMemory(gateway.pid), heaps };
}

async function established(srs: LightSrs, wanted: number): Promise<void> {
  const deadlineMs = performance.now() + SET_UP_DEADLINE_MS;
  for (;;) {
    const { established: count } = await srs.counts();
    if (count >= wanted) {
      return;
    }
    if (performance.now() > deadlineMs) {
      throw new Error(`${wanted - count} of the recorded calls were not set up`);
    }
    await sleep(200);
  }
}

function sleep(ms: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, ms));
}
