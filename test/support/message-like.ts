import { type MessageLike } from '../../sip/srf-types';

/** A message as drachtio-srf shows it: names in lower case but for X-…, several values joined by commas. */
export function messageLike(headers: Readonly<Record<string, string>>, body = ''): MessageLike {
  const find = (name: string): string | undefined =>
    Object.entries(headers).find(([each]) => each.toLowerCase() === name.toLowerCase())?.[1];
  return { headers, body, get: find, has: name => find(name) !== undefined };
}
