/** Attempts and outages that are remembered for the ledger: the first and the newest of each. */
const MAX_REMEMBERED = 64;

/** Adds to a list that does not grow for ever: the oldest of the newer half makes room. */
export function remember<T>(list: T[], entry: T): void {
  if (list.length >= MAX_REMEMBERED) {
    list.splice(MAX_REMEMBERED / 2, 1);
  }
  list.push(entry);
}
