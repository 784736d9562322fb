/** Attempts and outages that are remembered for the ledger: the first and the newest of each. */
const MAX_REMEMBERED = 64;

/** The list with one more entry. It does not grow for ever: the oldest of the newer half makes room. */
export function remembered<T>(list: readonly T[], entry: T): readonly T[] {
  const kept = list.length < MAX_REMEMBERED ? list : list.toSpliced(MAX_REMEMBERED / 2, 1);
  return kept.concat([entry]);
}
