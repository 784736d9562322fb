/** The DTMF digits in the order of their RFC 4733 §3.2 event codes. */
const DIGITS = '0123456789*#ABCD';
/** Level of the tone in -dBm0 (RFC 4733 §2.3.3). */
const VOLUME = 10;

/** @returns the event code 0–15, or null for what is not a DTMF digit. */
export function eventOfDigit(digit: string): number | null {
  const index = DIGITS.indexOf(digit.toUpperCase());
  return digit.length === 1 && index >= 0 ? index : null;
}

/** The digit of an event code, or null for other events. */
export function digitOfEvent(event: number): string | null {
  return DIGITS[event] ?? null;
}

/** One RFC 4733 §2.3 payload. `duration` is in timestamp units, at most 65535. */
export function eventPayload(event: number, duration: number, isEnd: boolean): Buffer {
  const payload = Buffer.alloc(4);
  payload.writeUInt8(event, 0);
  payload.writeUInt8((isEnd ? 0x80 : 0) | VOLUME, 1);
  payload.writeUInt16BE(Math.min(duration, 0xffff), 2);
  return payload;
}

export interface TelephoneEvent {
  readonly digit: string | null;
  readonly duration: number;
  readonly isEnd: boolean;
}

/** Reads a payload. @returns null when it is too short. */
export function parseEvent(payload: Buffer): TelephoneEvent | null {
  if (payload.length < 4) {
    return null;
  }
  return {
    digit: digitOfEvent(payload.readUInt8(0)),
    duration: payload.readUInt16BE(2),
    isEnd: (payload.readUInt8(1) & 0x80) !== 0,
  };
}
