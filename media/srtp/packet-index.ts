import { ownRow, type StateRow } from '../rtp/state-row';

/** Packets that may come late and are still told from replays; 64 at least (RFC 3711 §3.3.2). Divides 65536. */
export const REPLAY_WINDOW = 128;
const HALF = 0x8000;

/**
 * The packet index of one source, as words of a row: the highest rollover counter and sequence number so far, and the
 * sliding window of those that were seen (RFC 3711 §3.3.2), one bit per index modulo the window. SRTCP's explicit index
 * is kept by the same window, its upper half as the rollover counter.
 */
export const INDEX_WORDS = 6;
const HIGHEST_ROC = 0;
/** The sequence number, and {@link STARTED} above it. */
const HIGHEST = 1;
const SEEN = 2;
const STARTED = 0x1_0000;

/**
 * The rollover counter that a sequence number most likely belongs to (RFC 3711 §3.3.1 and appendix A). The first packet of
 * a source has zero (RFC 4568 §6.4).
 *
 * @returns −1 for a packet from before the first one, which has no index.
 */
export function estimateRoc(words: Int32Array, at: number, sequence: number): number {
  const roc = words[at + HIGHEST_ROC] ?? 0;
  const highest = words[at + HIGHEST] ?? 0;
  if ((highest & STARTED) === 0) {
    return roc;
  }
  const highestSequence = highest & 0xffff;
  if (highestSequence < HALF) {
    return sequence - highestSequence > HALF ? roc - 1 : roc;
  }
  return highestSequence - HALF > sequence ? roc + 1 : roc;
}

/** Whether an index can be taken: neither seen before nor older than the window. */
export function isNewIndex(words: Int32Array, at: number, roc: number, sequence: number): boolean {
  const ahead = aheadOf(words, at, roc, sequence);
  if (ahead > 0) {
    return true;
  }
  const bit = sequence % REPLAY_WINDOW;
  const word = words[at + SEEN + (bit >> 5)] ?? 0;
  return ahead > -REPLAY_WINDOW && ((word >>> (bit & 31)) & 1) === 0;
}

/** The packet was authentic. {@link isNewIndex} has been asked before. */
export function acceptIndex(words: Int32Array, at: number, roc: number, sequence: number): void {
  const ahead = aheadOf(words, at, roc, sequence);
  if (ahead >= REPLAY_WINDOW) {
    words.fill(0, at + SEEN, at + INDEX_WORDS);
  } else {
    for (let i = 1; i < ahead; i++) {
      mark(words, at, sequence - i + 0x1_0000, false);
    }
  }
  if (ahead > 0) {
    words[at + HIGHEST_ROC] = roc;
    words[at + HIGHEST] = sequence | STARTED;
  }
  mark(words, at, sequence, true);
}

/** Takes an accepted index back: the packet was not sent and will be made again. */
export function retractIndex(words: Int32Array, at: number, sequence: number): void {
  mark(words, at, sequence, false);
}

/** How many packets after the highest one this one is; before the first one, all of them are far ahead. */
function aheadOf(words: Int32Array, at: number, roc: number, sequence: number): number {
  const highest = words[at + HIGHEST] ?? 0;
  return (highest & STARTED) === 0
    ? REPLAY_WINDOW
    : (roc - (words[at + HIGHEST_ROC] ?? 0)) * 0x1_0000 + sequence - (highest & 0xffff);
}

function mark(words: Int32Array, at: number, sequence: number, isSeen: boolean): void {
  const bit = sequence % REPLAY_WINDOW;
  const place = at + SEEN + (bit >> 5);
  const mask = 1 << (bit & 31);
  const word = words[place] ?? 0;
  words[place] = isSeen ? word | mask : word & ~mask;
}

/** The sources of a stream that are known; more than these are forgotten, oldest first. */
const MAX_SOURCES = 8;

/** One packet index per SSRC. Only authentic packets make a source known. */
export class SourceTable {
  readonly #indexes = new Map<number, StateRow>();
  readonly #first: StateRow;
  #lastSsrc = 0;
  #last: StateRow | null = null;
  #candidate: StateRow;

  /** @param first where the index of the first source is kept: {@link INDEX_WORDS} zeros. */
  constructor(first: StateRow) {
    this.#first = first;
    this.#candidate = first;
  }

  /** The index of a source, or a fresh one that {@link adopt} keeps. */
  find(ssrc: number): StateRow {
    if (this.#last !== null && ssrc === this.#lastSsrc) {
      return this.#last;
    }
    const known = this.#indexes.get(ssrc);
    if (known === undefined) {
      const { words, at } = this.#candidate;
      words.fill(0, at, at + INDEX_WORDS);
      return this.#candidate;
    }
    this.#last = known;
    this.#lastSsrc = ssrc;
    return known;
  }

  /** What {@link find} gave belongs to this source from now on. */
  adopt(ssrc: number, index: StateRow): void {
    if (index !== this.#candidate) {
      return;
    }
    const [oldest] = this.#indexes.keys();
    if (this.#indexes.size >= MAX_SOURCES && oldest !== undefined) {
      this.#indexes.delete(oldest);
    }
    this.#indexes.set(ssrc, index);
    this.#last = index;
    this.#lastSsrc = ssrc;
    this.#candidate = ownRow(INDEX_WORDS);
  }

  /** Whether this source was the first, so that its index is where the constructor was told. */
  isFirst(ssrc: number): boolean {
    return this.#indexes.get(ssrc) === this.#first;
  }
}
