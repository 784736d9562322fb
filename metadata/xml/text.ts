/** Controls other than tab, LF and CR, lone surrogates and the two non-characters: never legal or never wanted. */
const UNWANTED = /[^\P{Cc}\t\n\r]|\p{Cs}|[\uFFFE\uFFFF]/gu;
const NOT_PRINTABLE_ASCII = /[^\x20-\x7E]/gu;

/** Replaces characters that XML 1.0 §2.2 forbids or discourages by U+FFFD, and counts them. */
export class TextCleaner {
  #replacedCharacters = 0;

  get replacedCharacters(): number {
    return this.#replacedCharacters;
  }

  clean(text: string): string {
    return text.replace(UNWANTED, () => {
      this.#replacedCharacters += 1;
      return '\uFFFD';
    });
  }
}

/**
 * Writes everything but printable ASCII as numeric character references, so that a document has as many bytes
 * as characters and no line end that somebody on the way could normalise. Only for text and attribute values:
 * the names in `xml` must be ASCII.
 */
export function toNumericReferences(xml: string): string {
  return xml.replace(
    NOT_PRINTABLE_ASCII,
    character => `&#x${(character.codePointAt(0) ?? 0).toString(16).toUpperCase()};`,
  );
}
