import { type XmlElement } from '../model';

const NAME = /^[A-Za-z_][A-Za-z0-9._-]*$/;
/** What our documents may have of the namespace `xml`. */
const XML_ATTRIBUTES: ReadonlySet<string> = new Set(['xml:lang', 'xml:space']);

/**
 * Whether our documents can carry an extension's element by that name: ASCII only, because a name cannot be escaped and
 * a document has as many bytes as characters; nothing that begins with `xml` (XML 1.0 §2.3).
 */
export function isWritableName(name: string): boolean {
  return NAME.test(name) && !name.toLowerCase().startsWith('xml');
}

/** The same of an attribute. */
export function isWritableAttribute(name: string): boolean {
  return XML_ATTRIBUTES.has(name) || isWritableName(name);
}

/** Extensions without the elements and attributes whose names our documents cannot carry. */
export function writableOnly(elements: readonly XmlElement[]): readonly XmlElement[] {
  return elements
    .filter(({ name }) => isWritableName(name))
    .map(element => ({
      ...element,
      attributes: Object.fromEntries(
        Object.entries(element.attributes).filter(([name]) => isWritableAttribute(name)),
      ),
      children: writableOnly(element.children),
    }));
}
