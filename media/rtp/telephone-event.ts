/**
 * The payload of telephone events (RFC 4733 §2.3), four bytes:
 *
 * ```text
 *  0                   1                   2                   3
 *  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |     event     |E|R| volume    |          duration             |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * ```
 */

export const EVENT_BYTES = 4;
/** The longest duration that one packet can tell, in timestamp units. */
export const MAX_EVENT_UNITS = 0xffff;

const DIGITS = '0123456789*#ABCD';

/** The key of an event code (RFC 4733 §3.2); null for any other event. */
export function digitOf(code: number): string | null {
  return DIGITS[code] ?? null;
}

/** Writes one event payload. @param volume 0–63, as −dBm0. @param units 0–65535. */
export function writeEvent(
  bytes: Uint8Array,
  at: number,
  code: number,
  isEnd: boolean,
  volume: number,
  units: number,
): void {
  bytes[at] = code;
  bytes[at + 1] = (isEnd ? 0x80 : 0) | (volume & 0x3f);
  bytes[at + 2] = (units >> 8) & 0xff;
  bytes[at + 3] = units & 0xff;
}
