import { type PayloadFormat } from '#core';

const PAYLOAD_TYPES = 128;
const DEFAULT_CLOCK_RATE_HZ = 8000;
/** Tables are kept for so many different sets of formats; a hostile peer cannot make them more. */
const MAX_TABLES = 256;

/** Static payload types of RFC 3551 §6 whose clock is not 8000 Hz. Unassigned ones are left at 0. */
const STATIC_CLOCK_RATES_HZ: Readonly<Record<number, number>> = {
  6: 16_000,
  10: 44_100,
  11: 44_100,
  14: 90_000,
  16: 11_025,
  17: 22_050,
  25: 90_000,
  26: 90_000,
  28: 90_000,
  31: 90_000,
  32: 90_000,
  33: 90_000,
  34: 90_000,
};
const LAST_STATIC_AUDIO = 18;

/**
 * Calls share few sets of formats: sharing their tables keeps those in the processor's cache, where a table of its
 * own for each leg would not stay.
 */
export class TableCache<T> {
  readonly #tables = new Map<string, T>();
  readonly #build: (formats: readonly PayloadFormat[]) => T;
  readonly #keyOf: (format: PayloadFormat) => string;

  /** @param keyOf what of a format the table depends on. */
  constructor(
    build: (formats: readonly PayloadFormat[]) => T,
    keyOf: (format: PayloadFormat) => string,
  ) {
    this.#build = build;
    this.#keyOf = keyOf;
  }

  get(formats: readonly PayloadFormat[]): T {
    const key = formats.map(this.#keyOf).join('/');
    let table = this.#tables.get(key);
    if (table === undefined) {
      table = this.#build(formats);
      if (this.#tables.size < MAX_TABLES) {
        this.#tables.set(key, table);
      }
    }
    return table;
  }
}

const typeAndRate = (format: PayloadFormat): string =>
  `${format.payloadType} ${format.clockRateHz}`;

const clockRateTables = new TableCache(formats => {
  const rates = new Uint32Array(PAYLOAD_TYPES);
  rates.fill(DEFAULT_CLOCK_RATE_HZ, 0, LAST_STATIC_AUDIO + 1);
  for (const [payloadType, rateHz] of Object.entries(STATIC_CLOCK_RATES_HZ)) {
    rates[Number(payloadType)] = rateHz;
  }
  for (const { payloadType, clockRateHz } of formats) {
    if (clockRateHz > 0) {
      rates[payloadType] = clockRateHz;
    }
  }
  return rates;
}, typeAndRate);

const acceptanceTables = new TableCache(formats => {
  const accepted = new Uint8Array(PAYLOAD_TYPES).fill(formats.length === 0 ? 1 : 0);
  for (const { payloadType } of formats) {
    accepted[payloadType] = 1;
  }
  return accepted;
}, typeAndRate);

/**
 * Clock rate in Hz by payload type: the agreed formats over the static ones of RFC 3551 §6; 0 for a payload type
 * that nobody named. Shared: not to be changed.
 */
export function clockRateTable(formats: readonly PayloadFormat[]): Uint32Array {
  return clockRateTables.get(formats);
}

/** 1 for each payload type among the formats; all of them when the formats are not known. Shared as well. */
export function acceptanceTable(formats: readonly PayloadFormat[]): Uint8Array {
  return acceptanceTables.get(formats);
}

const formatLists = new TableCache(
  formats => formats,
  format => JSON.stringify(format),
);

/** The same formats, but one list of them for all who have agreed on them: each message brings a copy of its own. */
export function sharedFormats(formats: readonly PayloadFormat[]): readonly PayloadFormat[] {
  return formatLists.get(formats);
}
