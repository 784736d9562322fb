import { unfold } from './name-addr';
import { type HangUpCause } from './ports';

/** A Reason header (RFC 3326) for something that the gateway decided. */
export function reasonOf(cause: HangUpCause): string {
  return `SIP;cause=${cause.status};text="${quotable(cause.text)}"`;
}

/** A Warning header (RFC 3261 §20.43). 399 is the code for anything not listed there. */
export function warningOf(code: 304 | 305 | 399, text: string): string {
  return `${code} siprec-gateway "${quotable(text)}"`;
}

/** The Reason header of a message for the other side, on one line; null without one. */
export function reasonFrom(message: { get(name: string): string | undefined }): string | null {
  const value = message.get('reason');
  return value === undefined ? null : unfold(value).slice(0, 1_024);
}

/** `{Reason: …}` or nothing, for spreading into headers. */
export function reasonHeaders(reason: string | null): Record<string, string> {
  return reason === null ? {} : { Reason: reason };
}

function quotable(text: string): string {
  return text.replace(/[^ !#-[\]-~]/g, ' ').slice(0, 200);
}
