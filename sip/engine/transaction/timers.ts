/** The base timers of RFC 3261 §17.1.1.1, in milliseconds. All others follow from them (table 4). */
export interface TimerValues {
  /** Round-trip estimate: the first retransmission; 64 of them are the patience of a transaction. */
  readonly t1Ms: number;
  /** Longest gap between retransmissions. */
  readonly t2Ms: number;
  /** How long a message stays in the network. */
  readonly t4Ms: number;
}

export const DEFAULT_TIMERS: TimerValues = { t1Ms: 500, t2Ms: 4000, t4Ms: 5000 };

/** How long a transaction waits for its peer: timers B, F, H, J, L, M (and D, at least 32 s on UDP). */
export function patienceMs(timers: TimerValues): number {
  return 64 * timers.t1Ms;
}
