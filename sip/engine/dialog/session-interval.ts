import { type HeaderList, parseNumber, splitList } from '../message';

/** RFC 4028 §4: nobody may demand less than this many seconds. */
export const SMALLEST_INTERVAL_S = 90;

const LARGEST_INTERVAL_S = 0x7fff_ffff;

/** Who keeps a session alive, seen from one request: its sender (`uac`) or its receiver. */
export type Refresher = 'uac' | 'uas';

/** Session-Expires (RFC 4028 §4). */
export interface SessionExpires {
  readonly intervalS: number;
  readonly refresher: Refresher | null;
}

/** @returns null: there is no such header; `bad`: it cannot be read */
export function readSessionExpires(headers: HeaderList): SessionExpires | null | 'bad' {
  const value = headers.get('session-expires');
  if (value === null) {
    return null;
  }
  const [seconds = '', ...params] = splitList(value, ';');
  const intervalS = parseNumber(seconds, LARGEST_INTERVAL_S);
  if (intervalS === null || intervalS === 0) {
    return 'bad';
  }
  let refresher: Refresher | null = null;
  for (const param of params) {
    const given = /^refresher\s*=\s*(\S+)$/i.exec(param)?.[1]?.toLowerCase();
    if (given === 'uac' || given === 'uas') {
      refresher = given;
    }
  }
  return { intervalS, refresher };
}

/** Min-SE in seconds (§5); null: none, or not a number. */
export function readMinSe(headers: HeaderList): number | null {
  const [seconds = ''] = splitList(headers.get('min-se') ?? '', ';');
  return parseNumber(seconds, LARGEST_INTERVAL_S);
}

export function formatSessionExpires({ intervalS, refresher }: SessionExpires): string {
  return refresher === null ? String(intervalS) : `${intervalS};refresher=${refresher}`;
}

export function hasOption(
  headers: HeaderList,
  header: 'supported' | 'require',
  tag: string,
): boolean {
  return headers.getList(header).some(value => value.toLowerCase() === tag);
}

/** Adds an option tag to a header that may have it already. */
export function addOption(headers: HeaderList, name: 'Supported' | 'Require', tag: string): void {
  const tags = headers.getList(name);
  if (!tags.some(value => value.toLowerCase() === tag)) {
    headers.set(name, [...tags, tag].join(', '));
  }
}

/**
 * What our 2xx says about a session interval (RFC 4028 §9, table 2).
 * @param asked of the request; @param given what the application put into its answer
 * @param peerSupports the request has `Supported: timer`
 * @returns null: no session timer
 */
export function answerSessionExpires(
  asked: SessionExpires | null,
  given: SessionExpires | null,
  peerSupports: boolean,
): SessionExpires | null {
  const chosen = given ?? asked;
  if (chosen === null) {
    return null;
  }
  // A peer that does not know session timers cannot refresh; and its choice must not be overridden.
  const refresher = peerSupports ? (asked?.refresher ?? given?.refresher ?? 'uac') : 'uas';
  const intervalS = asked === null ? chosen.intervalS : Math.min(chosen.intervalS, asked.intervalS);
  return { intervalS, refresher };
}
