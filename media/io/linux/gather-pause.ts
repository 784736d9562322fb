/** How many packets make a round worth its system calls and its wake-up. */
const WANTED_PACKETS = 12;
/** Fewer are not waited for: the next packet is far away, and epoll wakes the loop at once. */
const WORTHWHILE_PACKETS = 2;
/** What a packet may be delayed by it at most, µs. */
const MAX_PAUSE_US = 400;
/** Over which the rate of packets is averaged, ms. */
const RATE_WINDOW_MS = 20;

/**
 * Moderates wake-ups as a network card moderates its interrupts. A loop that sleeps until the next packet comes is woken
 * tens of thousands of times per second, and a wake-up costs more than relaying a packet. So, while packets come
 * densely, the loop rests between rounds until about {@link WANTED_PACKETS} have gathered, and never longer than
 * {@link MAX_PAUSE_US}. A loop with little to do, or one that is behind, does not rest.
 */
export class GatherPause {
  #perMs = 0;
  #packets = 0;
  #windowAtMs = 0;

  /**
   * Called after each round.
   *
   * @param packets that the round had.
   * @param nowMs when the round began, monotonic.
   * @returns how long to rest, µs; 0: not at all.
   */
  after(packets: number, nowMs: number): number {
    this.#packets += packets;
    const elapsedMs = nowMs - this.#windowAtMs;
    if (elapsedMs >= RATE_WINDOW_MS) {
      this.#perMs = this.#packets / elapsedMs;
      this.#packets = 0;
      this.#windowAtMs = nowMs;
    }
    if (packets >= WANTED_PACKETS || this.#perMs === 0) {
      return 0;
    }
    const pauseUs = Math.min(MAX_PAUSE_US, Math.round((1000 * WANTED_PACKETS) / this.#perMs));
    return (pauseUs * this.#perMs) / 1000 < WORTHWHILE_PACKETS ? 0 : pauseUs;
  }
}
