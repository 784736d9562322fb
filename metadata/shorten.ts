/** At most the first `maxUnits` UTF-16 units, without cutting through a surrogate pair. */
export function shorten(text: string, maxUnits: number): string {
  const cut = text.slice(0, maxUnits);
  const endsInsidePair = cut.length < text.length && /[\uD800-\uDBFF]$/.test(cut);
  return endsInsidePair ? cut.slice(0, -1) : cut;
}
