import { MetadataError } from './errors';

const MINUTE_MS = 60_000;
/** The largest offset of xs:dateTime, in minutes. */
const MAX_OFFSET_MINUTES = 14 * 60;
const FIRST_MS = Date.parse('0001-01-01T00:00:00.000Z');
const LAST_MS = Date.parse('9999-12-31T23:59:59.999Z');

const DATE_TIME =
  /^(\d{4})-(\d{2})-(\d{2})T(\d{2}):(\d{2}):(\d{2})(?:\.(\d{1,12}))?(?:Z|([+-])(\d{2}):(\d{2}))$/;

/**
 * A point in time as xs:dateTime in the form of RFC 3339 (RFC 7865 §6.9): milliseconds always, `T` and `Z` in
 * upper case.
 *
 * @param epochMs milliseconds since the epoch, in the years 1 to 9999; fractions are cut off.
 * @param utcOffsetMinutes east positive, -840 to 840; 0 writes `Z`.
 * @throws MetadataError `REC_ERR_METADATA_TIME` out of range.
 */
export function formatDateTime(epochMs: number, utcOffsetMinutes = 0): string {
  const localMs = Math.floor(epochMs) + utcOffsetMinutes * MINUTE_MS;
  const isOffset =
    Number.isInteger(utcOffsetMinutes) && Math.abs(utcOffsetMinutes) <= MAX_OFFSET_MINUTES;
  if (!isOffset || !isExpressible(epochMs) || !isExpressible(localMs)) {
    throw new MetadataError(
      'REC_ERR_METADATA_TIME',
      `no xs:dateTime for ${epochMs} ms with offset ${utcOffsetMinutes} minutes`,
    );
  }
  const local = new Date(localMs).toISOString();
  if (utcOffsetMinutes === 0) {
    return local;
  }
  const minutes = Math.abs(utcOffsetMinutes);
  const sign = utcOffsetMinutes < 0 ? '-' : '+';
  return `${local.slice(0, -1)}${sign}${twoDigits(Math.trunc(minutes / 60))}:${twoDigits(minutes % 60)}`;
}

/**
 * Strict reading of RFC 3339 as far as xs:dateTime agrees: an offset is compulsory, upper case, no leap second.
 * Digits below the millisecond are cut off. @returns milliseconds since the epoch, or null.
 */
export function parseDateTime(text: string): number | null {
  const match = DATE_TIME.exec(text);
  if (match === null) {
    return null;
  }
  const [, year, month, day, hour, minute, second, fraction, sign, offsetHours, offsetMinutes] =
    match;
  const date = new Date(0);
  date.setUTCFullYear(Number(year), Number(month) - 1, Number(day));
  const offset = Number(offsetHours ?? 0) * 60 + Number(offsetMinutes ?? 0);
  const isCalendarDate =
    date.getUTCMonth() === Number(month) - 1 && date.getUTCDate() === Number(day);
  if (
    !isCalendarDate ||
    Number(year) === 0 ||
    Number(hour) > 23 ||
    Number(minute) > 59 ||
    Number(second) > 59 ||
    Number(offsetMinutes ?? 0) > 59 ||
    offset > MAX_OFFSET_MINUTES
  ) {
    return null;
  }
  const clockMs = (Number(hour) * 60 + Number(minute)) * MINUTE_MS + Number(second) * 1000;
  const fractionMs = Number((fraction ?? '').padEnd(3, '0').slice(0, 3));
  return date.getTime() + clockMs + fractionMs - (sign === '-' ? -offset : offset) * MINUTE_MS;
}

/**
 * What SRCs also send: lower-case letters, a blank for `T`, `+0200`, or no offset at all (then read as UTC).
 * @returns milliseconds since the epoch, or null.
 */
export function parseLenientDateTime(text: string): number | null {
  const upper = text
    .trim()
    .toUpperCase()
    .replace(/^(\S{10}) /, '$1T');
  const colon = upper.replace(/([+-]\d{2})(\d{2})$/, '$1:$2');
  return parseDateTime(colon) ?? parseDateTime(`${upper}Z`);
}

/** Whether xs:dateTime with a four-digit year can express the instant. */
export function isExpressible(epochMs: number): boolean {
  return epochMs >= FIRST_MS && epochMs <= LAST_MS;
}

function twoDigits(value: number): string {
  return String(value).padStart(2, '0');
}
