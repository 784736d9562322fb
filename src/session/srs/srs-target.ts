/** One recorder (SRS) of a provider. */
export interface SrsTarget {
  /** Request-URI and next hop, e.g. `sip:srs.example.com;transport=tcp`. */
  readonly uri: string;
  /** The lowest is asked first. */
  readonly priority: number;
  /** Share among those of the same priority; 0: only when no other is left. */
  readonly weight: number;
}

/**
 * Targets by priority, and within one priority in an order drawn by weight (the algorithm of RFC 2782). Pure but for
 * `random`, which gives 0 (inclusive) to 1 (exclusive).
 */
export function orderTargets(
  targets: readonly SrsTarget[],
  random: () => number,
): readonly SrsTarget[] {
  const priorities = [...new Set(targets.map(({ priority }) => priority))].sort((a, b) => a - b);
  return priorities.flatMap(priority =>
    drawByWeight(
      targets.filter(target => target.priority === priority),
      random,
    ),
  );
}

function drawByWeight(targets: readonly SrsTarget[], random: () => number): SrsTarget[] {
  const left = [...targets];
  const drawn: SrsTarget[] = [];
  while (left.length > 0) {
    const total = left.reduce((sum, { weight }) => sum + weight, 0);
    let at = 0;
    if (total > 0) {
      let mark = random() * total;
      at = left.findIndex(({ weight }) => (mark -= weight) < 0);
    }
    drawn.push(...left.splice(Math.max(0, at), 1));
  }
  return drawn;
}
