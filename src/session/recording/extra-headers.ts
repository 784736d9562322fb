/** What `{name}` in a configured header stands for; the names are those that the configuration check knows. */
export interface HeaderFacts {
  readonly callId: string;
  readonly recordingId: string;
  readonly userId: string;
  readonly organisationId: string;
  readonly serviceProvider: string;
  readonly externalGroup: string;
  readonly externalIdentifier: string;
}

/** A header that is longer helps nobody. */
const MAX_VALUE_CHARACTERS = 512;
/** Whatever could end a header line or confuse a parser (RFC 3261 §25.1, CTL). */
// eslint-disable-next-line no-control-regex
const CONTROLS = /[\u0000-\u001f\u007f\u2028\u2029]/g;

/** Fills the placeholders in. What comes from facts can neither end a header nor hold placeholders itself. Pure. */
export function filledHeaders(
  templates: Readonly<Record<string, string>>,
  facts: HeaderFacts,
): Readonly<Record<string, string>> {
  const known = new Map<string, string>(Object.entries(facts));
  return Object.fromEntries(
    Object.entries(templates).map(([name, template]) => [
      name,
      template
        .replace(/\{(\w+)\}/g, (whole, key: string) => known.get(key) ?? whole)
        .replace(CONTROLS, '')
        .slice(0, MAX_VALUE_CHARACTERS),
    ]),
  );
}
