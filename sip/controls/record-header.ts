import { type InfoFacts } from '../ports';

/** What a phone asks for with the `Record` header of an INFO. */
export type RecordControl = 'on' | 'off' | 'pause' | 'resume';

const CONTROLS: ReadonlySet<string> = new Set<RecordControl>(['on', 'off', 'pause', 'resume']);

/**
 * Reads the `Record: on` of an INFO without a body, as phones with a record key send it.
 * @returns null without the header, with another value or several, or when the INFO carries something else
 */
export function readRecordHeader(info: Pick<InfoFacts, 'headers' | 'body'>): RecordControl | null {
  const value = info.headers['record']?.trim().toLowerCase() ?? '';
  return info.body.trim() === '' && CONTROLS.has(value) ? (value as RecordControl) : null;
}
