import { errorMessage } from '#core';
import { Parser } from 'xml2js';
import { MetadataError } from '../errors';
import { type XmlElement } from '../model';
import { refuseIllFormed } from './well-formed';

/** Far above what a call needs, far below what hurts. */
const MAX_CHARACTERS = 65_536;
const MAX_ELEMENTS = 2048;
const MAX_DEPTH = 32;

/** The namespace of `xml:lang` and its kind. */
const XML_PREFIX = 'xml';
/** How xml2js names a piece of text; an element cannot look like it, because every element has a namespace. */
const TEXT_NODE = '__text__';

/** What xml2js makes of an element with the options below. The keys are no legal XML names. */
interface ParsedNode {
  readonly '#name': string;
  readonly '#attributes'?: Readonly<Record<string, ParsedAttribute>>;
  readonly '#attributesns'?: { readonly uri: string; readonly local: string };
  readonly '#children'?: readonly ParsedNode[];
  readonly '#text'?: string;
}

interface ParsedAttribute {
  readonly name: string;
  readonly value: string;
  readonly prefix: string;
  readonly local: string;
  readonly uri: string;
}

/** The part of the underlying parser that sees attributes before duplicates are merged. */
interface AttributeEvents {
  onopentagstart: () => void;
  onattribute: (attribute: { readonly name: string }) => void;
}

/**
 * Reads a whole document into a tree. Comments and processing instructions are skipped.
 *
 * @throws MetadataError `REC_ERR_METADATA_TOO_LARGE` above 65536 characters, 2048 elements or 32 levels;
 * `REC_ERR_METADATA_MALFORMED` when it is not well-formed, or has a document type.
 */
export function parseXml(xml: string): XmlElement {
  if (xml.length > MAX_CHARACTERS) {
    throw tooLarge(`${xml.length} characters, ${MAX_CHARACTERS} allowed`);
  }
  refuseIllFormed(xml);

  const bounds = new Bounds();
  const parser = new Parser({
    async: false,
    xmlns: true,
    explicitRoot: false,
    explicitChildren: true,
    preserveChildrenOrder: true,
    charsAsChildren: true,
    includeWhiteChars: true,
    explicitCharkey: true,
    attrkey: '#attributes',
    charkey: '#text',
    childkey: '#children',
    tagNameProcessors: [name => bounds.opened(name)],
    validator: (_path: string, _current: unknown, value: unknown) => bounds.closed(value),
  });
  refuseDuplicateAttributes(parser);

  // The callback of parseString() would reset the parser at the end of the root and so hide what follows it.
  const outcome: { root: ParsedNode | null; failure: unknown } = { root: null, failure: null };
  parser.on('end', (result: ParsedNode | null) => {
    outcome.root ??= result;
  });
  parser.on('error', (error: Error) => {
    outcome.failure ??= error;
    // Otherwise the parser would go on to look for more errors.
    throw error;
  });
  try {
    parser.parseString(xml);
  } catch (error) {
    outcome.failure ??= error;
  }
  const { root, failure } = outcome;
  if (failure instanceof MetadataError) {
    throw failure;
  }
  if (failure !== null || root === null) {
    const reason = failure === null ? 'no element' : errorMessage(failure).replaceAll('\n', ', ');
    throw new MetadataError('REC_ERR_METADATA_MALFORMED', `not well-formed XML: ${reason}`, {
      cause: failure ?? undefined,
    });
  }
  return toElement(root);
}

/** Counts while the parser runs, and stops it. */
class Bounds {
  #elements = 0;
  #depth = 0;

  opened(name: string): string {
    if (this.#depth === 0 && this.#elements > 0) {
      throw new MetadataError('REC_ERR_METADATA_MALFORMED', 'the document has a second root');
    }
    this.#elements += 1;
    this.#depth += 1;
    if (this.#elements > MAX_ELEMENTS) {
      throw tooLarge(`more than ${MAX_ELEMENTS} elements`);
    }
    if (this.#depth > MAX_DEPTH) {
      throw tooLarge(`more than ${MAX_DEPTH} levels`);
    }
    return name;
  }

  closed(value: unknown): unknown {
    this.#depth -= 1;
    return value;
  }
}

/** With namespaces on, the parser lets the last of two equal attributes win (XML 1.0 §3.1 forbids both). */
function refuseDuplicateAttributes(parser: Parser): void {
  const { saxParser } = parser as unknown as { saxParser: AttributeEvents };
  const seen = new Set<string>();
  saxParser.onopentagstart = () => seen.clear();
  saxParser.onattribute = ({ name }) => {
    if (seen.has(name)) {
      throw new MetadataError('REC_ERR_METADATA_MALFORMED', 'an element has an attribute twice');
    }
    seen.add(name);
  };
}

function toElement(node: ParsedNode): XmlElement {
  const content = node['#children'] ?? [];
  const children = content.filter(child => !isText(child)).map(toElement);
  const text = content
    .filter(isText)
    .map(child => child['#text'] ?? '')
    .join('');
  const attributes = Object.values(node['#attributes'] ?? {})
    .filter(({ prefix, name }) => (prefix === '' && name !== 'xmlns') || prefix === XML_PREFIX)
    .map(({ name, value }) => [name, value] as const);
  return {
    namespace: node['#attributesns']?.uri ?? '',
    name: node['#attributesns']?.local ?? node['#name'],
    attributes: Object.fromEntries(attributes),
    text: children.length > 0 && text.trim() === '' ? '' : text,
    children,
  };
}

function isText(node: ParsedNode): boolean {
  return node['#name'] === TEXT_NODE && node['#attributesns'] === undefined;
}

function tooLarge(what: string): MetadataError {
  return new MetadataError('REC_ERR_METADATA_TOO_LARGE', `the document has ${what}`);
}
