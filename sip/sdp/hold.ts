import { type LocalEndpoint } from '#core';
import { connectionLine } from './sdp-origin';
import { type SessionDescription, statedDirection } from './session-description';

/** A description as its writer would have it without any hold (RFC 3264 §8.4). Pure. */
export function withoutHold(
  description: SessionDescription,
  local: LocalEndpoint,
): SessionDescription {
  const free = (lines: readonly string[]): readonly string[] =>
    lines
      .filter(line => statedDirection([line]) === null)
      .map(line => (line.startsWith('c=') ? connectionLine(local.rtp.host) : line));
  return {
    session: free(description.session),
    media: description.media.map(each => ({ ...each, lines: free(each.lines) })),
  };
}
