import { type LegState } from './leg-state';
import { type PacketLoop } from './packet-loop';
import { type WorkerEvent } from './protocol';

/** How often they are looked at, ms. */
const INTERVAL_MS = 100;
/**
 * Slots that are served at a time: a report costs 15 µs and more, packets wait meanwhile, and calls that began together
 * want their reports together.
 */
export const MAX_SERVED_AT_A_TIME = 16;

/** What the timers look at. */
type TimedLoop = Pick<PacketLoop, 'table' | 'legs' | 'streams' | 'reporter'>;

/**
 * What time alone brings about for legs and recording streams: reports, and that a leg has fallen silent. Only what
 * is due is looked at: when that is stands in one array for all slots, because the objects of hundreds of calls are
 * not in the cache.
 */
export class SlotTimers {
  readonly #loop: TimedLoop;
  readonly #mediaTimeoutMs: number;
  readonly #emit: (event: WorkerEvent) => void;
  /** Where looking goes on. */
  #nextSlot = 0;

  /** @param mediaTimeoutMs 0: legs may be silent for ever. */
  constructor(loop: TimedLoop, mediaTimeoutMs: number, emit: (event: WorkerEvent) => void) {
    this.#loop = loop;
    this.#mediaTimeoutMs = mediaTimeoutMs;
    this.#emit = emit;
  }

  /** Does what is due, or a part of it. @returns when it wants to be called again, monotonic ms. */
  service(nowMs: number): number {
    const wallMs = Date.now();
    const { dueAtMs } = this.#loop.table;
    let served = 0;
    for (; this.#nextSlot < dueAtMs.length; this.#nextSlot++) {
      if ((dueAtMs[this.#nextSlot] ?? Infinity) > nowMs) {
        continue;
      }
      if (served === MAX_SERVED_AT_A_TIME) {
        return nowMs;
      }
      this.#serve(this.#nextSlot, nowMs, wallMs);
      served++;
    }
    this.#nextSlot = 0;
    return nowMs + INTERVAL_MS;
  }

  #serve(slot: number, nowMs: number, wallMs: number): void {
    const { table, legs, streams, reporter } = this.#loop;
    const leg = legs[slot];
    const stream = streams[slot];
    if (leg) {
      const reportAtMs = reporter.reportToLeg(leg, nowMs, wallMs);
      table.dueAtMs[slot] = Math.min(reportAtMs, this.#watchSilence(leg, nowMs));
    } else {
      table.dueAtMs[slot] = stream ? reporter.reportToSrs(stream, nowMs) : Infinity;
    }
  }

  /** Tells of a leg that sends nothing. @returns when it may be silent for too long, monotonic ms. */
  #watchSilence(leg: LegState, nowMs: number): number {
    const timeoutMs = this.#mediaTimeoutMs;
    if (!leg.sends || timeoutMs === 0 || leg.hasTimedOut) {
      return Infinity;
    }
    const timeoutAtMs = leg.lastRtpAtMs + timeoutMs;
    if (nowMs <= timeoutAtMs) {
      return timeoutAtMs;
    }
    leg.hasTimedOut = true;
    leg.unsettle();
    this.#emit({ kind: 'timed-out', slot: leg.slot });
    return Infinity;
  }
}
