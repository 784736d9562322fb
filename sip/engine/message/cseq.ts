import { isToken, parseNumber } from './grammar';

export interface CSeq {
  /** 0 … 2^31-1 (RFC 3261 §8.1.1.5). */
  readonly number: number;
  readonly method: string;
}

export function parseCSeq(text: string | null): CSeq | null {
  const match = /^(\d+)\s+(\S+)$/.exec(text?.trim() ?? '');
  if (match?.[1] === undefined || match[2] === undefined || !isToken(match[2])) {
    return null;
  }
  const number = parseNumber(match[1], 0x7fff_ffff);
  return number === null ? null : { number, method: match[2] };
}
