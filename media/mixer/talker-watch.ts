import { type MixerHost } from './mixer-host';

/** Beyond two packet times, so that a single lost packet fills nothing in, ms. */
const SLACK_MS = 5;
/** A talker who fell silent at most so many packets ago is followed without a gap. */
const MAX_CATCH_UP_PACKETS = 5;
/** Longer than this is no talker waited for, packets: what is made then still follows without a gap. */
const MAX_PATIENCE_PACKETS = MAX_CATCH_UP_PACKETS - 1;
/** The longest packets that are made here, ms. */
export const MAX_PACKET_MS = 60;

/** Whether a leg's talker is heard, and when packets of our own are due because nobody is. Times are monotonic ms. */
export class TalkerWatch {
  /** Packets of our own take the talker's place. */
  isFilling = false;
  /** When the next of them is due. */
  slotDueMs = -Infinity;
  readonly #clock: MixerHost['clock'];
  #audioAtMs = -Infinity;
  #eventAtMs = -Infinity;
  #unmixableAtMs = -Infinity;
  /** How long a talker was away who then proved to be late, not silent; ms. */
  #latenessMs = 0;
  /** What came before we listened: whether somebody talks is known from the other leg only. */
  readonly #talkedAtMs: number;

  /** @param talkedAtMs when something came from the talker last; −Infinity: nobody talks. */
  constructor(clock: MixerHost['clock'], talkedAtMs: number) {
    this.#clock = clock;
    this.#talkedAtMs = talkedAtMs;
  }

  /** Audio that can be mixed into. */
  heardAudio(): void {
    this.#audioAtMs = this.#clock.nowMs;
    this.isFilling = false;
  }

  /** Audio that came when its place was taken. */
  heardTooLate(): void {
    this.#latenessMs = Math.max(this.#latenessMs, this.#clock.nowMs - this.#audioAtMs);
  }

  heardEvent(): void {
    this.#eventAtMs = this.#clock.nowMs;
    this.isFilling = false;
  }

  heardUnmixable(): void {
    this.#unmixableAtMs = this.#clock.nowMs;
  }

  /** What came last cannot be mixed into. */
  get isUnmixable(): boolean {
    return this.#unmixableAtMs > this.#audioAtMs;
  }

  /**
   * When packets of our own are due next. What was filled in too early costs the talker's words, which come after it:
   * after that, as long a time as the words were late is waited for.
   */
  dueMs(packetMs: number): number {
    if (this.isFilling) {
      return this.slotDueMs;
    }
    const heardAtMs = Math.max(this.#audioAtMs, this.#eventAtMs, this.#unmixableAtMs);
    if (heardAtMs === -Infinity) {
      return this.#talkedAtMs + 2 * MAX_PACKET_MS + SLACK_MS;
    }
    const patienceMs = Math.min(this.#latenessMs, MAX_PATIENCE_PACKETS * packetMs);
    return heardAtMs + Math.max(2 * packetMs, patienceMs) + SLACK_MS;
  }

  /** Packets of our own are due: finds the first one's place. @returns whether it follows what was heard without a gap. */
  fill(packetMs: number): boolean {
    const { nowMs } = this.#clock;
    if (!this.isFilling) {
      this.isFilling = true;
      const isContiguous =
        this.#audioAtMs > Math.max(this.#eventAtMs, this.#unmixableAtMs) &&
        nowMs - this.#audioAtMs <= MAX_CATCH_UP_PACKETS * packetMs;
      this.slotDueMs = isContiguous ? this.#audioAtMs + packetMs : nowMs;
      return isContiguous;
    }
    if (nowMs - this.slotDueMs > MAX_CATCH_UP_PACKETS * packetMs) {
      this.slotDueMs = nowMs;
      return false;
    }
    return true;
  }
}
