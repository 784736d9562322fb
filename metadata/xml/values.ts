import { parseDateTime, parseLenientDateTime } from '../date-time';
import { type XmlElement } from '../model';
import { isUuid, type MetadataId, metadataIdFromUuid, parseMetadataId } from '../unique-id';
import { type DeviationList, quote } from './deviations';
import { writableOnly } from './names';
import { canonicalName, RECORDING_NAMESPACE } from './schema';

/** An element and where it stands. */
export interface Located {
  readonly element: XmlElement;
  readonly path: string;
}

/** The children of the parent's own namespace by that name, in whatever case they are spelled. */
export function childrenNamed({ element, path }: Located, name: string): readonly Located[] {
  return element.children
    .filter(child => child.namespace === element.namespace && canonicalName(child.name) === name)
    .map((child, index) => ({ element: child, path: `${path}/${child.name}[${index + 1}]` }));
}

/**
 * Elements of other namespaces; see {@link writableOnly}. One of the standard's namespace in a document of another is no
 * extension: written again it would be what its name says.
 */
export function extensionsOf({ element }: Located): readonly XmlElement[] {
  return writableOnly(
    element.children.filter(
      ({ namespace }) => namespace !== element.namespace && namespace !== RECORDING_NAMESPACE,
    ),
  );
}

/** The content of the first such child without white space around it; null when absent. */
export function childText(parent: Located, name: string): string | null {
  return childrenNamed(parent, name)[0]?.element.text.trim() ?? null;
}

/**
 * Reads an id (RFC 7865 §6.10). A dashed UUID becomes base64; anything else illegal is kept as it is, so that
 * references to it still match. null when it is empty.
 */
export function readId(text: string, path: string, deviations: DeviationList): MetadataId | null {
  const trimmed = text.trim();
  const id = parseMetadataId(trimmed);
  if (id !== null) {
    return id;
  }
  const message = `the id ${quote(trimmed)} is not 16 bytes in base64`;
  deviations.add('RFC 7865 §6.10', message, path);
  if (isUuid(trimmed)) {
    return metadataIdFromUuid(trimmed);
  }
  return trimmed === '' ? null : (trimmed as MetadataId);
}

/** Reads an id from an attribute; null when it is absent (the schema check has said so) or empty. */
export function readIdAttribute(
  { element, path }: Located,
  name: string,
  deviations: DeviationList,
): MetadataId | null {
  const value = element.attributes[name];
  return value === undefined ? null : readId(value, `${path}/@${name}`, deviations);
}

/** The ids that are the content of all such children. */
export function readIdChildren(
  parent: Located,
  name: string,
  deviations: DeviationList,
): readonly MetadataId[] {
  return childrenNamed(parent, name).flatMap(({ element, path }) => {
    const id = readId(element.text, path, deviations);
    return id === null ? [] : [id];
  });
}

/** Reads the time in the first such child (RFC 7865 §6.9); null when absent or beyond understanding. */
export function readTime(parent: Located, name: string, deviations: DeviationList): number | null {
  const child = childrenNamed(parent, name)[0];
  if (child === undefined) {
    return null;
  }
  const text = child.element.text.trim();
  const strict = parseDateTime(text);
  if (strict === null) {
    const message = `${quote(text)} is no date and time of RFC 3339`;
    deviations.add('RFC 7865 §6.9', message, child.path);
  }
  return strict ?? parseLenientDateTime(text);
}

/** Both times of an association. */
export function readTimes(
  parent: Located,
  deviations: DeviationList,
): { associateTimeMs: number | null; disassociateTimeMs: number | null } {
  return {
    associateTimeMs: readTime(parent, 'associate-time', deviations),
    disassociateTimeMs: readTime(parent, 'disassociate-time', deviations),
  };
}
