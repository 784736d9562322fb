import { type LegState } from './leg-state';
import { type PacketLoop } from './packet-loop';
import { type WorkerEvent } from './protocol';

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

  /** @param mediaTimeoutMs 0: legs may be silent for ever. */
  constructor(loop: TimedLoop, mediaTimeoutMs: number, emit: (event: WorkerEvent) => void) {
    this.#loop = loop;
    this.#mediaTimeoutMs = mediaTimeoutMs;
    this.#emit = emit;
  }

  /** Does what is due. */
  service(nowMs: number): void {
    const wallMs = Date.now();
    const { dueAtMs } = this.#loop.table;
    for (let slot = 0; slot < dueAtMs.length; slot++) {
      if ((dueAtMs[slot] ?? Infinity) > nowMs) {
        continue;
      }
      const leg = this.#loop.legs[slot];
      const stream = this.#loop.streams[slot];
      if (leg) {
        const reportAtMs = this.#loop.reporter.reportToLeg(leg, nowMs, wallMs);
        dueAtMs[slot] = Math.min(reportAtMs, this.#watchSilence(leg, nowMs));
      } else {
        dueAtMs[slot] = stream ? this.#loop.reporter.reportToSrs(stream, nowMs) : Infinity;
      }
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
