import { type InfoFacts } from '../ports';

/** A key that was pressed, as an INFO tells it. */
export interface DtmfInfo {
  /** `0`–`9`, `*`, `#` or `A`–`D`. */
  readonly digit: string;
  /** 1 to 60 000. */
  readonly durationMs: number;
}

/** What a switch plays for a key whose duration nobody stated. */
const DEFAULT_DURATION_MS = 160;
const MAX_DURATION_MS = 60_000;
/** The events of RFC 4733 §3.2 that are keys; some phones send the number of the event instead of the key. */
const EVENT_DIGITS = '0123456789*#ABCD';

/**
 * Reads DTMF from an INFO: `application/dtmf-relay` (`Signal=5`, `Duration=160`, one per line, spaces anywhere) or
 * `application/dtmf` (the digit alone).
 * @returns null for any other body, a digit that is none, or a duration that is not 1 to 60 000 ms
 */
export function readDtmfInfo(info: Pick<InfoFacts, 'contentType' | 'body'>): DtmfInfo | null {
  const mediaType = info.contentType?.split(';', 1)[0]?.trim().toLowerCase();
  if (info.body.length > 256) {
    return null;
  }
  if (mediaType === 'application/dtmf') {
    const digit = digitOf(info.body);
    return digit === null ? null : { digit, durationMs: DEFAULT_DURATION_MS };
  }
  if (mediaType !== 'application/dtmf-relay') {
    return null;
  }
  const digit = digitOf(field(info.body, 'signal') ?? '');
  const duration = field(info.body, 'duration');
  const durationMs = duration === null ? DEFAULT_DURATION_MS : Number(duration);
  return digit === null ||
    !Number.isInteger(durationMs) ||
    durationMs < 1 ||
    durationMs > MAX_DURATION_MS
    ? null
    : { digit, durationMs };
}

function field(body: string, name: string): string | null {
  const found = body
    .split(/\r\n|\n|\r/)
    .map(line => /^\s*([a-z]+)\s*=\s*(\S+)\s*$/i.exec(line))
    .find(match => match?.[1]?.toLowerCase() === name);
  return found?.[2] ?? null;
}

function digitOf(text: string): string | null {
  const trimmed = text.trim().toUpperCase();
  if (/^[0-9*#A-D]$/.test(trimmed)) {
    return trimmed;
  }
  return /^1[0-5]$/.test(trimmed) ? (EVENT_DIGITS[Number(trimmed)] ?? null) : null;
}
