import { atMost, type Target } from '../result';
import { significant, slope } from '../statistics';
import { type ThreadName } from './reading';

/** The gateway at one moment of a soak. */
export interface SoakSample {
  readonly atS: number;
  /** Calls begun so far. */
  readonly calls: number;
  /** Before the collection. A sawtooth of garbage: shown, not judged. */
  readonly rssKiB: number;
  /** Objects and array buffers of all threads that a full collection has left. */
  readonly keptKiB: number;
  /** Of that, the objects by thread. */
  readonly heapsKiB: Readonly<Record<ThreadName, number>>;
  /** After the collection: resident memory that is neither a place in a heap nor a ring nor the program. */
  readonly nativeKiB: number;
  readonly handles: number;
  readonly eventLoopDelayP99Ms: number;
  readonly packets: number;
  readonly missing: number;
}

export interface SoakSlopes {
  /** How many samples were looked at. */
  readonly samples: number;
  readonly keptBytesPerCall: number;
  readonly nativeKiBPerMinute: number;
  /** Beside the verdict: it follows the moments of V8's collections. */
  readonly rssKiBPerMinute: number;
  readonly handlesPerMinute: number;
  readonly eventLoopDelayMsPerMinute: number;
}

/**
 * After the calls that warm the gateway up before the soak: until then their SIP transactions end, and those of the
 * first calls have not ended; growth that ends by itself.
 */
export const WARM_UP_S = 90;
/** Fewer say too little. */
const MIN_SAMPLES = 10;
/**
 * V8 goes on compiling for long: 860 bytes per call after the warm-up, 270 five minutes later, were seen without a
 * leak. A call that stayed would be 60 KiB, one of its dialogs or timers about 1 KiB. Less needs a longer soak.
 */
const KEPT_LIMIT_BYTES = 512;
/** The allocator of C gives memory back late, in pieces. */
const NATIVE_LIMIT_KIB = 256;

/**
 * Slopes over the later half of the samples after the warm-up: medians of the slopes between all pairs, so that no
 * single one decides.
 */
export function soakSlopes(samples: readonly SoakSample[]): SoakSlopes {
  const warm = samples.filter(({ atS }) => atS >= WARM_UP_S);
  const settled = warm.slice(Math.floor(warm.length / 2));
  const per = (
    unit: (sample: SoakSample) => number,
    value: (sample: SoakSample) => number,
  ): number => significant(slope(settled.map(each => [unit(each), value(each)] as const)));
  const minute = ({ atS }: SoakSample): number => atS / 60;
  return {
    samples: settled.length,
    keptBytesPerCall: per(
      ({ calls }) => calls,
      ({ keptKiB }) => keptKiB * 1024,
    ),
    nativeKiBPerMinute: per(minute, ({ nativeKiB }) => nativeKiB),
    rssKiBPerMinute: per(minute, ({ rssKiB }) => rssKiB),
    handlesPerMinute: per(minute, ({ handles }) => handles),
    eventLoopDelayMsPerMinute: per(minute, ({ eventLoopDelayP99Ms }) => eventLoopDelayP99Ms),
  };
}

/** The verdict on a soak; none when too few samples are left after the warm-up. */
export function soakTargets(slopes: SoakSlopes, lossPct: number): Target[] {
  const reason =
    slopes.samples >= MIN_SAMPLES
      ? undefined
      : `${slopes.samples} samples in the later half after ${WARM_UP_S} s of warm-up: ${MIN_SAMPLES} are needed`;
  const judged = (name: string, value: number, limit: number): Target =>
    atMost(name, reason === undefined ? value : null, limit, reason);
  return [
    judged(
      'soak, objects left by a collection, bytes per call',
      slopes.keptBytesPerCall,
      KEPT_LIMIT_BYTES,
    ),
    judged(
      'soak, memory outside heaps after a collection, KiB per minute',
      slopes.nativeKiBPerMinute,
      NATIVE_LIMIT_KIB,
    ),
    judged('soak, handles slope, per minute', slopes.handlesPerMinute, 0.5),
    judged('soak, event-loop delay slope, ms per minute', slopes.eventLoopDelayMsPerMinute, 1),
    atMost('soak, packets missing at the recorder, %', lossPct, 0.01),
  ];
}
