import { BroadWorksWriter } from '../dialects/broadworks-writer';
import { type DialectChoice } from '../dialects/dialect';
import { Rfc7865Writer } from '../dialects/rfc7865-writer';
import { type RecordingMetadata, type SnapshotRequest } from '../model';
import { Markup } from './markup';

const DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>';

export interface XmlDocument {
  /** ASCII only, one line: as many bytes as characters. */
  readonly xml: string;
  /** How many characters could not be written and became U+FFFD. */
  readonly replacedCharacters: number;
}

export interface WriteOptions {
  /** Default `rfc7865`. A snapshot request is always written so. */
  readonly dialect?: DialectChoice;
  /** Offset of all times from UTC, minutes, east positive. Default 0. */
  readonly utcOffsetMinutes?: number;
}

/**
 * Writes a document in a dialect.
 *
 * @throws MetadataError `REC_ERR_METADATA_TIME` for a time out of range, `REC_ERR_METADATA_EXTENSION_NAME` for an
 * extension whose names are not plain ASCII names. Text never throws.
 */
export function toXml(
  document: RecordingMetadata | SnapshotRequest,
  { dialect = { name: 'rfc7865' }, utcOffsetMinutes = 0 }: WriteOptions = {},
): XmlDocument {
  const markup = new Markup();
  const root = write(document, markup, dialect, utcOffsetMinutes);
  return { xml: DECLARATION + root, replacedCharacters: markup.replacedCharacters };
}

function write(
  document: RecordingMetadata | SnapshotRequest,
  markup: Markup,
  dialect: DialectChoice,
  utcOffsetMinutes: number,
): string {
  if (document.kind === 'recording' && dialect.name === 'broadworks') {
    return new BroadWorksWriter(markup, dialect, utcOffsetMinutes).recording(document);
  }
  const writer = new Rfc7865Writer(markup, utcOffsetMinutes);
  return document.kind === 'recording'
    ? writer.recording(document)
    : writer.snapshotRequest(document);
}
