import { MetadataError } from '../errors';

const CDATA_OR_COMMENT = [
  { open: '<!--', close: '-->' },
  { open: '<![CDATA[', close: ']]>' },
] as const;
/** Outside CDATA and comments, an ampersand begins one of these and nothing else (no DTD, so no other entity). */
const BAD_REFERENCE = /&(?!(?:amp|lt|gt|quot|apos|#[0-9]{1,7}|#x[0-9A-Fa-f]{1,6});).{0,20}/u;
const CHARACTER_REFERENCE = /&#(?:x([0-9A-Fa-f]+)|([0-9]+));/g;
/** Everything that XML 1.0 §2.2 does not count as a character. */
const NOT_A_CHARACTER = /[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/u;

/**
 * Refuses what the XML parser would let pass: document types and entity declarations (the way of every entity
 * bomb), undeclared entities, and characters that XML does not have. Linear in the length.
 *
 * @throws MetadataError `REC_ERR_METADATA_MALFORMED`.
 */
export function refuseIllFormed(xml: string): void {
  if (NOT_A_CHARACTER.test(xml)) {
    refuse('a character that XML does not allow');
  }
  const markup = withoutCdataAndComments(xml);
  if (markup.includes('<!')) {
    refuse('a document type or another declaration');
  }
  const badReference = BAD_REFERENCE.exec(markup);
  if (badReference !== null) {
    refuse(`an unknown reference ${JSON.stringify(badReference[0])}`);
  }
  for (const [reference, hex, decimal] of markup.matchAll(CHARACTER_REFERENCE)) {
    const codePoint = hex === undefined ? Number(decimal) : Number.parseInt(hex, 16);
    if (codePoint > 0x10ffff || NOT_A_CHARACTER.test(String.fromCodePoint(codePoint))) {
      refuse(`a reference to what is no character, ${reference}`);
    }
  }
}

function withoutCdataAndComments(xml: string): string {
  const kept: string[] = [];
  let position = 0;
  for (;;) {
    const start = xml.indexOf('<!', position);
    const kind = CDATA_OR_COMMENT.find(({ open }) => start >= 0 && xml.startsWith(open, start));
    if (kind === undefined) {
      return kept.join('') + xml.slice(position);
    }
    kept.push(xml.slice(position, start));
    const end = xml.indexOf(kind.close, start + kind.open.length);
    if (end < 0) {
      refuse(`${kind.open} without ${kind.close}`);
    }
    position = end + kind.close.length;
  }
}

function refuse(what: string): never {
  throw new MetadataError('REC_ERR_METADATA_MALFORMED', `the document holds ${what}`);
}
