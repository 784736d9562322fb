import { TextCleaner, toNumericReferences } from './text';

/** Attribute values by name; absent (null) ones are left out. */
export type Attributes = Readonly<Record<string, string | null>>;

const NEEDS_NO_CARE = /^[\x20-\x7E]*$/;
const MARKUP_IN_TEXT = /[&<>]/g;
const MARKUP_IN_ATTRIBUTE = /[&<"]/g;
const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
};

/**
 * Puts a document together from its leaves to its root: ASCII only, one line, characters that XML cannot carry
 * replaced and counted. The names of elements and attributes must be legal ASCII names.
 */
export class Markup {
  readonly #cleaner = new TextCleaner();

  get replacedCharacters(): number {
    return this.#cleaner.replacedCharacters;
  }

  /** @param content markup, in order. */
  element(name: string, attributes: Attributes, content: readonly string[] = []): string {
    const inside = content.join('');
    const start = `<${name}${this.#attributes(attributes)}`;
    return inside === '' ? `${start}/>` : `${start}>${inside}</${name}>`;
  }

  /** An element that holds text; nothing at all for null. */
  leaf(name: string, text: string | null, attributes: Attributes = {}): string {
    return text === null ? '' : this.element(name, attributes, [this.text(text)]);
  }

  text(text: string): string {
    return this.#escape(text, MARKUP_IN_TEXT);
  }

  #attributes(attributes: Attributes): string {
    let markup = '';
    for (const [name, value] of Object.entries(attributes)) {
      if (value !== null) {
        markup += ` ${name}="${this.#escape(value, MARKUP_IN_ATTRIBUTE)}"`;
      }
    }
    return markup;
  }

  #escape(text: string, markup: RegExp): string {
    const isPlain = NEEDS_NO_CARE.test(text);
    const escaped = (isPlain ? text : this.#cleaner.clean(text)).replace(
      markup,
      character => ESCAPES[character] ?? character,
    );
    return isPlain ? escaped : toNumericReferences(escaped);
  }
}
