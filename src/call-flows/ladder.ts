import { describe, isLeftOut } from './describe';
import { type TraceEntry } from './trace';

/** The gateway's name in every ladder. */
const GATEWAY = 'gateway';

/** A run as a Mermaid sequence diagram. @param parties from left to right, the gateway among them. */
export function toMermaid(parties: readonly string[], entries: readonly TraceEntry[]): string {
  const [first, last] = [parties[0] ?? GATEWAY, parties.at(-1) ?? GATEWAY];
  return [
    'sequenceDiagram',
    ...parties.map(party => `    participant ${party}`),
    ...entries.flatMap(entry => {
      if (entry.kind === 'note') {
        return [`    Note over ${first},${last}: ${escaped(entry.text)}`];
      }
      if (isLeftOut(entry.message)) {
        return [];
      }
      const [from, to] = entry.way === 'sent' ? [entry.party, GATEWAY] : [GATEWAY, entry.party];
      const arrow = entry.message.kind === 'request' ? '->>' : '-->>';
      return [`    ${from}${arrow}${to}: ${escaped(describe(entry.message))}`];
    }),
  ].join('\n');
}

/** What each party saw, in its order: the part of a ladder that is the same in every run. */
export function lanesOf(mermaid: string): Readonly<Record<string, readonly string[]>> {
  const lanes: Record<string, string[]> = {};
  for (const line of mermaid.split('\n')) {
    const [, from, to] = /^ {4}(\w+)-{1,2}>>(\w+): /.exec(line) ?? [];
    const party = from === GATEWAY ? to : from;
    if (party !== undefined) {
      (lanes[party] ??= []).push(line.trim());
    }
  }
  return lanes;
}

/** Mermaid ends a statement at `;` and reads `#` as the beginning of an entity. */
function escaped(text: string): string {
  return text.replaceAll(';', ',').replaceAll('#', '');
}
