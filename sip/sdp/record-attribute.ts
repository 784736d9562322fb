import { type RecordIndication, type RecordPreference } from '../ports';
import { attributeName, type SessionDescription } from './session-description';

/** `a=record` in force for an m-line: its own, else the session's (RFC 7866 §7.1.2); null without a valid one. */
export function readRecord(
  description: SessionDescription,
  mediaIndex: number,
): RecordIndication | null {
  const value = valueOf(description, mediaIndex, 'record');
  return value === 'on' || value === 'off' || value === 'paused' ? value : null;
}

/** `a=recordpref` in force for an m-line (RFC 7866 §7.3.2); null without a valid one. */
export function readRecordPreference(
  description: SessionDescription,
  mediaIndex: number,
): RecordPreference | null {
  const value = valueOf(description, mediaIndex, 'recordpref');
  return value === 'on' || value === 'off' || value === 'pause' || value === 'nopreference'
    ? value
    : null;
}

/** The description with this indication for its m-line in place of any other. */
export function withRecord(
  description: SessionDescription,
  mediaIndex: number,
  indication: RecordIndication,
): SessionDescription {
  const { session, media } = without(description, 'record');
  return {
    session,
    media: media.map((each, index) =>
      index === mediaIndex && each.port !== 0
        ? { ...each, lines: [...each.lines, `a=record:${indication}`] }
        : each,
    ),
  };
}

/** The description without what its writer prefers. */
export function withoutRecordPreference(description: SessionDescription): SessionDescription {
  return without(description, 'recordpref');
}

function without(description: SessionDescription, name: string): SessionDescription {
  const free = (lines: readonly string[]): readonly string[] =>
    lines.filter(line => attributeName(line) !== name);
  return {
    session: free(description.session),
    media: description.media.map(each => ({ ...each, lines: free(each.lines) })),
  };
}

function valueOf(description: SessionDescription, mediaIndex: number, name: string): string | null {
  const find = (lines: readonly string[] = []): string | undefined =>
    lines.findLast(line => attributeName(line) === name);
  const line = find(description.media[mediaIndex]?.lines) ?? find(description.session);
  // RFC 7866 prints "a=" twice in the grammar of recordpref; nobody who follows it to the letter shall be misunderstood.
  const value = line === undefined ? null : /^a=[a-z]+:\s*(?:a=recordpref:)?\s*(\S+)/i.exec(line);
  return value?.[1]?.toLowerCase() ?? null;
}
