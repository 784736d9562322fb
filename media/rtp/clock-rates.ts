import { type PayloadFormat } from '#core';

const PAYLOAD_TYPES = 128;
const DEFAULT_CLOCK_RATE_HZ = 8000;

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
 * Clock rate in Hz by payload type: the agreed formats over the static ones of RFC 3551 §6; 0 for a payload
 * type that nobody named.
 */
export function clockRateTable(formats: readonly PayloadFormat[]): Uint32Array {
  const rates = new Uint32Array(PAYLOAD_TYPES);
  rates.fill(DEFAULT_CLOCK_RATE_HZ, 0, LAST_STATIC_AUDIO + 1);
  for (const [payloadType, rateHz] of Object.entries(STATIC_CLOCK_RATES_HZ)) {
    rates[Number(payloadType)] = rateHz;
  }
  for (const format of formats) {
    if (format.payloadType >= 0 && format.payloadType < PAYLOAD_TYPES && format.clockRateHz > 0) {
      rates[format.payloadType] = format.clockRateHz;
    }
  }
  return rates;
}
