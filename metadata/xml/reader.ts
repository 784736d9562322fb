import { findBroadWorksBlock } from '../dialects/broadworks-reader';
import { type DialectName } from '../dialects/dialect';
import { MetadataError } from '../errors';
import { type Deviation, type RecordingMetadata, type SnapshotRequest } from '../model';
import { DeviationList, quote } from './deviations';
import { readPreStandard } from './pre-standard';
import { readRecording, readSnapshotRequest } from './rfc7865';
import { canonicalName, checkStructure, RECORDING_NAMESPACE } from './schema';
import { parseXml } from './tree';
import { childrenNamed } from './values';

/** `pre-standard`: the shape of the drafts, without the block of BroadWorks. */
export type SpokenDialect = DialectName | 'pre-standard';

export interface ParsedMetadata {
  readonly document: RecordingMetadata | SnapshotRequest;
  readonly dialect: SpokenDialect;
  /**
   * Where the text departs from RFC 7865, or, in the dialect of BroadWorks, from what is known of it
   * (docs/broadworks-dialect.md); bounded in number.
   */
  readonly deviations: readonly Deviation[];
}

const DECLARATION = /^<\?xml\s[^>]*?encoding\s*=\s*["']([A-Za-z0-9._-]+)["'][^>]*?\?>/;

/**
 * Reads what SRCs and SRSs really send: elements in any order, spelled in any case, with any prefix, ids as
 * dashed UUIDs (they become base64), sloppy times, unknown extensions, and the pre-standard root
 * `recording_metadata`, among them the documents of BroadWorks. Everything that RFC 7865 does not allow is listed; what cannot be understood is left out
 * and listed, but for extensions whose names our own documents could not carry (not ASCII): they are left out.
 *
 * @throws MetadataError `REC_ERR_METADATA_MALFORMED` when it is not well-formed XML or declares a document type,
 * `REC_ERR_METADATA_TOO_LARGE` beyond 65536 characters, 2048 elements or 32 levels,
 * `REC_ERR_METADATA_UNKNOWN_ROOT` for any other document.
 */
export function parseMetadata(xml: string): ParsedMetadata {
  const trimmed = xml.replace(/^\uFEFF/, '').trimStart();
  const root = parseXml(trimmed);
  const deviations = new DeviationList();
  checkDeclaration(xml, trimmed, deviations);

  const name = canonicalName(root.name);
  const path = `/${root.name}`;
  if (name === 'recording' || name === 'requestsnapshot') {
    if (root.namespace !== RECORDING_NAMESPACE) {
      const message = `the namespace is ${quote(root.namespace)}, not ${RECORDING_NAMESPACE}`;
      deviations.add('RFC 7865 §6.11', message, path);
    }
    if (root.name !== name) {
      deviations.add('RFC 7865 §9', `${quote(root.name)} must be spelled ${name}`, path);
    }
    checkStructure(root, path, deviations);
    const document =
      name === 'recording' ? readRecording(root, deviations) : readSnapshotRequest(root);
    return { document, dialect: 'rfc7865', deviations: deviations.toArray() };
  }
  if (root.name === 'recording_metadata') {
    const extensionData = childrenNamed({ element: root, path }, 'extensiondata');
    const isBroadWorks = findBroadWorksBlock(extensionData) !== null;
    if (!isBroadWorks) {
      const message = 'a pre-standard document (drafts of 2011), not RFC 7865';
      deviations.add('RFC 7865 §5.1.2', message, path);
    }
    const document = readPreStandard(root, deviations);
    const dialect = isBroadWorks ? 'broadworks' : 'pre-standard';
    return { document, dialect, deviations: deviations.toArray() };
  }
  throw new MetadataError(
    'REC_ERR_METADATA_UNKNOWN_ROOT',
    `the root element is ${quote(root.name)}, neither recording nor requestsnapshot`,
  );
}

/** RFC 7865 §5.1: the document has an XML declaration with an encoding. */
function checkDeclaration(xml: string, trimmed: string, deviations: DeviationList): void {
  if (trimmed.length !== xml.replace(/^\uFEFF/, '').length) {
    deviations.add('XML 1.0 §2.8', 'white space before the document', '/');
  }
  const encoding = DECLARATION.exec(trimmed.slice(0, 200))?.[1];
  if (encoding === undefined) {
    deviations.add('RFC 7865 §5.1', 'no XML declaration with an encoding', '/');
  } else if (!['utf-8', 'us-ascii'].includes(encoding.toLowerCase())) {
    deviations.add('RFC 7865 §5.1', `the encoding is declared as ${quote(encoding)}`, '/');
  }
}
