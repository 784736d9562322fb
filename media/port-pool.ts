import { type Clock } from '#core';

export interface PortPoolOptions {
  /** First and last usable port, both included. */
  readonly portMin: number;
  readonly portMax: number;
  /** How long the ports of an ended stream rest, so that late packets never reach the next call, ms. */
  readonly quarantineMs: number;
  readonly clock: Clock;
  /** Uniform in [0, 1); where in the range the pool begins. */
  readonly random?: () => number;
}

/** How long a pair that another program holds is left alone, ms. */
const BUSY_MS = 5000;

/**
 * The RTP/RTCP port pairs of one bind address: RTP even, RTCP the odd port above (RFC 3550 §11). Pairs are handed out
 * round robin from a random start, so that a pair rests as long as possible, and a restarted process does not meet
 * the packets of its predecessor's calls.
 */
export class PortPool {
  /** Pairs in the range. */
  readonly pairs: number;
  readonly #firstPort: number;
  readonly #quarantineMs: number;
  readonly #clock: Clock;
  readonly #free: number[];
  readonly #resting: { readonly pair: number; readonly untilMs: number }[] = [];

  constructor(options: PortPoolOptions) {
    this.#firstPort = options.portMin + (options.portMin % 2);
    this.pairs = Math.max(0, Math.floor((options.portMax - this.#firstPort + 1) / 2));
    this.#quarantineMs = options.quarantineMs;
    this.#clock = options.clock;
    const start = Math.floor((options.random ?? Math.random)() * this.pairs);
    this.#free = Array.from({ length: this.pairs }, (_, i) => (start + i) % this.pairs);
  }

  /** @returns a pair's number, 0…{@link pairs} − 1, or null when every pair is in use or rests. */
  acquire(): number | null {
    this.#wakeRested();
    return this.#free.shift() ?? null;
  }

  /** The pair is closed; it rests before it is handed out again. */
  release(pair: number): void {
    this.#rest(pair, this.#quarantineMs);
  }

  /** Another program holds a port of this acquired pair. */
  markBusy(pair: number): void {
    this.#rest(pair, BUSY_MS);
  }

  /** The even port of a pair. */
  rtpPort(pair: number): number {
    return this.#firstPort + 2 * pair;
  }

  /** Pairs that could be handed out now. */
  get freePairs(): number {
    this.#wakeRested();
    return this.#free.length;
  }

  /** Ports (not pairs) handed out or resting. */
  get portsInUse(): number {
    this.#wakeRested();
    return 2 * (this.pairs - this.#free.length);
  }

  #rest(pair: number, restMs: number): void {
    const untilMs = this.#clock.monotonicMs() + restMs;
    let at = this.#resting.length;
    while (at > 0 && (this.#resting[at - 1]?.untilMs ?? 0) > untilMs) {
      at--;
    }
    this.#resting.splice(at, 0, { pair, untilMs });
  }

  #wakeRested(): void {
    const nowMs = this.#clock.monotonicMs();
    let rested = 0;
    for (const { pair, untilMs } of this.#resting) {
      if (untilMs > nowMs) {
        break;
      }
      this.#free.push(pair);
      rested++;
    }
    this.#resting.splice(0, rested);
  }
}
