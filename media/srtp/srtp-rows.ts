import { type CipherHandle } from './crypto-backend';
import { LINE_WORDS, ownRow, type StateRow } from '../rtp/state-row';

/**
 * What packets of one kind (RTP or RTCP) in one direction are protected with, in words. The first line is the keys, the
 * second the packet index of the first source: nearly always of the only one.
 */
export const SRTP_ROW = {
  /** 4 words: see initial-vector. */
  salt: 0,
  /** {@link HMAC_WORDS} that are the crypto backend's. */
  hmac: 4,
  /** A double: the crypto backend's handle of the cipher. */
  cipher: 14,
  /** {@link INDEX_WORDS} of the packet index. */
  index: LINE_WORDS,
  /** Of the suite. */
  tagBytes: LINE_WORDS + 6,
  /** 1 for AES-GCM, 0 for AES in counter mode with an HMAC. */
  isAead: LINE_WORDS + 7,
} as const;

const ROW_WORDS = 2 * LINE_WORDS;
const DEFAULT_ROWS = 256;

/** The handle of the cipher in a row. */
export function cipherOf({ doubles, at }: StateRow): CipherHandle {
  return doubles[(at + SRTP_ROW.cipher) >> 1] ?? 0;
}

/** Where a row keeps the packet index of the first source. */
export function indexOf(row: StateRow): StateRow {
  return { ...row, at: row.at + SRTP_ROW.index };
}

/** Rows of one thread, in one stretch of memory (see state-row). */
export class SrtpRows {
  readonly words: Int32Array;
  readonly doubles: Float64Array;
  /** Free rows, by number. */
  readonly #free: number[] = [];
  readonly #count: number;
  #used = 0;

  /** @param count of rows that lie together; there may be more, each by itself. Memory that is not used costs nothing. */
  constructor(count = DEFAULT_ROWS) {
    const buffer = new ArrayBuffer(4 * ROW_WORDS * count);
    this.words = new Int32Array(buffer);
    this.doubles = new Float64Array(buffer);
    this.#count = count;
  }

  /** A row of zeros. */
  take(): StateRow {
    const number = this.#free.pop() ?? (this.#used < this.#count ? this.#used++ : -1);
    return number < 0
      ? ownRow(ROW_WORDS)
      : { words: this.words, doubles: this.doubles, at: number * ROW_WORDS };
  }

  /** Forgets the keys in a row. */
  give({ words, at }: StateRow): void {
    words.fill(0, at, at + ROW_WORDS);
    if (words === this.words) {
      this.#free.push(at / ROW_WORDS);
    }
  }

  /** Where the row of a number begins. */
  static at(number: number): number {
    return (number - 1) * ROW_WORDS;
  }

  /** @returns 1 and up; 0: the row lies by itself. */
  numberOf({ words, at }: StateRow): number {
    return words === this.words ? at / ROW_WORDS + 1 : 0;
  }
}
